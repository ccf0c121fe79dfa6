"""Metrics: name, help, labels, and how the value is read from the state of the run.

Law: every label takes its values from a closed set (enums, and names in the configuration), so that the number of
series is limited, whatever the run does.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from functools import lru_cache
from itertools import product

from msgspec import Struct

from schemas.credit import ROLLOUTS
from schemas.distributions import AttemptEnd, Distribution, QueueTurn
from schemas.errors import ErrorKind
from schemas.flaws import FlawKind
from schemas.orders import STALE, EndReason, OrderKind
from schemas.probes import PROBES, DriftOf, ProbeEnd
from schemas.progress import RunSnapshot
from schemas.recovery import KNOWN_MODES, KNOWN_REPAIRS
from schemas.samples import MalformedReason
from schemas.scaling import Idle, ScalingDecision, Why
from schemas.stages import GENERATE, SETTLE, ConductorStatus, Stage
from schemas.verdicts import KNOWN_GATES, MODEL_GATES, VERIFIER, GateName

GONE = "(gone)"
"""A pool, mode or repair that is in the ledger and no longer in the configuration."""
ACCEPTED, NOT_NEEDED = "accepted", "not_needed"
GENERATOR, ENGINE = "generator", "engine"
UNSAID = "unsaid"
"""The flaw of a bad probe whose labelled file names none."""
CAUGHT = ("caught", "missed", "errored")
"""Results of bad probes at their first attempt."""
HEALED = ("healed", "still_bad", "unknown", "given_up")
"""Results of bad probes that were repaired."""
BOUNDS = ("value", "low", "high")
"""A rate, and its 95% Wilson interval."""
FINDINGS, ANSWERS = ("decided", "undecided"), ("right", "wrong", "failed")
"""Results for a credited solution's first pit, and for a rollout."""


class PoolReplicas(Struct, frozen=True):
    """Replicas of one pool or gate, by state."""

    wanted: int
    ready: int
    starting: int = 0
    draining: int = 0


class RunMoment(Struct, frozen=True):
    """A report of a run at `at` (seconds since the epoch); `replicas` by pool or gate."""

    at: float
    phase: str
    snapshot: RunSnapshot | None = None
    conductors: tuple[ConductorStatus, ...] = ()
    replicas: dict[str, PoolReplicas] = {}
    scaling: ScalingDecision | None = None


class Run(Struct, frozen=True):
    """The constant facts of a run. `pools`: generator pools; `budget_tokens`: infinite without a budget."""

    name: str
    version: str
    pools: tuple[str, ...]
    phases: tuple[str, ...]
    budget_tokens: float
    gates: tuple[str, ...] = ()
    """The configured gates that give verdicts, by name."""
    judges: tuple[str, ...] = ()
    """The configured gates that ask a model; those that a cascade asks too."""
    modes: tuple[str, ...] = ()
    """Failure modes that its gates bring."""
    repairs: tuple[str, ...] = ()
    """Repairs that its configuration brings."""
    embedders: tuple[str, ...] = ()
    """The roles of its embedders."""

    @property
    def models(self) -> tuple[str, ...]:
        """Everything that holds a model: generator pools, the gates that are models, and embedders."""
        return tuple(dict.fromkeys((*self.pools, *self.model_gates, *self.embedders)))

    @property
    def model_gates(self) -> tuple[str, ...]:
        """The usual gates that are models, whether the run has them or not, and its own."""
        return tuple(dict.fromkeys((*MODEL_GATES, *self.judges)))

    @property
    def checks(self) -> tuple[GateName, ...]:
        """Everything that gives verdicts: the usual gates, whether the run has them or not, and its own."""
        return tuple(dict.fromkeys((*KNOWN_GATES, *map(GateName, self.gates))))

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of an attempt."""
        gates = (Stage(gate) for gate in (*MODEL_GATES, VERIFIER, *self.gates, *self.judges))
        return tuple(dict.fromkeys((GENERATE, *gates, *map(Stage, self.embedders), SETTLE)))

    @property
    def all_modes(self) -> tuple[str, ...]:
        """Every failure mode that the run can diagnose."""
        return tuple(dict.fromkeys((*KNOWN_MODES, *self.modes)))

    @property
    def all_repairs(self) -> tuple[str, ...]:
        """Every repair that the run may try."""
        return (*KNOWN_REPAIRS, *self.repairs)

    def role(self, pool: str) -> str:
        """The role of a pool: gates, embedders, probes, rollouts and second reports are roles of their own."""
        return pool if pool in (GONE, PROBES, ROLLOUTS, STALE, *self.model_gates, *self.embedders) else GENERATOR

    def stage(self, pool: str) -> Stage:
        """The stage of an attempt that calls the pool or gate."""
        return Stage(pool) if pool in (*self.model_gates, *self.embedders) else GENERATE

    def mode(self, mode: str) -> str:
        """The failure mode as a label; `GONE` if the configuration has it no longer."""
        return mode if mode in self.all_modes else GONE

    def repair(self, repair: str) -> str:
        """The repair as a label; `GONE` if the configuration has it no longer."""
        return repair if repair in self.all_repairs else GONE


class Seen(Struct, frozen=True):
    """The values that metrics are read from: the last moment, and the memory of earlier ones (see `memory`)."""

    run: Run
    moment: RunMoment
    snapshot: RunSnapshot
    in_flight: dict[Stage, int]
    conductors: int
    unreported: int
    failures: dict[tuple[str, ErrorKind], int]
    scale_changes: dict[tuple[str, Why], int]


class Type(Enum):
    """The types of metrics in Prometheus."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Label(Enum):
    """The labels of series."""

    RUN = "run"
    VERSION = "version"
    PHASE = "phase"
    KIND = "kind"
    END = "end"
    STATE = "state"
    TURN = "turn"
    STAGE = "stage"
    POOL = "pool"
    ROLE = "role"
    OUTCOME = "outcome"
    TOKENS = "tokens"
    GATE = "gate"
    VERDICT = "verdict"
    BY = "by"
    REJECTED_BY = "rejected_by"
    MODE = "mode"
    DEFECT = "defect"
    REPAIR = "repair"
    WHERE = "where"
    ERROR = "error"
    WHY = "why"
    REASON = "reason"
    FLAW = "flaw"
    FATE = "fate"
    RATE = "rate"
    BOUND = "bound"
    FINDING = "finding"
    ANSWER = "answer"


Point = tuple[tuple[str, ...], float | Distribution]
"""Values of the labels in their order, and the metric's value there."""


class Metric(Struct, frozen=True):
    """One metric. `bounds`: upper bounds of a histogram's buckets."""

    name: str
    type: Type
    help: str
    labels: tuple[Label, ...]
    read: Callable[[Seen], Iterable[Point]]
    bounds: tuple[float, ...] = ()


def counter(name: str, help: str, labels: tuple[Label, ...], read: Callable[[Seen], Iterable[Point]]) -> Metric:
    """A number that only grows; its name ends in `_total`."""
    return Metric(name, Type.COUNTER, help, labels, read)


def gauge(name: str, help: str, labels: tuple[Label, ...], read: Callable[[Seen], Iterable[Point]]) -> Metric:
    """A number of this moment."""
    return Metric(name, Type.GAUGE, help, labels, read)


def alone(read: Callable[[Seen], float]) -> Callable[[Seen], Iterable[Point]]:
    """The only series of a metric without labels."""
    return lambda seen: [((), read(seen))]


def counted(
    labels: tuple[Label, ...], run: Run, found: Iterable[tuple[tuple[str, ...], float]]
) -> Iterable[tuple[tuple[str, ...], float]]:
    """Every series of these labels with its sum in `found`, zeros included. Values of other series are left out."""
    counts: dict[tuple[str, ...], float] = dict.fromkeys(every(labels, run), 0)
    for series, number in found:
        if series in counts:
            counts[series] += number
    return counts.items()


@lru_cache(maxsize=256)
def every(labels: tuple[Label, ...], run: Run) -> Sequence[tuple[str, ...]]:
    """Every series of these labels, without `GONE`, which is shown only if it has a value."""
    return tuple(product(*([value for value in values(label, run) if value != GONE] for label in labels)))


@lru_cache(maxsize=256)
def values(label: Label, run: Run) -> tuple[str, ...]:
    """Every value that a label may take in a run, each once."""
    sets: dict[Label, Iterable[str]] = {
        Label.RUN: (run.name,),
        Label.VERSION: (run.version,),
        Label.PHASE: run.phases,
        Label.KIND: _all(OrderKind),
        Label.END: (ACCEPTED, NOT_NEEDED, *_all(EndReason)),
        Label.STATE: ("ready", "leased", "waiting"),
        Label.TURN: _all(QueueTurn),
        Label.STAGE: run.stages,
        Label.POOL: (*run.models, PROBES, ROLLOUTS, STALE, GONE),
        Label.ROLE: (GENERATOR, *run.model_gates, *run.embedders, PROBES, ROLLOUTS, STALE, GONE),
        Label.OUTCOME: _all(AttemptEnd),
        Label.TOKENS: ("prompt", "completion"),
        Label.GATE: run.checks,
        Label.VERDICT: ("passed", "rejected", "errored"),
        Label.BY: ("cheap", "judge"),
        Label.REJECTED_BY: ("none", "both", "several", *run.checks),
        Label.MODE: (*run.all_modes, GONE),
        Label.DEFECT: _all(MalformedReason),
        Label.REPAIR: (*run.all_repairs, GONE),
        Label.WHERE: (ENGINE, *run.checks),
        Label.ERROR: _all(ErrorKind),
        Label.WHY: _all(Why),
        Label.REASON: _all(Idle),
        Label.FLAW: (*_all(FlawKind), UNSAID),
        Label.FATE: (*CAUGHT, *HEALED, *_all(ProbeEnd)),
        Label.RATE: (*_all(DriftOf), "precision"),
        Label.BOUND: BOUNDS,
        Label.FINDING: FINDINGS,
        Label.ANSWER: ANSWERS,
    }
    return tuple(dict.fromkeys(sets[label]))


def _all(kind: type[Enum]) -> tuple[str, ...]:
    return tuple(member.value for member in kind)
