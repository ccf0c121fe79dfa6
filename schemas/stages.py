"""The stages of an attempt, as the live view and the metrics show them."""

from enum import Enum

from msgspec import Struct

from schemas.errors import ErrorKind


class Stage(Enum):
    """Where a sample in flight is. The gates' stages carry the gates' names."""

    GENERATE = "generate"
    FAITHFULNESS = "faithfulness"
    REWARD = "reward"
    VERIFIER = "verifier"
    SETTLE = "settle"


class StageFlow(Struct, frozen=True):
    """One stage of one conductor: samples in it now, samples through it, and the seconds these took in all."""

    stage: Stage
    in_flight: int
    done: int
    seconds: float


class PoolFlow(Struct, frozen=True):
    """One pool or gate as one conductor sees it: calls under way (or waiting for it), and calls that have ended."""

    name: str
    in_flight: int
    ended: int


class Pause(Struct, frozen=True):
    """A pool or gate that keeps failing: calls wait. `since`: seconds since the epoch; `why`: for a person."""

    name: str
    since: float
    why: str


class CallFailures(Struct, frozen=True):
    """Calls of one conductor to a pool or gate that failed alike, tried again or not."""

    name: str
    kind: ErrorKind
    count: int


class ConductorStatus(Struct, frozen=True):
    """What a conductor tells of itself. `unreported`: outcomes that the queue could not take (their leases return)."""

    name: str
    in_flight: int
    unreported: int
    stages: tuple[StageFlow, ...]
    paused: tuple[Pause, ...] = ()
    failures: tuple[CallFailures, ...] = ()
    pools: tuple[PoolFlow, ...] = ()
