"""The page's formulas, against values known from elsewhere and at their edges."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.counts.rates import auroc, auroc_interval, f1_interval, share, wilson
from actors.report.overlap import overlap_figure
from actors.report.statistics import distance_for, lens_area, nice_ceiling
from schemas.overlap import GateOverlap


def test_wilson_intervals_of_the_literature() -> None:
    """Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    for successes, trials, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        found = wilson(successes, trials)
        assert found is not None
        assert found == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
    assert wilson(0, 0) is None


def test_intervals_of_auroc_and_f1_hold_the_truth_as_often_as_they_say() -> None:
    """400 samples of 60 scores each from a known world: 95% of the intervals hold its AUROC, and its F1."""
    random = Random(5)
    held_area = held_f1 = 0
    true_f1 = 2 * 0.5 * 0.75 / (2 * 0.5 * 0.75 + 0.5 * 0.25 + 0.5 * 0.25)
    for _ in range(400):
        labels = [random.random() < 0.5 for _ in range(60)]
        scores = [0.5 * random.random() + 0.25 * label for label in labels]
        found = auroc(scores, labels)
        assert found is not None
        low, high = auroc_interval(found, sum(labels), len(labels) - sum(labels)) or (1.0, 0.0)
        held_area += low <= 0.875 <= high
        called = [label if random.random() < 0.75 else not label for label in labels]
        hits = sum(label and said for label, said in zip(labels, called, strict=True))
        others = sum(label is not said for label, said in zip(labels, called, strict=True))
        low, high = f1_interval(hits, others) or (1.0, 0.0)
        held_f1 += low <= true_f1 <= high
    assert held_area >= 370 and held_f1 >= 370
    assert auroc_interval(1.0, 5, 5) != (1.0, 1.0), "ten rows prove nothing perfect"
    assert auroc_interval(0.9, 0, 5) is None and f1_interval(0, 0) is None


@given(st.integers(1, 10_000), st.data())
def test_a_wilson_interval_holds_its_rate(trials: int, data: st.DataObject) -> None:
    """However few the trials: inside [0, 1] and around the rate."""
    successes = data.draw(st.integers(0, trials))
    found = wilson(successes, trials)
    assert found is not None and 0 <= found[0] <= successes / trials <= found[1] <= 1


def test_nothing_is_shared_of_nothing() -> None:
    """A rate without trials is unknown, not zero."""
    assert share(0, 0) is None
    assert share(1, 4) == 0.25


@given(st.floats(0.1, 100), st.floats(0.1, 100), st.floats(0, 1))
def test_circles_share_the_area_that_was_asked(r1: float, r2: float, part: float) -> None:
    """The overlap figure is to scale."""
    area = part * math.pi * min(r1, r2) ** 2
    assert lens_area(r1, r2, distance_for(r1, r2, area)) == pytest.approx(area, rel=1e-3, abs=1e-4 * min(r1, r2) ** 2)


@given(st.floats(1e-6, 1e12))
def test_an_axis_ends_at_or_above_its_highest_value(value: float) -> None:
    """No bar leaves its figure, and no figure is mostly empty."""
    assert value * (1 - 1e-6) <= nice_ceiling(value) <= 2.01 * value


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500))
def test_the_overlap_figure_draws_whatever_the_gates_said(both: int, faithfulness: int, reward: int) -> None:
    """No rejections, all by one gate, one gate's within the other's: always a figure."""
    overlap = GateOverlap(scored=2_000, both=both, only_faithfulness=faithfulness, only_reward=reward)
    drawn = overlap_figure(overlap)
    assert ("circle" in drawn) == (both + faithfulness + reward > 0)
    assert "nan" not in drawn
