"""What a run tells of itself while it goes on: facts at one moment, for the live view and for any other watcher.

Light to import: no ray, no rich. Law: a Progress is a value; watching one changes nothing in the run.
"""

from enum import Enum

from msgspec import Struct

from schemas.firsts import Advice
from schemas.progress import RunSnapshot
from schemas.scaling import ScalingDecision
from schemas.stages import ConductorStatus, Pause


class Phase(Enum):
    """Where the whole run is. It only moves forward; `draining` is left out by a run that is not interrupted."""

    STARTING = "starting"
    """Ray, Serve and the models come up."""
    RUNNING = "running"
    DRAINING = "draining"
    """Asked to stop: nothing new is leased, what is in flight is finished and recorded."""
    FINISHING = "finishing"
    """Every order has ended: shards, manifest and report are written."""
    DONE = "done"


class ReplicaStatus(Struct, frozen=True):
    """Replicas of one deployment: how many run of how many are wanted."""

    name: str
    """Of its application."""
    role: str
    """The pool or gate, as the configuration calls it."""
    running: int
    wanted: int
    state: str
    starting: int = 0
    draining: int = 0
    """Taken out of service; it ends what it has begun."""


class Progress(Struct, frozen=True):
    """The run at the moment `at` (seconds since the epoch). `note` says in words what is waited for."""

    at: float
    phase: Phase
    snapshot: RunSnapshot | None = None
    conductors: tuple[ConductorStatus, ...] = ()
    replicas: tuple[ReplicaStatus, ...] = ()
    scaling: ScalingDecision | None = None
    """The last decision on replicas, with its reasons, and why pools idle."""
    note: str = ""
    sinks: tuple[Pause, ...] = ()
    """Those that take no shards: of each, by each writer."""
    moved_at: float | None = None
    """When an attempt last ended in this process, or when the models were asked for; None before that."""
    advice: tuple[Advice, ...] = ()
    """What the first completions and verdicts said, as far as this process was the first to see it."""
