"""The Ray shells of queue, reader and writer. They decode, call and encode; the decisions are in `actors/`.

Laws: only a queue actor writes its ledger. The reader and the writer may die at any moment and be replaced. None of
them takes a CPU of Ray's count: their load is small beside the models', and they must never wait for a slot. None
imports Ray Serve, which takes longer than all the rest where workers are not forked (the conductor's module does).
"""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import ray

from actors.calls.clocks import Clocks, Steady
from actors.corpus.chunker import Chunker
from actors.corpus.files import Skipped
from actors.counts.refusals import Rereading
from actors.dataset.courier import LONGEST_END_S, Courier, CourierClock
from actors.dataset.spans import current
from actors.dataset.writer import DatasetWriter
from actors.ledger.files import Folder
from actors.ledger.sqlite import LedgerReader
from actors.ledger.texts import keep_text
from actors.queue.documents import Changed, Comparison
from actors.queue.parts import QueuePart
from actors.queue.service import QueueService
from deployments.build.documents import document_check
from deployments.build.readers import read_corpus
from deployments.build.sinks import sink_places
from deployments.build.wiring import open_queue, row_wording, started
from deployments.monitoring.logs import LogPlace, configure_logging
from deployments.ray.boundary import ray_boundary
from deployments.ray.calls import ask, ask_each
from deployments.ray.garbage import collect_seldom
from schemas.config import RunConfig
from schemas.corpus import DocumentRefused, Passage
from schemas.errors import ungrouped
from schemas.firsts import Preflight
from schemas.ids import PassageId
from schemas.ledger import Metered, ShardWritten
from schemas.orders import Holding
from schemas.progress import RunSnapshot
from schemas.queue_shard import QueueShard, ShardStanding, shard_of
from schemas.stages import Pause
from schemas.stop import PlanEnd
from schemas.wire import LEASES, OUTCOMES, SETTLEMENTS

LEASE_WAIT_S = 1.0
"""How long a lease call waits when there is no work: short enough to notice the end, long enough to be cheap."""
OFFER_PASSAGES = 32
"""Passages in one message to the queue."""
WRITER_POLL_S = 1.0


class QueueShell:
    """A RegenerationQueue and its ledger. After a restart it replays the ledger at its first call."""

    def __init__(self, config: RunConfig, output: str, shard: QueueShard, owner: int, preflight: Preflight) -> None:
        """`owner`: the driver's process. When it ends, the run ends."""
        configure_logging(LogPlace(f"queue-{shard.number}", output))
        collect_seldom()
        self._config = config
        self._output = Path(output)
        self._shard = shard
        self._owner = owner
        self._preflight = preflight
        self._made = uuid4().hex
        self._opening = asyncio.Lock()
        self._service: QueueService | None = None

    async def open(self) -> None:
        """Takes the folder for this run. Raises OutputError when another run is writing there."""
        await self._ready(again=False)

    async def start(self, began_at: float) -> None:
        """Records that the run begins, or continues, at `began_at`."""
        await (await self._ready()).start(started(self._config, at=began_at))

    async def meter(self, metered: Metered) -> None:
        """Records how long replicas held accelerators."""
        await (await self._ready()).append(metered)

    async def offer(self, passages: list[Passage]) -> bool:
        """Adds passages. False when no more are wanted."""
        return await (await self._ready()).offer(passages)

    async def documents(self) -> dict[bytes, tuple[bytes, ...]]:
        """The known versions of documents."""
        return (await self._ready()).documents()

    async def known(self, passages: Sequence[PassageId]) -> list[bool]:
        """Which of these passages were planned."""
        return (await self._ready()).known(passages)

    async def refuse(self, document: DocumentRefused) -> None:
        await (await self._ready()).refuse(document)

    async def refused(self) -> tuple[DocumentRefused, ...]:
        """The refusals that still hold."""
        return (await self._ready()).refused()

    async def corpus_ended(
        self, documents: int, passages: int, skipped: dict[str, int], read_again: Sequence[DocumentRefused]
    ) -> None:
        await (await self._ready()).corpus_ended(documents, passages, skipped, read_again)

    async def lease(self, conductor: str, limit: int) -> tuple[str, bytes] | None:
        """The id of this life of the queue, and LEASES; None when the run is over."""
        service = await self._ready()
        leases = await service.lease(conductor, limit, LEASE_WAIT_S)
        if not leases and service.finished():
            return None
        return self._made, LEASES.encode(leases)

    async def settle(self, outcomes: bytes) -> bytes:
        """Takes OUTCOMES and gives SETTLEMENTS when they are durable."""
        return SETTLEMENTS.encode(await (await self._ready()).settle(OUTCOMES.decode(outcomes)))

    async def begin_writing(self, writer: int) -> None:
        """Begins a writer's work. Shards of earlier writers are recorded by now, or never will be."""
        await (await self._ready()).begin_writing(writer)

    async def record_shard(self, writer: int, shard: ShardWritten) -> None:
        await (await self._ready()).record_shard(writer, shard)

    async def join(self, conductor: str, holdings: Sequence[Holding]) -> str:
        """Takes what a conductor has held since before this queue was restarted. Gives the id of this life."""
        (await self._ready()).join(conductor, holdings)
        return self._made

    async def resume(self, token: str) -> None:
        """Leases again, after every living conductor has joined."""
        (await self._ready()).resume(token)

    async def release(self, conductor: str) -> None:
        """Takes back the leases of a dead conductor."""
        (await self._ready()).release(conductor)

    async def stop_leasing(self) -> None:
        """Makes every further lease call say that the run is over."""
        (await self._ready()).stop_leasing()

    async def spend_no_more(self) -> None:
        """The budget's cost is reached. A restarted queue must be told again."""
        (await self._ready()).spend_no_more()

    async def standing(self) -> ShardStanding:
        """What this queue has of the run's accepted samples."""
        return (await self._ready()).standing()

    async def aim(self, part: QueuePart) -> QueuePart:
        """Tells one of several queues how many accepted samples it may have; gives what holds."""
        return await (await self._ready()).aim(part)

    async def end_plan(self, why: PlanEnd) -> None:
        """No more orders are issued, and what is not leased is not needed."""
        await (await self._ready()).end_plan(why)

    async def snapshot(self) -> RunSnapshot:
        return (await self._ready()).snapshot()

    async def close(self) -> None:
        if self._service is not None:
            await self._service.close()

    async def _ready(self, *, again: bool = True) -> QueueService:
        """The service. `again`: a queue opened by any call but `open` is a restarted one."""
        if self._service is None:
            async with self._opening:
                if self._service is None:
                    service = await asyncio.to_thread(
                        open_queue,
                        self._config,
                        self._output,
                        self._shard,
                        owner=self._owner,
                        now=Steady(Clocks()),
                        preflight=self._preflight,
                    )
                    if again:
                        service.recover(token=uuid4().hex)
                    self._service = service
        return self._service


class ReaderShell:
    """Reads the corpus and cuts passages. It waits when the queue of a passage's shard is full."""

    def __init__(self, config: RunConfig, queues: Sequence[Any], output: str, changed: Changed = "skip") -> None:
        """`queues`: of all shards, in order. `output`: the run's folder, for the log and for extracted texts.
        `changed`: what to do with documents that have changed."""
        configure_logging(LogPlace("reader", output))
        self._config = config
        self._output = Path(output)
        self._changed: Changed = changed
        self._queues = queues
        self._offers = [_Offers(queue) for queue in queues]

    def run(self) -> None:
        """Reads the whole corpus from its start: queues skip known passages. Raises CorpusError for an unreadable
        one."""
        chunker = Chunker(self._config.corpus.chunking)
        known = ask_each(queue.documents for queue in self._queues)
        comparison = Comparison(known, chunker.version, self._changed)
        rereading = Rereading(ask(self._queues[0].refused))
        documents, skipped = 0, Skipped()
        with document_check(self._config) as unfit:
            for document in read_corpus(self._config.corpus, skipped):
                if isinstance(document, DocumentRefused):
                    self._refuse(document, rereading)
                    continue
                rereading.read(document)
                passages = None if comparison.is_known(document) else unfit(document)
                passages = passages or comparison.wanted(document, chunker.passages(document), self._known)
                if isinstance(passages, DocumentRefused):
                    self._refuse(passages, rereading)
                    continue
                documents += 1
                keep_text(self._output, document)
                for passage in passages:
                    self._offers[shard_of(passage.id, len(self._offers))].add(passage)
                    if not any(offers.wanted for offers in self._offers):
                        return
        for offers in self._offers:
            offers.end(documents, skipped.counts(), rereading.over() if offers is self._offers[0] else ())

    def _refuse(self, document: DocumentRefused, rereading: Rereading) -> None:
        """Records a refusal. All refusals are in the first shard's ledger."""
        rereading.refused(document)
        ask(self._queues[0].refuse, document)

    def _known(self, passages: Sequence[PassageId]) -> list[bool]:
        """Which of these passages were planned, in any shard."""
        shards = [shard_of(passage_id, len(self._queues)) for passage_id in passages]
        found: dict[PassageId, bool] = {}
        for number, queue in enumerate(self._queues):
            ids = [passage_id for passage_id, shard in zip(passages, shards, strict=True) if shard == number]
            found |= zip(ids, ask(queue.known, ids), strict=True) if ids else {}
        return [found[passage_id] for passage_id in passages]


class _Offers:
    """Passages on their way to one queue. It may want no more while other queues do."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue
        self._waiting: list[Passage] = []
        self._passages = 0
        self.wanted = True

    def add(self, passage: Passage) -> None:
        """Adds a passage. Waits while the queue is full."""
        self._passages += 1
        self._waiting.append(passage)
        if len(self._waiting) >= OFFER_PASSAGES:
            self._send()

    def end(self, documents: int, skipped: dict[str, int], read_again: Sequence[DocumentRefused]) -> None:
        """Sends the last passages, and the end of the corpus if all were taken."""
        self._send()
        if self.wanted:
            ask(self._queue.corpus_ended, documents, self._passages, skipped, read_again)

    def _send(self) -> None:
        self.wanted = self.wanted and ask(self._queue.offer, self._waiting)
        self._waiting = []


class WriterShell:
    """Writes one ledger's ends into shards, beside the ledger."""

    def __init__(self, config: RunConfig, output: str, shard: QueueShard, queue: Any, number: int) -> None:
        """`number`: the number of this writer in the run, rising."""
        configure_logging(LogPlace(f"writer-{shard.number}", output))
        self._config = config
        self._output = Path(output)
        self._shard = shard
        self._queue = queue
        self._number = number
        self._stopping = asyncio.Event()
        self._couriers: list[Courier] = []

    async def run(self) -> None:
        """Writes due shards until `stop`, then closes the last ones. Raises HopError when the queue is gone."""
        with ray_boundary():
            await self._queue.begin_writing.remote(self._number)
        with LedgerReader(self._output, self._shard) as ledger:
            writer = DatasetWriter(
                Folder(self._output, shard=self._shard),
                ledger,
                row_wording(self._config),
                settings=self._config.dataset,
                record=self._record,
                clock=time.time,
            )
            output = Folder(self._output, shard=self._shard)
            places = sink_places(self._config.dataset.sinks)
            self._couriers = [Courier(place, output, ledger.folder, CLOCK) for place in places]
            try:
                await writer.start(ledger.shards())
                self._expect(current(ledger.shards()))
                with ungrouped():
                    async with asyncio.TaskGroup() as group:
                        carrying = [group.create_task(courier.run()) for courier in self._couriers]
                        await self._until_stopped(writer)
                        await writer.flush()
                        await self._delivered(carrying)
            finally:
                writer.close()

    def undelivered(self) -> list[Pause]:
        """The sinks that take no shards now."""
        return [courier.pause for courier in self._couriers if courier.pause is not None]

    async def stop(self) -> None:
        self._stopping.set()

    async def _until_stopped(self, writer: DatasetWriter) -> None:
        with ungrouped():
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(writer.run(WRITER_POLL_S))
                stopping = group.create_task(self._stopping.wait())
                await asyncio.wait((writing, stopping), return_when=asyncio.FIRST_COMPLETED)
                stopping.cancel()
                writing.cancel()

    async def _delivered(self, carrying: Sequence[asyncio.Task[None]]) -> None:
        """Delivers what sinks lack, while they take it. A sink that fails or does not answer is left."""
        for courier in self._couriers:
            courier.end()
        if carrying:
            await asyncio.wait(carrying, timeout=LONGEST_END_S)
        for task in carrying:
            task.cancel()

    async def _record(self, shard: ShardWritten) -> None:
        with ray_boundary():
            await self._queue.record_shard.remote(self._number, shard)
        self._expect([shard])

    def _expect(self, shards: Sequence[ShardWritten]) -> None:
        for courier in self._couriers:
            courier.expect(shards)


CLOCK = CourierClock(time.time, time.monotonic, asyncio.sleep)
_actor: Any = ray.remote
QueueActor = _actor(num_cpus=0, max_concurrency=1000)(QueueShell)
ReaderActor = _actor(num_cpus=0)(ReaderShell)
WriterActor = _actor(num_cpus=0, max_concurrency=4)(WriterShell)
