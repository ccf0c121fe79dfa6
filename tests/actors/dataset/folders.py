"""A finished output folder as a run leaves it: real ledger, real shards."""

from collections.abc import Iterable
from pathlib import Path

from actors.dataset.files import Folder
from actors.dataset.writer import DatasetWriter
from actors.ledger import LedgerReader, SqliteLedger
from schemas.config import Dataset
from schemas.ledger import Record, ShardWritten
from tests.actors.dataset.conftest import NOW, WORDING


def keep(output: Path, records: Iterable[Record]) -> None:
    """The records in the folder's ledger."""
    with SqliteLedger(output) as ledger:
        ledger.append(list(records))


async def write_shards(output: Path, *, rows_per_shard: int = 5_000) -> None:
    """Every end of the folder's ledger in its shard, each recorded."""
    with SqliteLedger(output) as ledger, LedgerReader(output) as reader:

        async def record(shard: ShardWritten) -> None:
            ledger.append([shard])

        settings = Dataset(rows_per_shard=rows_per_shard)
        writer = DatasetWriter(Folder(output), reader, WORDING, settings=settings, record=record, clock=lambda: NOW)
        try:
            await writer.start(reader.shards())
            await writer.flush()
        finally:
            writer.close()
