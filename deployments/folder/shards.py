"""Brings the shards of a folder that no run holds up to its ledger, as a run does at its start and its end."""

from collections.abc import Callable
from pathlib import Path

from actors.dataset.writer import DatasetWriter
from actors.ledger.files import Folder
from actors.ledger.sqlite import LedgerReader, SqliteLedger
from deployments.build.wiring import row_wording
from schemas.config import RunConfig
from schemas.ledger import ShardWritten


async def write_shards(
    output: Path, ledger: SqliteLedger, reader: LedgerReader, config: RunConfig, now: Callable[[], float]
) -> None:
    """Writes new editions, then the ends that are in no shard yet. The caller holds the folder's lock."""

    async def record(shard: ShardWritten) -> None:
        ledger.append([shard])

    folder = Folder(output, shard=reader.shard)
    writer = DatasetWriter(folder, reader, row_wording(config), settings=config.dataset, record=record, clock=now)
    try:
        await writer.start(reader.shards())
        await writer.flush()
    finally:
        writer.close()
