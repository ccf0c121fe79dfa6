"""What a run's folder holds at one moment for a dataset of the Hub: its shards, cut into splits, and its manifest.

Law: the folder is read, never written. While a run goes on, what counts is what is durable: ends without a shard come
with a later push.
"""

from pathlib import Path

import pyarrow as pa
from msgspec import Struct

from actors.dataset.manifest import read_config, read_manifest
from actors.dataset.spans import current
from actors.dataset.strangers import check_not_older
from actors.ledger.door import check_shards
from actors.ledger.folder import Ledgers
from actors.report.finish import manifest_in
from deployments.build.versions import versions
from deployments.hub.census import ShardCensus
from deployments.hub.parts import SplitPart, Splitting, parts_of
from schemas.config import RunConfig
from schemas.errors import UserError
from schemas.ledger import ShardKind
from schemas.manifest import Manifest
from schemas.pushes import PushSplit


class HeldSamples(Struct, frozen=True, kw_only=True):
    """The samples of a folder. `folder`: its id."""

    folder: str
    manifest: Manifest
    config: RunConfig | None
    parts: tuple[SplitPart, ...]
    splits: tuple[PushSplit, ...]
    licenses: dict[str | None, int]
    shared_passages: int
    schema: pa.Schema


def held_samples(run: Path, splitting: Splitting) -> HeldSamples:
    """Raises OutputError for a folder that holds no run or is damaged, and UserError where no shard has samples yet."""
    check_not_older(run)
    config, known = read_config(run), read_manifest(run)
    with Ledgers(run) as ledgers, ledgers.frozen() as last:
        recorded = versions() if known is None else known.versions
        manifest = manifest_in(ledgers, last, config, versions=recorded)
        every = [shard for ledger in ledgers.each for shard in current(ledger.shards())]
        folder = ledgers.each[0].folder
    check_shards(every)
    shards = [shard for shard in every if shard.kind is ShardKind.DATASET and shard.rows]
    census = ShardCensus(splitting)
    parts = [part for shard in shards for part in parts_of(shard, census.count(run, shard), splitting)]
    if not parts:
        raise UserError(f"{run}: no samples are in a shard yet, so there is nothing to push")
    return HeldSamples(
        folder=folder,
        manifest=manifest,
        config=config,
        parts=tuple(parts),
        splits=census.splits,
        licenses=dict(census.licenses),
        shared_passages=census.shared_passages,
        schema=census.schema,
    )
