"""The Ray shells of our actors: they decode, call and encode. What is decided is decided in `actors/`.

Law: the queue actor alone writes the ledger; a conductor, the reader and the writer may die at any moment and be made
again. None takes a CPU of Ray's count: their load is small beside the models', and they must never wait for a slot.
"""

import asyncio
import time
from pathlib import Path
from typing import Any

import ray
from ray import serve

from actors.conductor import Conductor
from actors.corpus.chunker import Chunker
from actors.corpus.reader import read
from actors.dataset.files import Folder
from actors.dataset.writer import DatasetWriter, Wording
from actors.ledger import LedgerReader
from actors.queue_service import QueueService
from deployments.handles import BatchLimits, GateHandle, PoolHandle, QueueHandle, ray_boundary, streaming
from deployments.serving import DeploymentNames
from deployments.wiring import (
    chat,
    computed_gates,
    conductor_random,
    conductor_settings,
    models,
    open_queue,
    started,
    toolbox,
)
from schemas.config import RunConfig
from schemas.corpus import DocumentRefused, Passage
from schemas.ledger import ShardWritten
from schemas.progress import RunSnapshot
from schemas.stages import ConductorStatus
from schemas.wire import LEASES, OUTCOMES, SETTLEMENTS

LEASE_WAIT_S = 1.0
"""A lease call without work waits this long: short enough to notice the end, long enough to be cheap."""
OFFER_PASSAGES = 32
"""Passages a message to the queue."""
WRITER_POLL_S = 1.0


class QueueShell:
    """The RegenerationQueue and its ledger."""

    def __init__(self, config: RunConfig, output: str) -> None:
        self._config = config
        self._output = Path(output)
        self._service: QueueService

    async def open(self) -> None:
        """Opens the ledger and replays it. Raises OutputError when another run is writing there."""
        self._service = open_queue(self._config, self._output, now=time.time)
        await self._service.append(started(self._config, at=time.time()))

    async def offer(self, passages: list[Passage]) -> bool:
        """False: no more are wanted."""
        return await self._service.offer(passages)

    async def refuse(self, document: DocumentRefused) -> None:
        await self._service.refuse(document)

    async def corpus_ended(self, documents: int, passages: int) -> None:
        await self._service.corpus_ended(documents, passages)

    async def lease(self, conductor: str, limit: int) -> bytes | None:
        """LEASES, or None when the run is over."""
        leases = await self._service.lease(conductor, limit, LEASE_WAIT_S)
        if not leases and self._service.finished():
            return None
        return LEASES.encode(leases)

    async def settle(self, outcomes: bytes) -> bytes:
        """OUTCOMES in, SETTLEMENTS out, when durable."""
        return SETTLEMENTS.encode(await self._service.settle(OUTCOMES.decode(outcomes)))

    async def record_shard(self, shard: ShardWritten) -> None:
        await self._service.record_shard(shard)

    async def release(self, conductor: str) -> None:
        """The leases of a dead conductor return."""
        self._service.release(conductor)

    async def stop_leasing(self) -> None:
        """From now on every lease call says that the run is over."""
        self._service.stop_leasing()

    async def snapshot(self) -> RunSnapshot:
        return self._service.snapshot()

    async def close(self) -> None:
        await self._service.close()


class ConductorShell:
    """One conductor: its handles to the queue, the pools and the gates."""

    def __init__(self, name: str, config: RunConfig, queue: Any, where: DeploymentNames) -> None:
        limits = BatchLimits()
        pools = {
            pool: PoolHandle(streaming(serve.get_app_handle(app), "generate"), limits)
            for pool, app in where.pools.items()
        }
        gates = {
            gate: GateHandle(streaming(serve.get_app_handle(app), "check"), limits) for gate, app in where.gates.items()
        }
        self._conductor = Conductor(
            toolbox(config, QueueHandle(queue, limits), pools, {**gates, **computed_gates(config)}),
            conductor_settings(config, name),
            clock=time.time,
            sleep=asyncio.sleep,
            random=conductor_random(config, name),
        )

    async def run(self) -> None:
        """Conducts until the run is over."""
        await self._conductor.run()

    async def status(self) -> ConductorStatus:
        return self._conductor.status()


class ReaderShell:
    """Reads the corpus, cuts passages, and waits when the queue is full."""

    def __init__(self, config: RunConfig, queue: Any) -> None:
        self._config = config
        self._queue = queue

    def run(self) -> None:
        """The whole corpus, once. Raises CorpusError when it cannot be opened at all."""
        chunker = Chunker(self._config.corpus.chunking)
        documents, passages, waiting = 0, 0, []
        for document in read(self._config.corpus):
            if isinstance(document, DocumentRefused):
                ray.get(self._queue.refuse.remote(document))
                continue
            documents += 1
            for passage in chunker.passages(document):
                passages += 1
                waiting.append(passage)
                if len(waiting) >= OFFER_PASSAGES:
                    if not ray.get(self._queue.offer.remote(waiting)):
                        return
                    waiting = []
        if ray.get(self._queue.offer.remote(waiting)):
            ray.get(self._queue.corpus_ended.remote(documents, passages))


class WriterShell:
    """Turns the ledger's ends into shards, beside the ledger."""

    def __init__(self, config: RunConfig, output: str, queue: Any) -> None:
        self._config = config
        self._output = Path(output)
        self._queue = queue
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Writes shards as they are due until `stop`, then closes the last ones."""
        with LedgerReader(self._output) as ledger:
            writer = DatasetWriter(
                Folder(self._output),
                ledger,
                Wording(chat=chat(self._config), models=models(self._config)),
                settings=self._config.dataset,
                record=self._record,
                clock=time.time,
            )
            try:
                await writer.start(ledger.shards())
                await self._until_stopped(writer)
                await writer.flush()
            finally:
                writer.close()

    async def stop(self) -> None:
        self._stopping.set()

    async def _until_stopped(self, writer: DatasetWriter) -> None:
        writing = asyncio.create_task(writer.run(WRITER_POLL_S))
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait((writing, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            writing.cancel()
            await asyncio.gather(writing, stopping, return_exceptions=True)
        if not writing.cancelled():
            writing.result()

    async def _record(self, shard: ShardWritten) -> None:
        with ray_boundary():
            await self._queue.record_shard.remote(shard)


_actor: Any = ray.remote
QueueActor = _actor(num_cpus=0, max_concurrency=1000)(QueueShell)
ConductorActor = _actor(num_cpus=0, max_concurrency=8)(ConductorShell)
ReaderActor = _actor(num_cpus=0)(ReaderShell)
WriterActor = _actor(num_cpus=0, max_concurrency=4)(WriterShell)
