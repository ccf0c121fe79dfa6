"""Delivers the dataset's shards to one sink: each after it is recorded, in order, at least once.

Law: a sink that fails loses no row, and neither delays nor ends the run. This module is the only one that retries:
after one second, then after twice as long each time, up to a minute. `pause` says what failed, and since when.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from msgspec import Struct

from actors.dataset.deliveries import Deliveries
from actors.dataset.sink_thread import SinkThread
from actors.ledger.files import Folder
from actors.protocols import Sink
from schemas.errors import described
from schemas.ledger import ShardKind, ShardWritten
from schemas.sinks import OutgoingShard
from schemas.stages import Pause

log = logging.getLogger("gleaner.dataset")

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
SLOW_S = 8.0
"""A slower delivery is reported, in time for the promise that a run without progress says why within ten seconds."""
END_S = 20.0
"""How long a finished run waits for sinks that fail. The next run of the folder delivers what is left."""
LONGEST_END_S = 300.0
"""How long a finished run waits for a sink that takes shards but still has many to take."""
CLOSE_S, LOOK_S = 10.0, 1.0
LONGEST_WHY = 300
"""At most so many characters of a failure are kept."""


class SinkPlace(Struct, frozen=True):
    """A sink of the configuration. `make` creates it; it is called again after each failure."""

    name: str
    make: Callable[[], Sink]


class CourierClock(Struct, frozen=True):
    """The clock of a courier: seconds since the epoch, seconds that only grow, and a wait."""

    wall: Callable[[], float]
    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]


class Courier:
    """Delivers one queue's shards to one sink. `expect` every recorded shard, `run` it as a task, then `end` it."""

    def __init__(self, place: SinkPlace, output: Folder, folder: str, clock: CourierClock) -> None:
        """`folder`: the run's own id, which makes names of shards unique."""
        self._place = place
        self._output = output.path
        self._folder = folder
        self._clock = clock
        self._done = Deliveries(output, place.name)
        self._thread = SinkThread(place.name)
        self._due: dict[int, ShardWritten] = {}
        self._sink: Sink | None = None
        self._news = asyncio.Event()
        self._until: float | None = None
        self._failed: Pause | None = None
        self._failures = 0
        self._next_at = float("-inf")
        self._begun: float | None = None

    def expect(self, shards: Iterable[ShardWritten]) -> None:
        """Takes recorded shards. When a range was recorded more than once, its last record counts."""
        for shard in shards:
            if shard.kind is not ShardKind.DATASET:
                continue
            self._due.pop(shard.first_seq, None)
            if not self._done.has(shard):
                self._due[shard.first_seq] = shard
        self._news.set()

    def end(self) -> None:
        """No more shards come. What is left is tried for `END_S` more."""
        self._until = self._clock.now() + END_S
        self._next_at, self._failures = float("-inf"), 0
        self._news.set()

    @property
    def pause(self) -> Pause | None:
        """Why the sink takes no shards now; None while it takes them."""
        if self._failed is not None:
            return self._failed
        if self._begun is None or self._clock.wall() - self._begun < SLOW_S:
            return None
        return Pause(f"sink {self._place.name}", self._begun, f"{self._waiting()}: it has not answered yet")

    async def run(self) -> None:
        """Delivers until `end`, then what is left, within the limits above. Raises OutputError when the folder cannot
        be written."""
        try:
            while True:
                self._news.clear()
                while self._due and self._clock.now() >= self._next_at:
                    await self._try(self._due[min(self._due)])
                if self._until is not None and (not self._due or self._clock.now() >= self._until):
                    break
                await self._wait()
            await self._close()
        finally:
            self._thread.end()

    async def _wait(self) -> None:
        """Waits for new shards, for `end`, or for the next try."""
        waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._news.wait())]
        if self._due:
            until = self._next_at if self._until is None else min(self._next_at, self._until)
            waits.append(asyncio.ensure_future(self._clock.sleep(max(0.0, until - self._clock.now()))))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _try(self, shard: ShardWritten) -> None:
        """Tries one delivery."""
        self._begun = self._clock.wall()
        try:
            await self._deliver(shard)
        except Exception as error:  # noqa: BLE001 - a user's code, and any server behind it
            await self._fail(shard, error)
            return
        finally:
            self._begun = None
        await asyncio.to_thread(self._done.add, shard)
        if self._due.get(shard.first_seq) == shard:
            del self._due[shard.first_seq]
        if self._failed is not None:
            log.warning("a sink takes shards again", extra={"sink": self._place.name})
        self._failed, self._failures = None, 0

    async def _deliver(self, shard: ShardWritten) -> None:
        sink = self._sink = self._sink or await self._thread.called(self._place.make)
        name = f"{self._folder}-{Path(shard.name).name}"
        outgoing = OutgoingShard(name, str(self._output / shard.name), shard.rows, shard.sha256)
        await self._answered(asyncio.ensure_future(self._thread.called(sink.deliver, outgoing)))

    async def _answered(self, delivery: asyncio.Future[Any]) -> None:
        """Waits for a delivery: without a limit while the run goes on, and for `END_S` once it is over."""
        begun = self._clock.now()
        while not delivery.done():
            await asyncio.wait((delivery,), timeout=LOOK_S)
            if self._until is not None and self._clock.now() - max(begun, self._until - END_S) >= END_S:
                delivery.cancel()
                raise TimeoutError(f"it has not answered for {END_S:g} s")
        delivery.result()

    async def _fail(self, shard: ShardWritten, error: Exception) -> None:
        self._next_at = self._clock.now() + min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(self._failures, 10))
        self._failures += 1
        why = f"{self._waiting()}: {described(error)}"[:LONGEST_WHY]
        since = self._clock.wall() if self._failed is None else self._failed.since
        if self._failed is None:
            log.warning("a sink takes no shards", extra={"sink": self._place.name, "shard": shard.name, "why": why})
        self._failed = Pause(f"sink {self._place.name}", since, why)
        await self._close()

    def _waiting(self) -> str:
        return f"{len(self._due):,} shard{'' if len(self._due) == 1 else 's'} not delivered"

    async def _close(self) -> None:
        """Closes the sink. The next try makes a new one, because the old one's connections may be what failed."""
        sink, self._sink = self._sink, None
        close = getattr(sink, "close", None)
        if close is None:
            return
        try:
            await asyncio.wait_for(self._thread.called(close), CLOSE_S)
        except Exception as error:  # noqa: BLE001 - a failed close undoes no delivery
            log.warning("a sink did not close", extra={"sink": self._place.name, "why": described(error)})
