"""Policies: what to do with a diagnosed rejection. Law: pure; every choice carries the probability it was made with."""

from collections.abc import Sequence

from msgspec import Struct

from actors.recovery.diagnoser import diagnose
from actors.recovery.evidence import Evidence, evidence_of
from actors.recovery.repairs import repair_for
from schemas.config import Recovery
from schemas.orders import Lease
from schemas.recovery import Choice, Diagnosis, Repair, RepairKind
from schemas.samples import Candidate
from schemas.verdicts import Verdict


class Policy(Struct, frozen=True):
    """A recovery policy over a run's settings; the base gives up at once."""

    config: Recovery

    def choose(self, diagnosis: Diagnosis, evidence: Evidence, lease: Lease, candidate: Candidate) -> Choice:
        """A repair, or None to stop."""
        raise NotImplementedError


class Discard(Policy, frozen=True):
    """Nothing is repaired: what every gain is measured against."""

    def choose(self, diagnosis: Diagnosis, evidence: Evidence, lease: Lease, candidate: Candidate) -> Choice:
        return Choice("discard", None, reason="this policy repairs nothing")


class NaiveResample(Policy, frozen=True):
    """The same request again with another seed, whatever was wrong."""

    def choose(self, diagnosis: Diagnosis, evidence: Evidence, lease: Lease, candidate: Candidate) -> Choice:
        if lease.charged >= self.config.max_attempts:
            return Choice("naive_resample", None, reason=_spent(lease))
        return Choice("naive_resample", Repair(RepairKind.RESAMPLE, candidate.sampling.temperature))


class Rules(Policy, frozen=True):
    """The table of `repairs`, mode by mode."""

    def choose(self, diagnosis: Diagnosis, evidence: Evidence, lease: Lease, candidate: Candidate) -> Choice:
        if lease.charged >= self.config.max_attempts:
            return Choice("rules", None, reason=_spent(lease))
        repair = repair_for(diagnosis.mode, lease, candidate, self.config)
        return Choice("rules", repair, reason=f"{repair.kind.value} for {diagnosis.mode.value}")


class Recoverer(Struct, frozen=True):
    """`actors.protocols.Recovery`: evidence, diagnosis, choice."""

    policy: Policy

    def decide(self, lease: Lease, candidate: Candidate, verdicts: Sequence[Verdict]) -> tuple[Diagnosis, Choice]:
        """The diagnosis is made before the policy is asked."""
        evidence = evidence_of(lease, candidate, verdicts)
        diagnosis = diagnose(evidence)
        return diagnosis, self.policy.choose(diagnosis, evidence, lease, candidate)


def build_recovery(config: Recovery) -> Recoverer:
    """The recovery that a configuration names."""
    match config.policy:
        case "discard":
            return Recoverer(Discard(config))
        case "naive_resample":
            return Recoverer(NaiveResample(config))
        case "rules":
            return Recoverer(Rules(config))


def _spent(lease: Lease) -> str:
    return f"all {lease.charged} attempts were rejected"
