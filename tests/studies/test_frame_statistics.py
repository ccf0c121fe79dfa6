"""Intervals hold what they say, a test errs as rarely as it says, and corrections and power are what books give."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats

from studies.frame.statistics import contrast, holm, interval, p_above, power, power_of_none, pseudo_values

STUDIES = 400
PROBLEMS = 200


def study(rng: np.random.Generator, units: int, effect: float, *, spread: float = 0.03) -> np.ndarray:
    """Errors of two arms in units that differ from each other, both arms of a unit alike."""
    base = np.clip(rng.normal(0.5, 0.1, units), 0.1, 0.9)
    more = np.clip(base + effect + rng.normal(0, spread, units), 0, 1)
    wrong, other = rng.binomial(PROBLEMS, more), rng.binomial(PROBLEMS, base)
    return np.stack([wrong, np.full(units, PROBLEMS), other, np.full(units, PROBLEMS)], axis=1).astype(float)


@pytest.mark.parametrize("units", [5, 24])
def test_intervals_cover_the_true_effect_as_often_as_they_say(units: int) -> None:
    """Of 400 studies whose true difference is 6 points, 95% have it in their interval, within the simulation's luck."""
    rng = np.random.default_rng(units)
    tables = [study(rng, units, 0.06) for _ in range(STUDIES)]
    halves = [(p.mean(), half_width(p)) for p in map(plain_pseudo, tables)]
    covered = np.mean([abs(middle - 0.06) <= half for middle, half in halves])
    assert 0.92 <= covered <= 0.98


def half_width(values: np.ndarray) -> float:
    """Of Student's interval, as a textbook has it."""
    return float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values)))


def by_students(values: np.ndarray) -> float:
    """The one-sided p-value of a mean above 0."""
    t = values.mean() / (values.std(ddof=1) / math.sqrt(len(values)))
    return float(stats.t.sf(t, len(values) - 1))


def plain_pseudo(table: np.ndarray) -> np.ndarray:
    return pseudo_values(table, ratio=False)


def test_the_interval_told_is_students_on_the_units() -> None:
    """What the simulation above covers is what a study is told."""
    table = study(np.random.default_rng(1), 24, 0.06)
    found = contrast(table, ratio=False, sign=1, none=0.0, smallest=0.02, seed=0)
    assert found is not None
    differences = table[:, 0] / PROBLEMS - table[:, 2] / PROBLEMS
    half = half_width(differences)
    assert found.effect.value == pytest.approx(differences.mean())
    assert (found.effect.low, found.effect.high) == pytest.approx(
        (differences.mean() - half, differences.mean() + half)
    )


def test_a_bootstrap_of_five_units_would_claim_too_much() -> None:
    """Why none is used: its percentiles miss the truth more than twice as often as they say."""
    rng = np.random.default_rng(3)
    missed = 0
    for _ in range(STUDIES):
        values = pseudo_values(study(rng, 5, 0.06), ratio=False)
        means = values[rng.integers(5, size=(500, 5))].mean(axis=1)
        low, high = np.percentile(means, [2.5, 97.5])
        missed += not low <= 0.06 <= high
    assert missed / STUDIES > 0.1


@pytest.mark.parametrize("units", [5, 12])
def test_no_effect_is_found_as_rarely_as_alpha_says(units: int) -> None:
    """Where nothing is true, one study of twenty says otherwise, not more; flipped signs only ever make it rarer."""
    rng = np.random.default_rng(10 + units)
    values = [pseudo_values(study(rng, units, 0.0), ratio=False) for _ in range(STUDIES)]
    by_t = [by_students(one) for one in values]
    suspects = [(one, p) for one, p in zip(values, by_t, strict=True) if p <= 0.05]
    told = [p_above(one, 0.0, seed=0) for one, _ in suspects]
    assert all(found >= p for found, (_, p) in zip(told, suspects, strict=True))
    assert 0.01 <= sum(p <= 0.05 for p in told) / STUDIES <= 0.08


def test_ratios_of_sums_are_covered_too() -> None:
    """Samples by tokens, where units differ in size and what is compared is how many times as many."""
    rng, covered = np.random.default_rng(5), 0
    for _ in range(STUDIES):
        tokens = rng.uniform(50, 150, 20)
        rate = rng.lognormal(0, 0.2, 20)
        table = np.stack([rng.poisson(1.3 * rate * tokens), tokens, rng.poisson(rate * tokens), tokens], axis=1)
        values = pseudo_values(table.astype(float), ratio=True)
        covered += abs(values.mean() - math.log(1.3)) <= half_width(values)
    assert 0.92 <= covered / STUDIES <= 0.98


def test_an_effect_that_is_not_defined_is_none() -> None:
    """An arm that accepted nothing has no ratio; an arm without a denominator has no share."""
    table = np.array([[0.0, 10, 5, 10]] * 6)
    assert contrast(table, ratio=True, sign=1, none=0, smallest=0, seed=0) is None
    assert interval(np.zeros(6), np.zeros(6)) is None


def test_units_that_all_agree_prove_no_more_than_their_number() -> None:
    """Six equal differences have no spread; chance alone gives one sign to all of them once in 64 times."""
    table = np.array([[4.0, 10, 6, 10]] * 6)
    found = contrast(table, ratio=False, sign=-1, none=0, smallest=0.1, seed=0)
    assert found is not None
    assert (found.effect.value, found.effect.low, found.effect.high) == pytest.approx((0.2, 0.2, 0.2))
    assert (found.p_none, found.p_smallest) == (1 / 64, 1.0)


def test_holm_as_in_his_paper() -> None:
    """The smallest times how many there are, the next times one fewer, and never below one before."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


@given(some.lists(some.floats(0, 1), min_size=1, max_size=8))
def test_holm_keeps_the_order_and_lies_between_none_and_bonferroni(p_values: list[float]) -> None:
    """For any p-values."""
    adjusted = holm(p_values)
    assert all(p <= a <= min(1.0, p * len(p_values)) or math.isclose(a, max(adjusted)) or a >= p
               for p, a in zip(p_values, adjusted, strict=True))  # fmt: skip
    assert sorted(adjusted) == [a for _, a in sorted(zip(p_values, adjusted, strict=True))]


def test_power_is_the_noncentral_ts() -> None:
    """Where no effect is too small, the simulation gives the textbook's figure."""
    exact = stats.nct.sf(stats.t.ppf(0.95, 7), 7, 0.04 / (0.04 / math.sqrt(8)))
    assert power(expected=0.04, unit_sd=0.04, units=8, alpha=0.05, smallest=0.0) == pytest.approx(exact, abs=0.01)


def test_power_never_passes_the_chance_to_find_the_smallest() -> None:
    """An effect that is just the smallest of interest is found to be so half of the time, with any number of units."""
    assert power(expected=0.02, unit_sd=0.04, units=1000, alpha=0.05, smallest=0.02) == pytest.approx(0.5, abs=0.02)


def test_power_of_none_is_how_often_no_effect_is_told_from_the_smallest() -> None:
    """By simulation of the very test that says `not supported`."""
    rng, sd, units, smallest = np.random.default_rng(7), 0.04, 8, 0.04
    drawn = rng.normal(0, sd, (4000, units))
    found = [by_students(smallest - row) <= 0.05 for row in drawn]
    expected = power_of_none(unit_sd=sd, units=units, alpha=0.05, smallest=smallest)
    assert expected == pytest.approx(np.mean(found), abs=0.025)


def test_an_arm_may_fall_short_by_the_margin() -> None:
    """One point less, where two are allowed: surprising if it fell short by two, and found to be so near."""
    rng = np.random.default_rng(2)
    table = np.stack([rng.binomial(5000, 0.89, 20), np.full(20, 5000), np.full(20, 4500), np.full(20, 5000)], axis=1)
    strict, lenient = (
        contrast(table.astype(float), ratio=False, sign=1, none=none, smallest=none, seed=0) for none in (0.0, -0.02)
    )
    assert strict is not None and lenient is not None
    assert strict.effect == lenient.effect and strict.effect.value < 0
    assert strict.p_none > 0.9 and lenient.p_none < 0.01
