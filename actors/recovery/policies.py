"""Policies: what to do with a diagnosed rejection. Law: pure; every choice has the probability that it was made
with."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from actors.protocols import Repairer
from actors.recovery.adaptive import USUAL, Arm, Learner, draw
from actors.recovery.bar import HELD_TO_IT, raised_bar, same_bar
from actors.recovery.diagnoser import diagnose
from actors.recovery.elsewhere import Elsewhere
from actors.recovery.evidence import Claim, evidence_of
from actors.recovery.experience import turn_of
from actors.recovery.modes import USUAL_GATES, RunGates, RunRepairs, registered
from actors.recovery.repairs import OURS, USUAL_REPAIRS, WHOLE_TABLE, arms, directed, repair_for, tried_on
from schemas.config import Recovery
from schemas.ids import derived_seed
from schemas.orders import Lease
from schemas.recovery import Choice, Diagnosis, Experience, Repair, RepairKind, Repairs
from schemas.repairs import RejectedDraft
from schemas.samples import Candidate, texts_of
from schemas.verdicts import Verdict


class Policy(Struct, frozen=True):
    """A recovery policy with a run's settings. This base class chooses nothing itself."""

    config: Recovery
    repairs: RunRepairs
    makers: Mapping[RepairKind, Repairer]

    def choose(self, rejected: RejectedDraft, lease: Lease) -> Choice:
        """A choice with a repair, or with None to stop."""
        raise NotImplementedError

    def learn(self, experience: Experience) -> None:
        """Takes a run's experience. A policy that does not learn ignores it."""


class Discard(Policy, frozen=True):
    """Repairs nothing: the baseline for every gain."""

    def choose(self, rejected: RejectedDraft, lease: Lease) -> Choice:
        return Choice("discard", None, reason="this policy repairs nothing")


class NaiveResample(Policy, frozen=True):
    """Repeats the request with another seed, whatever was wrong."""

    def choose(self, rejected: RejectedDraft, lease: Lease) -> Choice:
        if lease.charged >= self.config.max_attempts:
            return Choice("naive_resample", None, reason=_spent(lease))
        return Choice("naive_resample", Repair(Repairs.RESAMPLE, rejected.temperature))


class Rules(Policy, frozen=True):
    """Follows the table of `repairs`, mode by mode."""

    def choose(self, rejected: RejectedDraft, lease: Lease) -> Choice:
        if lease.charged >= self.config.max_attempts:
            return Choice("rules", None, reason=_spent(lease))
        kind = repair_for(rejected, lease, self.config, self.repairs)
        repair, note = directed(kind, rejected, self.config, self.makers)
        return Choice("rules", repair, reason=_noted(f"{kind} for {rejected.diagnosis.mode}", note))


class Adaptive(Policy, frozen=True):
    """Chooses what pays in this run, with `learner`. The draw is seeded by the order and the attempt."""

    learner: Learner

    def choose(self, rejected: RejectedDraft, lease: Lease) -> Choice:
        if lease.charged >= self.config.max_attempts:
            return Choice("adaptive", None, reason=_spent(lease))
        mode = rejected.diagnosis.mode
        policy = self.learner.propensities(mode, options_of(rejected, lease, self.config, self.repairs))
        arm, probability = draw(policy, Random(derived_seed("repair", lease.order.id, lease.attempt)))
        after = self.learner.experience.attempts
        if arm is None:
            reason = f"no repair of {mode} is likely to be worth its tokens"
            return Choice("adaptive", None, probability, reason, after)
        repair, note = directed(arm.repair, rejected, self.config, self.makers)
        reason = _noted(f"{arm.repair} for {mode}, by {after:,} attempts", note)
        return Choice("adaptive", repair, probability, reason, after)

    def learn(self, experience: Experience) -> None:
        self.learner.learn(experience)


def options_of(
    rejected: RejectedDraft, lease: Lease, config: Recovery, repairs: RunRepairs = USUAL_REPAIRS
) -> list[Arm]:
    """Every repair open to a rejected order, with its turn: a repair counts separately if it was tried before."""
    tried, first = tried_on(lease), lease.attempt == 1
    open_to_it = arms(rejected.diagnosis.mode, rejected.found, config, repairs)
    return [Arm(kind, turn_of(kind, tried, first=first)) for kind in open_to_it]


class Recoverer(Struct, frozen=True):
    """`actors.protocols.RecoveryPolicy`: evidence, diagnosis, choice."""

    policy: Policy
    elsewhere: Elsewhere | None = None
    gates: RunGates = USUAL_GATES
    claim: Claim = texts_of

    def decide(self, lease: Lease, candidate: Candidate, verdicts: Sequence[Verdict]) -> tuple[Diagnosis, Choice]:
        """Makes the diagnosis, and only then asks the policy."""
        evidence = evidence_of(lease, candidate, verdicts, self.elsewhere, gates=self.gates, claim=self.claim)
        diagnosis = diagnose(evidence)
        temperature = candidate.sampling.temperature
        said, why = tuple(verdicts), candidate.malformed_reason
        rejected = RejectedDraft(
            lease.passage.text, candidate.draft, lease.attempt, temperature, diagnosis, said, malformed=why
        )
        repairs = self.policy.repairs
        choice = self.policy.choose(rejected, lease)
        return diagnosis, replace(choice, known=tuple(sorted(repairs.known or ())), forms=tuple(sorted(repairs.forms)))

    def learn(self, experience: Experience) -> None:
        """Gives the run's experience to the policy."""
        self.policy.learn(experience)


class TaskRecovery(Struct, frozen=True):
    """What the task and the configuration bring to recovery. `claim`: the part of a draft that must be found in the
    source. `known`: the repairs that the task knows, () for all. `makers`: the configuration's own repairs. `forms`:
    those of `FORM_REPAIRS` that the task knows."""

    claim: Claim = texts_of
    known: tuple[RepairKind, ...] = ()
    makers: Mapping[RepairKind, Repairer] = {}
    forms: tuple[RepairKind, ...] = ()


BROUGHT_NOTHING = TaskRecovery()


def build_recovery(
    config: Recovery,
    elsewhere: Elsewhere | None = None,
    gates: RunGates = USUAL_GATES,
    task: TaskRecovery = BROUGHT_NOTHING,
) -> Recoverer:
    """The recovery that a configuration names. `elsewhere`: the index of the corpus's passages, if there is one."""
    repairs = registered(WHOLE_TABLE, gates, config).knowing(task.known, task.forms)
    return Recoverer(_policy(config, repairs, {**OURS, **task.makers}), elsewhere, gates, task.claim)


def _policy(config: Recovery, repairs: RunRepairs, makers: Mapping[RepairKind, Repairer]) -> Policy:
    match config.policy:
        case "discard":
            return Discard(config, repairs, makers)
        case "naive_resample":
            return NaiveResample(config, repairs, makers)
        case "rules":
            return Rules(config, repairs, makers)
        case "adaptive":
            return Adaptive(config, repairs, makers, Learner(USUAL))


def build_bar(
    config: Recovery, gates: RunGates = USUAL_GATES
) -> Callable[[Sequence[Verdict], int], tuple[Verdict, ...]]:
    """A function that gives the verdicts of an attempt with this number under the configured bar."""
    if config.bar != "raised":
        return same_bar
    held = HELD_TO_IT | {gate for gate, kind in gates.kinds.items() if kind in HELD_TO_IT}
    return partial(raised_bar, held=held)


def _spent(lease: Lease) -> str:
    return f"all {lease.charged} attempts were rejected"


def _noted(reason: str, note: str) -> str:
    return f"{reason}; {note}" if note else reason
