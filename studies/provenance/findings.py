"""The study's findings as they are written to results.json."""

from msgspec import Struct

from studies.provenance.bootstrap import Estimate


class ModeFinding(Struct, frozen=True):
    """One judge in one mode. Precision, recall and F1 are of rejecting what is unfaithful, at a threshold of 0.5."""

    judge: str
    mode: str
    drafts: int
    unfaithful: int
    found: float | None
    """Share of searches that found the draft's own passage."""
    precision: Estimate
    recall: Estimate
    f1: Estimate
    auroc: Estimate


class Difference(Struct, frozen=True):
    """What is gained by `more` over `less`, on the same samples."""

    what: str
    more: str
    less: str
    gain: Estimate


class Overlap(Struct, frozen=True):
    """What two gates reject of the same samples, each asked without the other."""

    of: str
    samples: int
    both: int
    faithfulness_only: int
    reward_only: int
    jaccard: Estimate


class Caught(Struct, frozen=True):
    """Of samples that are bad by the world's facts, by kind: how many, and which gate rejects them."""

    kind: str
    bad: int
    both: int
    faithfulness_only: int
    reward_only: int
    neither: int


class PolicyFinding(Struct, frozen=True):
    """One policy at one scale of the generator (or all), within the budget."""

    policy: str
    scale: str
    orders: int
    accepted_share: Estimate
    """Of the planned orders: accepted at first or after repair; with `discard`, fresh ones beyond the plan apart."""
    recovery_rate: Estimate
    """Of those rejected at first."""
    true_recovery_rate: Estimate
    recovered_per_1000: Estimate
    """Of tokens spent on recovery."""
    good_per_1000: Estimate
    """Good samples of all tokens, first attempts included."""
    first_faithful: Estimate
    """Share of what was accepted at first whose answer is the passage's."""
    recovered_faithful: Estimate
    spoilt_recall: Estimate
    """Of spoilt samples known to be bad: never accepted while bad, repairs included."""
    spoilt_mended: Estimate
    """Of the same: accepted at last, and good."""
    recovered: int
    tokens: int


class CurvePoint(Struct, frozen=True):
    """What a policy has recovered truly when it has spent so much."""

    policy: str
    budget: float
    """Share of the first attempts' tokens."""
    true_recovery_rate: Estimate


class Confusion(Struct, frozen=True):
    """What verified flaws of one kind that were rejected was diagnosed as."""

    kind: str
    modes: dict[str, int]
    right: int
    of: int


class StudentFinding(Struct, frozen=True):
    """What students of an arm's data answer right."""

    arm: str
    scale: str
    lessons: int
    right: Estimate


class Claim(Struct, frozen=True):
    """One of the targets: what was asked, what came out."""

    claim: str
    target: str
    found: str
    met: bool
    """By the figure; of a gain, by its whole interval."""
    sure: bool
    """By the whole interval."""


class Results(Struct, frozen=True):
    """Everything."""

    plan: dict[str, object]
    claims: list[Claim]
    """The targets."""
    besides: list[Claim]
    """What no target was set for."""
    modes: list[ModeFinding]
    mode_gains: list[Difference]
    overlaps: list[Overlap]
    caught: list[Caught]
    policies: list[PolicyFinding]
    policy_gains: list[Difference]
    curves: list[CurvePoint]
    confusion: list[Confusion]
    diagnosed_right: Estimate
    students: list[StudentFinding]
    student_gains: list[Difference]
