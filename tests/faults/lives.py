"""Lives of one small run on real parts (ledger, queue, writer, finish) without Ray, on whatever machine it is given.

What a model would say is fixed by each order, so every run of it, however often it died, must end in the same samples.
"""

import hashlib
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
from msgspec.structs import replace

from actors.audit.verify import verify
from actors.dataset.writer import DatasetWriter
from actors.ledger.files import Disk, Folder, disk_errors, make_folder, write_atomically
from actors.ledger.sqlite import LedgerReader, SqliteLedger
from actors.queue.machine import QueueLimits, RegenerationQueue
from actors.queue.service import QueueService, ServiceSettings
from actors.recovery.bar import raised_bar
from actors.report.finish import finish
from schemas.audit import AuditReport, Severity
from schemas.config import Dataset
from schemas.corpus import Document, DocumentRefused, Passage, Provenance, RefusalReason
from schemas.ids import DocumentId, OrderId
from schemas.ledger import RunStarted
from schemas.orders import Lease, Outcome, Recorded, Requeue
from schemas.verdicts import PROVENANCE, Passed
from tests.actors.dataset.conftest import NOW, WORDING
from tests.doubles.attempts import accepted, given_up, rejected

CONFIG = """
corpus: {paths: [./corpus]}
task: {kind: grounded_answer, samples_per_passage: 2}
pools:
  generator: {engine: {kind: transformers, model: almanac-m}}
gates:
  faithfulness: {form: classifier, threshold: 0.5, engine: {kind: transformers, model: /models/judge}}
  reward: {form: classifier, threshold: 0.5, engine: {kind: transformers, model: /models/reward}}
recovery: {bar: raised}
"""
DOCUMENTS = 5
SLOTS = 2
SETTINGS = Dataset(rows_per_shard=3, flush_s=1e9)
REFUSED = DocumentRefused("memory://corpus#record=99", RefusalReason.EMPTY, "no text")
Answered = dict[OrderId, int]
"""The last attempt of each order whose acceptance somebody was told of."""


def document(number: int) -> Document:
    text = f"Town {number} was settled in {1600 + number}."
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Document(DocumentId(f"d{number}"), f"memory://corpus#record={number}", digest, text)


def passage(number: int) -> Passage:
    of = document(number)
    return Passage.of(of.text, Provenance(of.uri, of.id, of.sha256, 0, len(of.text), "test/1"))


def read_again(uris: Collection[str]) -> Iterator[Document]:
    return (found for number in range(DOCUMENTS) if (found := document(number)).uri in uris)


def said(lease: Lease) -> Outcome:
    """What becomes of an attempt: some orders are accepted at once, some after a repair, some never."""
    kind = int(lease.order.id[:2], 16) % 4
    if kind == 0:
        return given_up(lease)
    return rejected(lease) if kind == 1 and lease.attempt == 1 else _passed(accepted(lease))


def _passed(outcome: Outcome) -> Outcome:
    """By every gate of the configuration, held to the bar of its attempt."""
    attempt = outcome.attempt
    verdicts = (Passed(PROVENANCE, 1.0, 1.0), *attempt.verdicts)
    return replace(outcome, attempt=replace(attempt, verdicts=raised_bar(verdicts, attempt.number)))


async def live(output: Path, disk: Disk, answered: Answered) -> None:
    """One process, from the door to the finished folder. Raises whatever ends it before."""
    with disk_errors(output):
        make_folder(output, disk=disk)
    write_atomically(output / "run.yaml", CONFIG, disk=disk)
    queue = RegenerationQueue(
        QueueLimits(max_attempts=3, lease_s=1e6, fresh_share=0.25), lambda a, b: float(a.question == b.question)
    )
    settings = ServiceSettings("grounded_answer", samples_per_passage=SLOTS, capacity=100)
    service = QueueService(queue, SqliteLedger(output), settings, now=lambda: NOW)
    try:
        await service.start(RunStarted(NOW, "config", {"gleaner": "test"}))
        await _write_and_conduct(output, disk, service, answered)
    finally:
        await service.close()
    finish(output, now=NOW, versions={"python": "test"}, disk=disk)


async def _write_and_conduct(output: Path, disk: Disk, service: QueueService, answered: Answered) -> None:
    with LedgerReader(output) as reader:
        await service.begin_writing(1)
        record = partial(service.record_shard, 1)
        writer = DatasetWriter(
            Folder(output, disk), reader, WORDING, settings=SETTINGS, record=record, clock=lambda: NOW
        )
        try:
            await writer.start(reader.shards())
            await service.refuse(REFUSED)
            await service.offer([passage(number) for number in range(DOCUMENTS)])
            await service.corpus_ended(DOCUMENTS, DOCUMENTS)
            while not service.finished():
                await _conduct(service, answered)
                await writer.step()
            await writer.flush()
        finally:
            writer.close()


async def _conduct(service: QueueService, answered: Answered) -> None:
    leases = await service.lease("conductor", 4, 0.0)
    for lease in leases:
        assert lease.order.id not in answered, "an order that was told accepted is paid for again"
    outcomes = [said(lease) for lease in leases]
    for outcome, settlement in zip(outcomes, await service.settle(outcomes), strict=True):
        assert isinstance(settlement, Recorded)
        if not isinstance(outcome.decision, Requeue):
            answered[outcome.order_id] = outcome.attempt.number


def samples(output: Path) -> list[tuple[str, str, str]]:
    """Every row of the dataset: the order, its question, its answer."""
    columns = ["id", "question", "answer"]
    tables = [pq.ParquetFile(path).read(columns) for path in (output / "dataset").glob("*.parquet")]
    return sorted((row["id"], row["question"], row["answer"]) for table in tables for row in table.to_pylist())


def letters(output: Path) -> list[str]:
    """The subject of every dead letter."""
    paths = sorted((output / "dead_letters").glob("*.parquet"))
    return sorted(letter for path in paths for letter in pq.ParquetFile(path).read(["id"])["id"].to_pylist())


def audited(output: Path) -> AuditReport:
    """What `gleaner verify` says."""
    return verify(output, read_again)


def errors(report: AuditReport) -> list[str]:
    return [f"{found.where}: {found.what}" for found in report.findings if found.severity is Severity.ERROR]


def assert_whole(output: Path, expected: "Undisturbed") -> None:
    """Nothing lost, nothing twice, nothing left over, and verify has nothing to say."""
    report = audited(output)
    assert [f"{found.where}: {found.what}" for found in report.findings] == []
    assert report.outstanding == 0
    assert samples(output) == expected.samples
    assert letters(output) == expected.letters
    assert not [path.name for path in output.rglob("*.writing")]


class Undisturbed(msgspec.Struct, frozen=True):
    """What the run amounts to when nothing happens."""

    samples: list[tuple[str, str, str]]
    letters: list[str]
