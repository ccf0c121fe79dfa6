"""manifest.json: a run's models, settings and counts. Fields are added with defaults, never renamed."""

from msgspec import Struct, field

from schemas.bill import Bill, HeldTime
from schemas.credit import CreditCount
from schemas.gate_audit import Rate
from schemas.overlap import GateOverlap
from schemas.probes import Probes
from schemas.progress import (
    Counts,
    DiversityCount,
    EndCount,
    GateErrors,
    ModeCount,
    RefusalCount,
    RepairStat,
    Retrieval,
    RoleCost,
)
from schemas.stop import PlanEnd
from schemas.verdicts import GateName


class UnjudgedSamples(Struct, frozen=True):
    """Accepted samples that a gate did not judge, because their orders were not in its share."""

    gate: GateName
    unjudged: int
    precision: Rate
    """How many of them the gate would have passed, measured on the orders that it judged, with the 95% Wilson
    interval."""


class ShardFile(Struct, frozen=True):
    """A shard of the folder. `name` is relative to it."""

    name: str
    rows: int
    sha256: str


class Manifest(Struct, frozen=True, kw_only=True):
    """A run's totals; every count can be made again from the ledger. Times are seconds since the epoch."""

    format: int = 1
    name: str
    complete: bool
    """No more orders are issued (the corpus was read to its end, or see `plan_ended`) and every order has ended."""
    versions: dict[str, str]
    seed: int | None
    config_sha256: str
    models: dict[str, str]
    """Pools and gates by name, each with its model."""
    thresholds: dict[str, float]
    """Thresholds of the gates that are models."""
    isolations: dict[str, str] = {}
    """Gates that execute programs, each with what keeps them from everything else (docs/sandbox.md)."""
    counts: Counts
    yield_: float = field(name="yield")
    """accepted / (issued - not needed), in [0, 1]; 0 when there are none."""
    recovery_rate: float
    """recovered / rejected, in [0, 1]; 0 when nothing was rejected."""
    tokens: int
    """Tokens of all roles together."""
    roles: tuple[RoleCost, ...]
    overlap: GateOverlap
    overlap_jaccard: float
    """Attempts rejected by both of the usual gates / by either, in [0, 1]."""
    modes: tuple[ModeCount, ...]
    repairs: tuple[RepairStat, ...]
    ends: tuple[EndCount, ...]
    errors: tuple[GateErrors, ...]
    started_at: float | None
    ended_at: float | None
    """When the last order ended; None while orders are outstanding."""
    wall_seconds: float
    """Time in which a process worked on the run, without the time between two launches."""
    first_accepted_seconds: float | None
    """Time from the start to the first accepted sample."""
    shards: tuple[ShardFile, ...]
    credit: CreditCount = CreditCount()
    """Rejected solutions that were credited step by step."""
    retrieval: Retrieval = Retrieval()
    """How often a search for evidence found the sample's own passage."""
    probes: Probes = Probes()
    """The gates, the diagnoser and the repairs, as measured by probes."""
    refusals: tuple[RefusalCount, ...] = ()
    """Documents that could not be used, by reason, each with the first of them."""
    ledgers: dict[str, int] = {}
    """The last counted record of each ledger, by the ledger's name. Not in manifests of older versions."""
    unjudged: tuple[UnjudgedSamples, ...] = ()
    """Of each gate that judges a share of the orders alone."""
    heads: dict[str, str] = {}
    """The running hash of each ledger up to that record, in hex digits."""
    held: tuple[HeldTime, ...] = ()
    """How long replicas held accelerators, by role."""
    bill: Bill | None = None
    """What the run cost; None without a price in its configuration."""
    skipped_files: dict[str, int] = {}
    """Files in the corpus's folders that are not read, by suffix."""
    plan_ended: PlanEnd | None = None
    """Why no more orders are issued though the corpus may have more."""
    diversity: tuple[DiversityCount, ...] = ()
    """How alike accepted samples are, of a run with an embedder."""
