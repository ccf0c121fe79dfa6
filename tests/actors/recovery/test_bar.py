"""Several tries before one judge are no easier than one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.recovery.bar import raised, raised_bar, same_bar
from schemas.errors import ErrorKind
from schemas.samples import Cost
from schemas.verdicts import FAITHFULNESS, REWARD, Errored, Evidence, Passed, Raised, Rejected

FAIR = Passed(FAITHFULNESS, 0.55, 0.5, Evidence(note="fair"), Cost(10))
FINE = Passed(REWARD, 0.6, 0.5)


def test_a_first_attempt_meets_the_configured_bar() -> None:
    """Nothing is said where nothing changes."""
    assert raised_bar((FAIR, FINE), 1) == (FAIR, FINE)
    assert same_bar((FAIR, FINE), 4) == (FAIR, FINE)


def test_what_passes_at_first_may_fail_later() -> None:
    """0.55 is enough for a first attempt and too little for a second; the verdict says which bar it met."""
    held, reward = raised_bar((FAIR, FINE), 2)
    assert held == Rejected(FAITHFULNESS, 0.55, 0.585786, Evidence(note="fair", raised=Raised(0.5, 2)), Cost(10))
    good = Passed(FAITHFULNESS, 0.6, 0.5)
    assert raised_bar((good,), 2) == (Passed(FAITHFULNESS, 0.6, 0.585786, Evidence(raised=Raised(0.5, 2))),)
    assert reward is FINE


def test_errors_and_rejections_stay_what_they_are() -> None:
    """An error is never a rejection, and a rejection never passes."""
    error = Errored(FAITHFULNESS, ErrorKind.RETRYABLE, "away")
    low = Rejected(FAITHFULNESS, 0.1, 0.5)
    first, second = raised_bar((error, low), 3)
    assert first is error
    assert isinstance(second, Rejected)


@given(st.floats(0, 1), st.integers(1, 32))
def test_the_odds_grow_with_the_tries(threshold: float, attempt: int) -> None:
    """Never below the configured bar, never beyond certainty, higher with each attempt; four tries: twice the odds."""
    assert threshold - 1e-6 <= raised(threshold, attempt) <= 1
    assert raised(threshold, attempt) <= raised(threshold, attempt + 1) + 1e-6
    assert raised(threshold, 4) == pytest.approx(2 * threshold / (1 + threshold), abs=1e-6)
