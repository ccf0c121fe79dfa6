"""What the tests of the output folder share: a ledger of a plausible run and a writer over it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from actors.dataset.writer import DatasetWriter, RowWording
from actors.ledger.files import LOCAL_DISK, Disk, Folder
from schemas.config import Dataset
from schemas.ids import PoolName
from schemas.ledger import ShardWritten
from schemas.samples import Draft, Message
from tests.doubles.ledgers import MemoryLedger

NOW = 1_760_100_000.0
WriterOf = Callable[..., DatasetWriter]


def chat(passage: str, draft: Draft) -> tuple[Message, ...]:
    """A student's view: passage and question in, answer out."""
    return Message("user", f"{passage}\n\n{draft.question}"), Message("assistant", draft.answer)


WORDING = RowWording(chat=chat, models={PoolName("generator"): "almanac-m", PoolName("strong"): "almanac-l"})


@pytest.fixture
def writer_of(tmp_path: Path) -> WriterOf:
    """A writer whose records go back into the ledger that it reads, as the queue does it."""

    def make(ledger: MemoryLedger, *, settings: Dataset, disk: Disk = LOCAL_DISK, now: float = NOW) -> DatasetWriter:
        async def record(shard: ShardWritten) -> None:
            ledger.append([shard])

        folder = Folder(tmp_path, disk)
        return DatasetWriter(folder, ledger, WORDING, settings=settings, record=record, clock=lambda: now)

    return make


def shards_of(ledger: MemoryLedger) -> list[ShardWritten]:
    """The recorded shards, the last record of each name."""
    found = {record.name: record for record in ledger.records if isinstance(record, ShardWritten)}
    return list(found.values())
