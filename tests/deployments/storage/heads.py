"""Processes that share a store, on machines of their own, and a clock that moves when somebody waits."""

from itertools import count
from pathlib import Path

from actors.ledger.sqlite import SqliteLedger
from deployments.storage.fence import Clock, Fence
from deployments.storage.objects import Store
from deployments.storage.shipper import Shipper
from deployments.storage.work import settle
from schemas.ledger import StopRaised
from schemas.storage import Holder

_UNIQUE = count()


class Time:
    """Seconds that pass when somebody waits for them."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.seconds, self.sleep)


def fence_of(store: Store, name: str, time: Time) -> Fence:
    """The fence of a process on a machine of its own."""
    return Fence(store, "s3://bucket/run", Holder(name, 1, f"machine {name}", ship_s=10.0), name, clock=time.clock)


class Head:
    """A process that has taken a run, with a ledger of its own disk."""

    def __init__(self, store: Store, folder: Path, name: str, time: Time) -> None:
        """Raises StoreAwayError and HeldError."""
        self.fence = fence_of(store, name, time)
        self.fence.take(lambda holder: None)
        settle(folder, self.fence.head, store, lambda line: None)
        folder.mkdir(parents=True, exist_ok=True)
        self.shipper = Shipper(self.fence, store, folder)
        self.ledger = SqliteLedger(folder)
        self.name = name

    def work(self, records: int) -> None:
        """So many records, which nobody else writes."""
        self.ledger.append([StopRaised(0.0, next(_UNIQUE), 0, None) for _ in range(records)])

    def end(self) -> None:
        self.shipper.close()
        self.ledger.close()
