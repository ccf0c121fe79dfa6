"""Policies: what to do with a diagnosed rejection. Law: pure; every choice carries the probability it was made with."""

from collections.abc import Callable, Sequence
from functools import partial
from random import Random

from msgspec import Struct

from actors.recovery.adaptive import USUAL, Arm, Learner, draw
from actors.recovery.bar import HELD_TO_IT, raised_bar, same_bar
from actors.recovery.diagnoser import diagnose
from actors.recovery.elsewhere import Elsewhere
from actors.recovery.evidence import Claim, DraftEvidence, evidence_of
from actors.recovery.experience import turn_of
from actors.recovery.modes import USUAL_GATES, RepairTable, RunGates, registered
from actors.recovery.repairs import REPAIRS, arms, directive, repair_for
from schemas.config import Recovery
from schemas.ids import derived_seed
from schemas.orders import Lease
from schemas.recovery import Choice, Diagnosis, Experience, FailureMode, Repair, RepairKind
from schemas.samples import Candidate, texts_of
from schemas.verdicts import Verdict


class Policy(Struct, frozen=True):
    """A recovery policy over a run's settings; the base gives up at once."""

    config: Recovery
    table: RepairTable

    def choose(self, diagnosis: Diagnosis, evidence: DraftEvidence, lease: Lease, candidate: Candidate) -> Choice:
        """A repair, or None to stop."""
        raise NotImplementedError

    def learn(self, experience: Experience) -> None:
        """What the run has shown so far: nothing to a policy that does not learn."""


class Discard(Policy, frozen=True):
    """Nothing is repaired: what every gain is measured against."""

    def choose(self, diagnosis: Diagnosis, evidence: DraftEvidence, lease: Lease, candidate: Candidate) -> Choice:
        return Choice("discard", None, reason="this policy repairs nothing")


class NaiveResample(Policy, frozen=True):
    """The same request again with another seed, whatever was wrong."""

    def choose(self, diagnosis: Diagnosis, evidence: DraftEvidence, lease: Lease, candidate: Candidate) -> Choice:
        if lease.charged >= self.config.max_attempts:
            return Choice("naive_resample", None, reason=_spent(lease))
        return Choice("naive_resample", Repair(RepairKind.RESAMPLE, candidate.sampling.temperature))


class Rules(Policy, frozen=True):
    """The table of `repairs`, mode by mode."""

    def choose(self, diagnosis: Diagnosis, evidence: DraftEvidence, lease: Lease, candidate: Candidate) -> Choice:
        if lease.charged >= self.config.max_attempts:
            return Choice("rules", None, reason=_spent(lease))
        repair = repair_for(diagnosis.mode, lease, candidate, self.config, table=self.table)
        return Choice("rules", repair, reason=f"{repair.kind.value} for {diagnosis.mode}")


class Adaptive(Policy, frozen=True):
    """What pays in this run, by `learner`; the draw is seeded by the order and the attempt."""

    learner: Learner

    def choose(self, diagnosis: Diagnosis, evidence: DraftEvidence, lease: Lease, candidate: Candidate) -> Choice:
        if lease.charged >= self.config.max_attempts:
            return Choice("adaptive", None, reason=_spent(lease))
        options = options_of(diagnosis.mode, lease, candidate, self.config, self.table)
        policy = self.learner.propensities(diagnosis.mode, options)
        arm, probability = draw(policy, Random(derived_seed("repair", lease.order.id, lease.attempt)))
        after = self.learner.experience.attempts
        if arm is None:
            reason = f"no repair of {diagnosis.mode} is likely to be worth its tokens"
            return Choice("adaptive", None, probability, reason, after)
        reason = f"{arm.repair.value} for {diagnosis.mode}, by {after:,} attempts"
        return Choice("adaptive", directive(arm.repair, candidate, self.config), probability, reason, after)

    def learn(self, experience: Experience) -> None:
        self.learner.learn(experience)


def options_of(
    mode: FailureMode, lease: Lease, candidate: Candidate, config: Recovery, table: RepairTable = REPAIRS
) -> list[Arm]:
    """Every repair open to a rejected order; whether it was tried on it before makes it another one."""
    tried = frozenset(RepairKind(past.repair) for past in lease.history if past.repair)
    if lease.repair is not None:
        tried |= {lease.repair.kind}
    first = lease.attempt == 1
    return [Arm(kind, turn_of(kind, tried, first=first)) for kind in arms(mode, candidate, config, table=table)]


class Recoverer(Struct, frozen=True):
    """`actors.protocols.RecoveryPolicy`: evidence, diagnosis, choice."""

    policy: Policy
    elsewhere: Elsewhere | None = None
    gates: RunGates = USUAL_GATES
    claim: Claim = texts_of

    def decide(self, lease: Lease, candidate: Candidate, verdicts: Sequence[Verdict]) -> tuple[Diagnosis, Choice]:
        """The diagnosis is made before the policy is asked."""
        evidence = evidence_of(lease, candidate, verdicts, self.elsewhere, gates=self.gates, claim=self.claim)
        diagnosis = diagnose(evidence)
        return diagnosis, self.policy.choose(diagnosis, evidence, lease, candidate)

    def learn(self, experience: Experience) -> None:
        """What the run has shown of its repairs so far."""
        self.policy.learn(experience)


def build_recovery(
    config: Recovery,
    elsewhere: Elsewhere | None = None,
    gates: RunGates = USUAL_GATES,
    claim: Claim = texts_of,
) -> Recoverer:
    """The recovery that a configuration names; `elsewhere`: the index of the corpus's passages, if there is one;
    `claim`: what the task says of a draft must be found in the source."""
    return Recoverer(_policy(config, registered(REPAIRS, gates)), elsewhere, gates, claim)


def _policy(config: Recovery, table: RepairTable) -> Policy:
    match config.policy:
        case "discard":
            return Discard(config, table)
        case "naive_resample":
            return NaiveResample(config, table)
        case "rules":
            return Rules(config, table)
        case "adaptive":
            return Adaptive(config, table, Learner(USUAL))


def build_bar(
    config: Recovery, gates: RunGates = USUAL_GATES
) -> Callable[[Sequence[Verdict], int], tuple[Verdict, ...]]:
    """What verdicts come to at an attempt of that number."""
    if config.bar != "raised":
        return same_bar
    held = HELD_TO_IT | {gate for gate, kind in gates.kinds.items() if kind in HELD_TO_IT}
    return partial(raised_bar, held=held)


def _spent(lease: Lease) -> str:
    return f"all {lease.charged} attempts were rejected"
