"""live.json: the state of a run while it goes on, to be read from another terminal."""

from msgspec import Struct

from schemas.stages import ConductorStatus, Pause, ReplicaStatus, Stage

NAME = "live.json"
EVERY_S = 2.0
"""Seconds between two writes by the driver, while nothing begins or ends to hold the run up."""


class InFlight(Struct, frozen=True):
    """Samples in one stage of their attempt."""

    stage: Stage
    samples: int


class Loading(Struct, frozen=True):
    """A pool or gate without a ready replica so far."""

    name: str
    starting: int
    wanted: int


class Waiting(Struct, frozen=True):
    """What a run waits for at one moment. Times in seconds since the epoch, ages in seconds."""

    pauses: tuple[Pause, ...] = ()
    """One for each paused pool or gate, over all conductors."""
    still_s: float = 0.0
    """Time since an attempt last ended; 0 if one ended just now."""
    in_flight: tuple[InFlight, ...] = ()
    ready: int = 0
    """Orders that are ready."""
    oldest_s: float = 0.0
    """Age of the oldest ready order."""
    loading: tuple[Loading, ...] = ()
    sinks: tuple[Pause, ...] = ()
    """Sinks that take no shards: the run goes on, and its rows wait in the folder."""


class Live(Struct, frozen=True):
    """The driver's report at the moment `at` (seconds since the epoch). `over`: the process has ended or left the run
    on purpose; a killed process never says so."""

    at: float
    host: str
    pid: int
    phase: str
    note: str = ""
    waiting: Waiting = Waiting()
    over: bool = False
    launch: str | None = None
    """The prefix of the names of its applications on the cluster."""
    leased: int = 0
    """Orders that conductors work on."""
    conductors: tuple[ConductorStatus, ...] = ()
    replicas: tuple[ReplicaStatus, ...] = ()
