"""DatasetWriter writes the ledger's ends into Parquet shards while the run goes on.

Law: write, sync, rename, then record in the ledger. The next start mends whatever a crash in between leaves, and no end
is in two shards. The event loop never blocks: all file work is done in one thread of its own.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from msgspec import Struct

from actors.dataset.rows import (
    Chat,
    Row,
    dead_letter_row,
    dead_letter_schema,
    refused_row,
    sample_row,
    sample_schema,
)
from actors.dataset.shards import Bounds, End, ShardFormat, ShardLedger, Shards
from actors.dataset.spans import Span
from actors.ledger.files import Folder
from actors.ledger.history import Life, life_of
from schemas.config import Dataset
from schemas.ids import OrderId, PoolName
from schemas.ledger import Reconfigured, Record, Refused, ShardKind, ShardWritten

log = logging.getLogger("gleaner.dataset")
T = TypeVar("T")


class WriterLedger(ShardLedger, Protocol):
    """The part of a ledger that the writer needs."""

    def story(self, order_id: OrderId) -> Sequence[Record]:
        """Every record of one order, oldest first, its plan included."""
        ...

    def reconfigured(self) -> Sequence[tuple[int, Reconfigured]]:
        """Every replacement of the configuration with its sequence number, oldest first."""
        ...


class RowWording(Struct, frozen=True):
    """What rows need beside the ledger. `chat`: the student's view of a sample. `models`: each pool's model in the
    present configuration (the ledger knows earlier ones). `gates`: all gates that the configuration names; `vary`: its
    variables; `executes`: whether one of its gates executes programs."""

    chat: Chat
    models: Mapping[PoolName, str]
    gates: tuple[str, ...] = ()
    vary: tuple[str, ...] = ()
    executes: bool = False


class DatasetWriter:
    """Writes both kinds of shards. Call `start`, then `run` as a task, then `flush` and `close`.

    `record` returns when the shard's record is durable. `clock` gives seconds since the epoch.
    """

    def __init__(
        self,
        output: Folder,
        ledger: WriterLedger,
        wording: RowWording,
        *,
        settings: Dataset,
        record: Callable[[ShardWritten], Awaitable[None]],
        clock: Callable[[], float],
    ) -> None:
        bounds = Bounds(rows=settings.rows_per_shard, flush_s=settings.flush_s)
        self._ledger = ledger
        self._shards = [Shards(output, ledger, format, bounds=bounds) for format in _formats(ledger, wording)]
        self._record = record
        self._clock = clock
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dataset-writer")

    async def start(self, recorded: Iterable[ShardWritten]) -> None:
        """Brings the folder in order, whatever happened to an earlier process. Raises OutputError."""
        known, undone = tuple(recorded), await self._in_thread(self._ledger.reopened)
        for shards in self._shards:
            for changed in await self._in_thread(lambda shards=shards: shards.adopt(known, undone, at=self._clock())):
                await self._record(changed)
                await self._in_thread(lambda shards=shards, changed=changed: shards.confirm(changed))

    async def run(self, poll_s: float) -> None:
        """Writes shards when they are due, until cancelled. Raises OutputError when the disk refuses."""
        while True:
            await self.step()
            await asyncio.sleep(poll_s)

    async def step(self) -> None:
        """Writes every shard that is due now."""
        await self._write(lambda shards: shards.due(self._clock()))

    async def flush(self) -> None:
        """Puts every end into a shard. Call it only after `run` has ended."""
        await self._write(Shards.rest)

    def close(self) -> None:
        """Waits for file work that is under way (after a cancelled `run`), then stops the thread."""
        self._thread.shutdown(wait=True)

    async def _write(self, choose: Callable[[Shards], Span | None]) -> None:
        for shards in self._shards:
            await self._in_thread(shards.look)
            while (span := choose(shards)) is not None:
                await self._write_one(shards, span)

    async def _write_one(self, shards: Shards, span: Span) -> None:
        written = await self._in_thread(lambda: shards.write(span, at=self._clock()))
        await self._record(written)
        shards.confirm(written)
        log.info("shard written", extra={"shard": written.name, "rows": written.rows})

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _formats(ledger: WriterLedger, wording: RowWording) -> tuple[ShardFormat, ShardFormat]:
    earlier = ledger.reconfigured()
    gates = _gates(earlier, wording.gates)

    def sample(seq: int, end: End) -> Row | None:
        life = _life(ledger, end)
        models = next((before.models for until, before in earlier if seq < until), wording.models)
        return sample_row(life, chat=wording.chat, models=models) if life.exportable else None

    def dead_letter(seq: int, end: End) -> Row | None:
        if isinstance(end, Refused):
            return refused_row(end.document)
        life = _life(ledger, end)
        return dead_letter_row(life) if life.exportable else None

    return (
        ShardFormat(ShardKind.DATASET, sample_schema(gates, wording.vary, executes=wording.executes), sample),
        ShardFormat(ShardKind.DEAD_LETTERS, dead_letter_schema(gates, wording.vary), dead_letter),
    )


def _gates(earlier: Sequence[tuple[int, Reconfigured]], now: Sequence[str]) -> list[str]:
    """The configuration's gates and those of earlier ones: a score keeps its column after its gate is removed."""
    changed = (key.split(".")[1] for _, before in earlier for key in before.changed if key.startswith("gates."))
    return list(dict.fromkeys((*now, *sorted(changed))))


def _life(ledger: WriterLedger, end: End) -> Life:
    assert not isinstance(end, Refused), "a refused document has no life"
    return life_of(end.order_id, ledger.story(end.order_id))
