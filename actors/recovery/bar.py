"""The thresholds for repaired samples. Law: several tries before one judge must be no easier to pass than one try.

A judge errs now and then. If the first try that passes is taken, the judge erred on it more often than on first
attempts. If its errors are independent, k tries multiply the odds of an error by k; if it repeats its errors, by 1. So
attempt k needs the square root of k times the odds that a first attempt needs: from 0.5 to 0.59, 0.63, 0.67.
docs/recovery.md compares this with other bars and with a second judge. An Errored verdict stays as it is.
"""

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from schemas.verdicts import FAITHFULNESS, Errored, Evidence, GateName, Passed, Raised, Rejected, Verdict

HELD_TO_IT = frozenset({FAITHFULNESS})
"""Kinds of gates whose errors let untrue samples pass, and whose score is a probability."""


GROWTH = 0.5
"""The odds that attempt k needs grow by k to this power: 0 fits a judge that repeats its errors, 1 one whose errors are
independent."""


def raised(threshold: float, attempt: int) -> float:
    """The threshold for attempt number `attempt`, from 1. In [threshold, 1]."""
    times = attempt**GROWTH
    return round(times * threshold / (1 + (times - 1) * threshold), 6)


def same_bar(verdicts: Sequence[Verdict], attempt: int) -> tuple[Verdict, ...]:
    """The verdicts as they are: every attempt has the configured thresholds."""
    return tuple(verdicts)


def raised_bar(
    verdicts: Sequence[Verdict], attempt: int, held: Collection[GateName] = HELD_TO_IT
) -> tuple[Verdict, ...]:
    """The verdicts under raised thresholds, for the gates in `held`."""
    return tuple(verdicts) if attempt == 1 else tuple(_held(verdict, attempt, held) for verdict in verdicts)


def _held(verdict: Verdict, attempt: int, held: Collection[GateName]) -> Verdict:
    if isinstance(verdict, Errored) or verdict.gate not in held:
        return verdict
    threshold = raised(verdict.threshold, attempt)
    said = Passed if isinstance(verdict, Passed) and verdict.score >= threshold else Rejected
    evidence: Evidence = replace(verdict.evidence, raised=Raised(verdict.threshold, attempt))
    return said(verdict.gate, verdict.score, threshold, evidence, verdict.cost)
