"""A finished output folder as a run leaves it: real ledger, real shards."""

from collections.abc import Iterable
from pathlib import Path

from actors.dataset.writer import DatasetWriter
from actors.ledger.files import Folder
from actors.ledger.folder import Ledgers
from actors.ledger.sqlite import LedgerReader, SqliteLedger
from schemas.config import Dataset
from schemas.ledger import Record, ShardWritten
from tests.actors.dataset.conftest import NOW, WORDING
from tests.doubles.parted import parted


def keep(output: Path, records: Iterable[Record], shards: int = 1) -> None:
    """The records in the folder's ledgers."""
    for shard, own in parted(records, shards).items():
        with SqliteLedger(output, shard) as ledger:
            ledger.append(own)


async def write_shards(output: Path, *, rows_per_shard: int = 5_000) -> None:
    """Every end of the folder's ledgers in its shard, each recorded."""
    with Ledgers(output) as ledgers:
        for reader in ledgers.each:
            await _write_shards(output, reader, rows_per_shard)


async def _write_shards(output: Path, reader: LedgerReader, rows_per_shard: int) -> None:
    with SqliteLedger(output, reader.shard) as ledger:

        async def record(shard: ShardWritten) -> None:
            ledger.append([shard])

        settings = Dataset(rows_per_shard=rows_per_shard)
        folder = Folder(output, shard=reader.shard)
        writer = DatasetWriter(folder, reader, WORDING, settings=settings, record=record, clock=lambda: NOW)
        try:
            await writer.start(reader.shards())
            await writer.flush()
        finally:
            writer.close()
