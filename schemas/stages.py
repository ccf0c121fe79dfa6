"""The stages of an attempt, as the live view and the metrics show them."""

from collections.abc import Iterable
from enum import Enum
from typing import NewType

from msgspec import Struct

from schemas.errors import ErrorKind

Stage = NewType("Stage", str)
"""Where a sample in flight is: one of these, or at the gate of that name."""
GENERATE = Stage("generate")
SETTLE = Stage("settle")


def in_order(found: Iterable[Stage]) -> list[Stage]:
    """Each stage once, as a sample goes through them; gates as they come."""
    seen = dict.fromkeys(found)
    gates = [stage for stage in seen if stage not in (GENERATE, SETTLE)]
    return [stage for stage in (GENERATE, *gates, SETTLE) if stage in seen]


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


class PauseKind(Enum):
    """Why calls to a pool or gate wait."""

    AWAY = "away"
    """It does not answer, or answers with faults that may pass."""
    REFUSED = "refused"
    """It refuses whatever is asked: a key, a model, a parameter, a role, a reply in an unknown form."""
    OVERLOADED = "overloaded"
    """It asks to wait (429, a full queue)."""


class Pause(Struct, frozen=True):
    """A pool or gate that cannot be asked: calls wait. Times in seconds since the epoch; `why`, with the address, is
    for a person."""

    name: str
    since: float
    why: str
    kind: PauseKind = PauseKind.AWAY
    until: float | None = None
    """When the run stops for it, or goes on without it; None: not decided by time."""
    waiting: int = 0
    """Orders of this conductor that wait for it."""


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
