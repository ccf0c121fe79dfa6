"""What a run amounts to so far: one fold over the ledger's records, for the live view, the manifest and the report."""

from msgspec import Struct

from schemas.errors import ErrorKind
from schemas.orders import EndReason
from schemas.recovery import FailureMode, RepairKind
from schemas.verdicts import GateName


class Counts(Struct, frozen=True):
    """Orders by state and end. Law: issued = accepted + dead_lettered + outstanding."""

    issued: int = 0
    accepted: int = 0
    dead_lettered: int = 0
    outstanding: int = 0
    first_pass: int = 0
    """Accepted at the first attempt."""
    rejected: int = 0
    """Orders that were rejected at least once."""
    recovered: int = 0
    """Of those, accepted later."""
    attempts: int = 0
    refused_documents: int = 0

    @property
    def yield_(self) -> float:
        """accepted / issued; 0 when nothing was issued."""
        return self.accepted / self.issued if self.issued else 0.0

    @property
    def recovery_rate(self) -> float:
        """recovered / rejected; 0 when nothing was rejected."""
        return self.recovered / self.rejected if self.rejected else 0.0


class RoleCost(Struct, frozen=True):
    """What one role took: a generator pool by its name, `faithfulness` or `reward`."""

    role: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    """Summed over calls that ran side by side: not wall time."""


class GateOverlap(Struct, frozen=True):
    """Rejections of the two gates over the attempts that both scored."""

    scored: int = 0
    both: int = 0
    only_faithfulness: int = 0
    only_reward: int = 0

    @property
    def jaccard(self) -> float:
        """Rejected by both / rejected by either; 0 when neither rejected anything."""
        either = self.both + self.only_faithfulness + self.only_reward
        return self.both / either if either else 0.0


class RepairStat(Struct, frozen=True):
    """How often a repair was tried after a diagnosis, and how often the attempt under it was accepted."""

    mode: FailureMode
    repair: RepairKind
    tried: int
    accepted: int


class EndCount(Struct, frozen=True):
    """Dead letters by reason."""

    reason: EndReason
    orders: int


class ModeCount(Struct, frozen=True):
    """Rejected attempts by diagnosis."""

    mode: FailureMode
    attempts: int


class GateErrors(Struct, frozen=True):
    """Errored verdicts, by gate and kind."""

    gate: GateName
    kind: ErrorKind
    count: int


class Summary(Struct, frozen=True):
    """Everything that is counted."""

    counts: Counts = Counts()
    roles: tuple[RoleCost, ...] = ()
    overlap: GateOverlap = GateOverlap()
    modes: tuple[ModeCount, ...] = ()
    repairs: tuple[RepairStat, ...] = ()
    ends: tuple[EndCount, ...] = ()
    errors: tuple[GateErrors, ...] = ()
    corpus_ended: bool = False
    started_at: float | None = None
    """When the first process of the run began; seconds since the epoch."""
    first_accepted_at: float | None = None
    last_at: float | None = None

    @property
    def tokens(self) -> int:
        return sum(role.prompt_tokens + role.completion_tokens for role in self.roles)


class RunSnapshot(Struct, frozen=True):
    """A run at one moment: the summary, and the queue's depth."""

    at: float
    summary: Summary
    ready: int = 0
    leased: int = 0
    waiting: int = 0
    """Not before a later moment (a repair with a delay)."""
    oldest_s: float = 0.0
    """Age of the oldest order that is ready."""
    stale: int = 0
    """Outcomes of attempts that were no longer current."""
    recovering: str = ""
    """Of a queue that was made again and waits to be told what conductors hold: its token."""

    @property
    def counts(self) -> Counts:
        return self.summary.counts
