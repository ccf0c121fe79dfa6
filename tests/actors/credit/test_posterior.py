"""What rollouts say of Q: numbers that a textbook gives, and laws that hold for every tally."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.credit.posterior import Prior, at_most, best_of, best_of_mean, interval, mean, plain_tolerance
from schemas.credit import RolloutTally

UNIFORM = Prior(1.0, 1.0)
TALLIES = st.integers(0, 60).flatmap(lambda n: st.integers(0, n).map(lambda k: RolloutTally(n, k)))


def test_a_uniform_prior_gives_laplaces_rule() -> None:
    """Three right of four: (3 + 1) / (4 + 2)."""
    assert mean(RolloutTally(4, 3), UNIFORM) == pytest.approx(4 / 6)
    assert at_most(0.05, RolloutTally(44, 0), UNIFORM) == pytest.approx(1 - 0.95**45)


def test_eight_failures_speak_for_a_fatal_step() -> None:
    """The prior knows that most steps are harmless or fatal; one success speaks against."""
    assert at_most(0.1, RolloutTally(8, 0)) > 0.9
    assert at_most(0.1, RolloutTally(8, 1)) < 0.5
    assert at_most(0.1, RolloutTally(1, 1)) < 0.1


@given(TALLIES, st.floats(0.5, 0.99))
def test_the_mean_lies_in_the_widening_interval(tally: RolloutTally, confidence: float) -> None:
    low, high = interval(tally, confidence)
    wide_low, wide_high = interval(tally, 0.995)
    assert 0 <= wide_low <= low < high <= wide_high <= 1
    assert at_most(high, tally) - at_most(low, tally) == pytest.approx(confidence, abs=1e-6)


@given(TALLIES, st.floats(0.01, 0.9))
def test_a_right_rollout_speaks_for_a_step_and_a_wrong_one_against(tally: RolloutTally, bound: float) -> None:
    assert at_most(bound, tally.plus(right=True)) <= at_most(bound, tally) + 1e-9
    assert at_most(bound, tally.plus(right=False)) >= at_most(bound, tally) - 1e-9


@given(TALLIES, st.integers(1, 16))
def test_best_of_k_from_plain_rollouts(tally: RolloutTally, draws: int) -> None:
    """For one draw it is Q; more draws help; the mean over the posterior is below the value at its mean (Jensen)."""
    assert best_of_mean(tally, 1) == pytest.approx(mean(tally))
    assert best_of_mean(tally, draws) <= best_of(mean(tally), draws) + 1e-12
    assert best_of_mean(tally, draws) <= best_of_mean(tally, draws + 1)


@given(st.floats(0.01, 0.5), st.integers(1, 64))
def test_a_tolerance_of_best_of_k_is_one_of_q(tolerance: float, draws: int) -> None:
    assert best_of(plain_tolerance(tolerance, draws), draws) == pytest.approx(tolerance)
