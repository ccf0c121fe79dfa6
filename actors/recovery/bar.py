"""What a repaired sample must reach. Law: several tries before one judge must be no easier to pass than one.

A judge errs now and then; the first of several tries that passes is where it erred more often than among first
attempts. If it erred anew each time, k tries would multiply the odds of its error by k; if it always erred alike, by 1.
So attempt k needs the square root of k times the odds that a first one needs: from 0.5 to 0.59, 0.63, 0.67. Measured in
docs/recovery.md, beside other bars and a second judge. Errors are what they were.
"""

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from schemas.verdicts import FAITHFULNESS, Errored, Evidence, GateName, Passed, Raised, Rejected, Verdict

HELD_TO_IT = frozenset({FAITHFULNESS})
"""Gates whose errors make a sample untrue, and whose score is a probability."""


GROWTH = 0.5
"""The odds that attempt k needs grow by k to the power of this: 0 for a judge that errs alike, 1 for one that errs
anew."""


def raised(threshold: float, attempt: int) -> float:
    """The threshold of attempt number `attempt`, from 1. In [threshold, 1]."""
    times = attempt**GROWTH
    return round(times * threshold / (1 + (times - 1) * threshold), 6)


def same_bar(verdicts: Sequence[Verdict], attempt: int) -> tuple[Verdict, ...]:
    """Every attempt is held to the configured thresholds."""
    return tuple(verdicts)


def raised_bar(
    verdicts: Sequence[Verdict], attempt: int, held: Collection[GateName] = HELD_TO_IT
) -> tuple[Verdict, ...]:
    """The verdicts as they stand against the raised thresholds of the gates that are held to them."""
    return tuple(verdicts) if attempt == 1 else tuple(_held(verdict, attempt, held) for verdict in verdicts)


def _held(verdict: Verdict, attempt: int, held: Collection[GateName]) -> Verdict:
    if isinstance(verdict, Errored) or verdict.gate not in held:
        return verdict
    threshold = raised(verdict.threshold, attempt)
    said = Passed if isinstance(verdict, Passed) and verdict.score >= threshold else Rejected
    evidence: Evidence = replace(verdict.evidence, raised=Raised(verdict.threshold, attempt))
    return said(verdict.gate, verdict.score, threshold, evidence, verdict.cost)
