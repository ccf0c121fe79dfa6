"""The test for a changed rate, tried on streams whose truth is known."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.counts.drift import ALPHA, MOST_MOMENTS, DriftTest

STREAMS, LONG = 120, 800


def after(outcomes: list[bool]) -> DriftTest:
    test = DriftTest()
    for outcome in outcomes:
        test.add(outcome)
    return test


@pytest.mark.parametrize("rate", [0.5, 0.95])
def test_a_steady_rate_hardly_ever_raises_an_alarm(rate: float) -> None:
    """120 runs of 800 probes, looked at all the time: at most one in a hundred may be alarmed, by the theorem.

    Of 120 at 1% more than 5 would be a sign (p < 0.002) that the theorem does not hold for the code.
    """
    random = Random(7)
    alarmed = sum(after([random.random() < rate for _ in range(LONG)]).flagged for _ in range(STREAMS))
    assert alarmed <= 5 and ALPHA == 0.01


@pytest.mark.parametrize(("before", "then", "within"), [(0.95, 0.6, 80), (0.9, 0.7, 600), (0.6, 0.95, 120)])
def test_a_change_is_seen_soon(before: float, then: float, within: int) -> None:
    """A judge that gets worse (or better) after 300 probes is flagged, in nine runs of ten, within so many more."""
    seen = 0
    for seed in range(40):
        random = Random(seed)
        test = after([random.random() < before for _ in range(300)] + [random.random() < then for _ in range(within)])
        seen += test.flagged
        if test.flagged:
            assert test.change is not None and 200 <= test.change[0] <= 300 + within
    assert seen >= 36


def test_many_probes_take_bounded_memory() -> None:
    """Moments beyond the bound are thinned out; a late change is still seen."""
    random = Random(1)
    test = after([random.random() < 0.95 for _ in range(4000)] + [random.random() < 0.5 for _ in range(200)])
    assert len(test._moments) <= MOST_MOMENTS
    assert test.flagged and test.flagged_at is not None and test.flagged_at > 4000


@settings(max_examples=60, deadline=None)
@given(outcomes=st.lists(st.booleans(), max_size=120))
def test_evidence_is_the_same_whatever_counts_as_success(outcomes: list[bool]) -> None:
    """Recall or misses: one test. And no evidence is ever taken back."""
    one, other = after(outcomes), after([not outcome for outcome in outcomes])
    assert one.log_evidence == pytest.approx(other.log_evidence, abs=1e-9)
    assert one.log_evidence >= after(outcomes[: len(outcomes) // 2]).log_evidence - 1e-12
