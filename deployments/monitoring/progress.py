"""Facts about a run at one moment, for the live view and for any other watcher.

Light to import: no ray, no rich. Law: a Progress is a value, and watching it changes nothing in the run.
"""

from enum import Enum

from msgspec import Struct

from schemas.firsts import Advice
from schemas.progress import RunSnapshot
from schemas.scaling import ScalingDecision
from schemas.stages import ConductorStatus, Pause, ReplicaStatus


class Phase(Enum):
    """The phase of the whole run. It only moves forward. A run that is not interrupted has no `draining`."""

    STARTING = "starting"
    """Ray, Serve and the models start."""
    RUNNING = "running"
    DRAINING = "draining"
    """A stop was requested: nothing new is leased, and samples in flight are finished and recorded."""
    FINISHING = "finishing"
    """Every order has ended: shards, manifest and report are written."""
    DONE = "done"


class Progress(Struct, frozen=True):
    """The run at the moment `at` (seconds since the epoch). `note`: what it waits for, in words."""

    at: float
    phase: Phase
    snapshot: RunSnapshot | None = None
    conductors: tuple[ConductorStatus, ...] = ()
    replicas: tuple[ReplicaStatus, ...] = ()
    scaling: ScalingDecision | None = None
    """The last decision on replicas, with its reasons, and why pools are idle."""
    note: str = ""
    sinks: tuple[Pause, ...] = ()
    """Sinks that take no shards, once for each writer."""
    moved_at: float | None = None
    """When an attempt last ended in this process, or when the models were asked for; None before both."""
    advice: tuple[Advice, ...] = ()
    """Advice from the first completions and verdicts, if this process was the first to see them."""
