"""What a repaired sample must reach. Law: several tries before one judge must be no easier to pass than one.

A judge errs now and then, each time anew; the first of several tries that passes is where it erred more often than
among first attempts. So attempt k must leave 1/k of the doubt that a first one may: a threshold of t becomes
1 - (1 - t) / k (Bonferroni's correction, on the scale of the judge's own doubt). Errors are what they were.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from schemas.verdicts import Errored, Evidence, GateName, Passed, Raised, Rejected, Verdict

HELD_TO_IT = frozenset({GateName.FAITHFULNESS})
"""Gates whose errors make a sample untrue, and whose score is a probability."""


def raised(threshold: float, attempt: int) -> float:
    """The threshold of attempt number `attempt`, from 1. In [threshold, 1)."""
    return round(1 - (1 - threshold) / attempt, 6)


def same_bar(verdicts: Sequence[Verdict], attempt: int) -> tuple[Verdict, ...]:
    """Every attempt is held to the configured thresholds."""
    return tuple(verdicts)


def raised_bar(verdicts: Sequence[Verdict], attempt: int) -> tuple[Verdict, ...]:
    """The verdicts as they stand against the raised thresholds."""
    return tuple(verdicts) if attempt == 1 else tuple(_held(verdict, attempt) for verdict in verdicts)


def _held(verdict: Verdict, attempt: int) -> Verdict:
    if isinstance(verdict, Errored) or verdict.gate not in HELD_TO_IT:
        return verdict
    threshold = raised(verdict.threshold, attempt)
    said = Passed if isinstance(verdict, Passed) and verdict.score >= threshold else Rejected
    evidence: Evidence = replace(verdict.evidence, raised=Raised(verdict.threshold, attempt))
    return said(verdict.gate, verdict.score, threshold, evidence, verdict.cost)
