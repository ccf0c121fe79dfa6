"""Makes a verdict of a score and its threshold."""

from schemas.samples import Cost
from schemas.verdicts import Evidence, GateName, Passed, Rejected


def decided(gate: GateName, score: float, *, threshold: float, evidence: Evidence, cost: Cost) -> Passed | Rejected:
    """Passed when the score (in [0, 1]) reaches the threshold, else rejected."""
    verdict = Passed if score >= threshold else Rejected
    return verdict(gate=gate, score=score, threshold=threshold, evidence=evidence, cost=cost)
