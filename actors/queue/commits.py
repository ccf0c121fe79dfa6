"""Group commit: many callers share one durable transaction, and one thread writes.

Law: records reach the ledger in the order in which they were added. `durable` returns only when every record that was
added before it is on disk. A caller that added none also waits for the transaction in flight, because its answer may
depend on it. If the ledger fails once, it has failed for good: no answer comes from memory that is ahead of the disk.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from actors.counts.distributions import Buckets
from schemas.distributions import SECONDS, Distribution
from schemas.errors import GleanerError, UserError
from schemas.ids import OrderId
from schemas.ledger import AskedBefore, Record

T = TypeVar("T")


class Ledger(Protocol):
    """The ledger that is written to: `actors.ledger.sqlite.SqliteLedger`, or one in memory."""

    def append(self, records: Sequence[Record]) -> int: ...

    def records(self, after: int = 0) -> Iterator[tuple[int, Record]]: ...

    def accepted(self, order_ids: Sequence[OrderId]) -> Sequence[AskedBefore]: ...

    def close(self) -> None: ...


class GroupCommit:
    """Group commit for callers on one event loop."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        now: Callable[[], float],
        count: Callable[[Record], None],
        wake: Callable[[], None],
    ) -> None:
        """`count` is called with each record once it is durable, in order; `wake` is called after each transaction, and
        when the ledger fails. `now`: in seconds, to time transactions."""
        self._ledger = ledger
        self._now = now
        self._count = count
        self._wake = wake
        self._durations = Buckets(SECONDS)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._batch: list[Record] = []
        self._writing: list[Record] = []
        self._next: asyncio.Future[None] | None = None
        self._in_flight: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._failed: BaseException | None = None

    @property
    def waiting(self) -> bool:
        """Whether there are records that no transaction has taken yet."""
        return bool(self._batch)

    def add(self, *records: Record) -> None:
        """Adds records to the next transaction."""
        self._batch.extend(records)

    def uncounted(self) -> tuple[Record, ...]:
        """Records that are not counted yet: they are being written, or wait for the next transaction."""
        return (*self._writing, *self._batch)

    def distribution(self) -> Distribution:
        """How long transactions took."""
        return self._durations.distribution()

    def check(self) -> None:
        """Raises the ledger's error once the ledger has failed: a UserError as it is, any other as GleanerError."""
        if isinstance(self._failed, UserError):
            raise type(self._failed)(str(self._failed)) from self._failed
        if self._failed is not None:
            raise GleanerError(f"the ledger failed: {self._failed}") from self._failed

    async def durable(self) -> None:
        """Returns when every record so far is on disk. Raises the ledger's error if the ledger failed."""
        self.check()
        if self._batch:
            if self._next is None:
                self._next = asyncio.get_running_loop().create_future()
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._write())
            await asyncio.shield(self._next)
        elif self._in_flight is not None:
            await asyncio.shield(self._in_flight)

    async def read(self, call: Callable[[Ledger], T]) -> T:
        """Reads the ledger in the thread that writes it, after every record so far is on disk."""
        await self.durable()
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, self._ledger)

    async def close(self) -> None:
        """Waits until the last records are written, then closes the ledger."""
        if self._task is not None:
            await asyncio.wait((self._task,))
        self._thread.shutdown(wait=True)
        self._ledger.close()

    async def _write(self) -> None:
        while self._batch:
            self._writing, self._batch = self._batch, []
            written, self._next = self._next, None
            assert written is not None
            self._in_flight = written
            began_at = self._now()
            try:
                await asyncio.get_running_loop().run_in_executor(self._thread, self._ledger.append, self._writing)
                self._durations.add(max(0.0, self._now() - began_at))
                for record in self._writing:
                    self._count(record)
                self._writing = []
            except Exception as error:  # noqa: BLE001 - kept, and raised to every later caller
                self._failed = error
                written.set_exception(error)
                if self._next is not None:
                    self._next.set_exception(error)
                self._wake()
                return
            written.set_result(None)
            self._wake()
