"""The files of samples in a repository: each shard gives one file for each split that it has rows of.

Law: a file follows from its shard and the splits alone, and its name says so. So a file that a repository has is never
made or sent again, and a shard that was written anew has other names. Without splits a file is its shard, byte for
byte.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct

from actors.exports.splits import TRAIN, split_of_document
from actors.ledger.files import disk_errors, sha256_of
from actors.text.parquet import ParquetRows
from deployments.hub.shard_file import batches, opened_shard
from schemas.errors import OutputError
from schemas.exports import SplitShare
from schemas.ids import content_id
from schemas.ledger import ShardWritten

FOLDER = "data"
_DIGITS = 12


class Splitting(Struct, frozen=True):
    """Which documents are in which split."""

    splits: tuple[SplitShare, ...] = ()
    seed: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Every split, `train` first."""
        return (TRAIN, *(split.name for split in self.splits))

    def of(self, document_sha256: str) -> str:
        """The split of a document."""
        return split_of_document(document_sha256, self.splits, seed=self.seed)


class SplitPart(Struct, frozen=True):
    """The rows of one shard in one split. `path`: in the repository."""

    path: str
    split: str
    rows: int
    shard: ShardWritten


def parts_of(shard: ShardWritten, rows: Mapping[str, int], splitting: Splitting) -> list[SplitPart]:
    """The files that a shard gives. `rows`: by split."""
    shares = [part for split in splitting.splits for part in (split.name, repr(split.share))]
    drawn = (splitting.seed, *shares) if shares else ()
    mark = content_id("pushed", shard.sha256, *drawn)[:_DIGITS]
    stem = PurePosixPath(shard.name).stem
    return [
        SplitPart(f"{FOLDER}/{split}/{stem}-{mark}.parquet", split, rows[split], shard)
        for split in splitting.names
        if rows.get(split)
    ]


def make(run: Path, parts: Sequence[SplitPart], splitting: Splitting, into: Path) -> dict[str, Path]:
    """Where the files of one shard are, by their paths in the repository: new ones in `into`, or the shard itself.

    Raises OutputError when the shard is not as the ledger says, or the disk is full.
    """
    shard = parts[0].shard
    source = run / shard.name
    if sha256_of(source) != shard.sha256:
        raise OutputError(f"{source}: is not the shard that the ledger recorded; `gleaner verify` says what is broken")
    if not splitting.splits:
        return {parts[0].path: source}
    targets = {part.split: into / part.path.replace("/", "-") for part in parts}
    with opened_shard(source) as shard, disk_errors(into):
        _cut(shard, targets, splitting)
    return {part.path: targets[part.split] for part in parts}


def _cut(shard: ParquetRows, targets: Mapping[str, Path], splitting: Splitting) -> None:
    """Writes the rows of each split to its file, in their order."""
    columns = shard.schema.remove_metadata()  # it names the ends of the whole shard
    with ExitStack() as stack:
        files = {
            split: stack.enter_context(pq.ParquetWriter(target, columns, compression="zstd"))
            for split, target in targets.items()
        }
        for batch in batches(shard, columns.names):
            documents = batch.column("provenance").field("document_sha256").to_pylist()
            of = [splitting.of(document) for document in documents]
            for split, file in files.items():
                if chosen := [at for at, name in enumerate(of) if name == split]:
                    file.write_batch(batch.take(pa.array(chosen)).replace_schema_metadata())
