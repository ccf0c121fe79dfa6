"""The stages of an attempt, and the state of conductors and replicas, as the live view and the metrics show them."""

from collections.abc import Iterable
from enum import Enum
from typing import NewType

from msgspec import Struct

from schemas.errors import ErrorKind

Stage = NewType("Stage", str)
"""The stage of a sample in flight: one of these, or the name of a gate or of the embedder."""
GENERATE = Stage("generate")
SETTLE = Stage("settle")


def in_order(found: Iterable[Stage]) -> list[Stage]:
    """Each stage once, in the order in which a sample goes through them; gates in the order given."""
    seen = dict.fromkeys(found)
    gates = [stage for stage in seen if stage not in (GENERATE, SETTLE)]
    return [stage for stage in (GENERATE, *gates, SETTLE) if stage in seen]


class StageFlow(Struct, frozen=True):
    """One stage of one conductor: samples in it now, samples that left it, and their seconds in all."""

    stage: Stage
    in_flight: int
    done: int
    seconds: float


class PoolFlow(Struct, frozen=True):
    """One pool or gate as one conductor sees it: calls in flight (or waiting for it), and calls that have ended."""

    name: str
    in_flight: int
    ended: int


class PauseKind(Enum):
    """Why calls to a pool or gate wait."""

    AWAY = "away"
    """It does not answer, or answers with faults that may pass."""
    REFUSED = "refused"
    """It refuses every call: a key, a model, a parameter, a role, or it replies in an unknown form."""
    OVERLOADED = "overloaded"
    """It asks callers to wait (429, a full queue)."""


class Pause(Struct, frozen=True):
    """A pool or gate that calls wait for. Times in seconds since the epoch; `why`: for a person, with the address."""

    name: str
    since: float
    why: str
    kind: PauseKind = PauseKind.AWAY
    until: float | None = None
    """When the run stops for it, or goes on without it; None: time does not decide."""
    waiting: int = 0
    """Calls of this conductor that wait for it."""


class CallFailures(Struct, frozen=True):
    """How many calls of one conductor to a pool or gate failed with one kind of error, tried again or not."""

    name: str
    kind: ErrorKind
    count: int


class ConductorStatus(Struct, frozen=True):
    """The state of a conductor. `unreported`: outcomes that the queue could not take (their leases return)."""

    name: str
    in_flight: int
    unreported: int
    stages: tuple[StageFlow, ...]
    paused: tuple[Pause, ...] = ()
    failures: tuple[CallFailures, ...] = ()
    pools: tuple[PoolFlow, ...] = ()


class ReplicaStatus(Struct, frozen=True):
    """The replicas of one deployment: how many run, and how many are wanted."""

    name: str
    """The application's name."""
    role: str
    """The pool or gate, by its name in the configuration."""
    running: int
    wanted: int
    state: str
    starting: int = 0
    draining: int = 0
    """Removed from service; they finish what they have begun."""
