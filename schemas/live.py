"""live.json: what a run says of itself while it goes on, for whoever looks from another terminal."""

from msgspec import Struct

from schemas.stages import Pause, Stage

NAME = "live.json"
EVERY_S = 2.0
"""The driver writes it so often."""


class InFlight(Struct, frozen=True):
    """Samples in one stage of their attempt."""

    stage: Stage
    samples: int


class Loading(Struct, frozen=True):
    """A pool or gate none of whose replicas answers yet."""

    name: str
    starting: int
    wanted: int


class Waiting(Struct, frozen=True):
    """What keeps a run at one moment: who cannot be asked, and what is known where nothing ends. Times in seconds since
    the epoch, ages in seconds."""

    pauses: tuple[Pause, ...] = ()
    """One a pool or gate, over all conductors."""
    still_s: float = 0.0
    """Since an attempt last ended; 0 where one ended just now."""
    in_flight: tuple[InFlight, ...] = ()
    ready: int = 0
    """Orders that wait to be worked on."""
    oldest_s: float = 0.0
    """Age of the oldest of them."""
    loading: tuple[Loading, ...] = ()
    sinks: tuple[Pause, ...] = ()
    """Those that take no shards: the run goes on, and its rows wait in the folder."""


class Live(Struct, frozen=True):
    """The driver's word at the moment `at` (seconds since the epoch). `over`: its process has ended the run, or left
    it, on purpose; one that was killed never says so."""

    at: float
    host: str
    pid: int
    phase: str
    note: str = ""
    waiting: Waiting = Waiting()
    over: bool = False
    launch: str | None = None
    """What the names of its applications on the cluster begin with."""
