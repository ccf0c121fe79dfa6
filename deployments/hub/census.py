"""What the shards of a run hold, by split: rows, documents, licences of their sources, and passages that two splits
share. Read from a few columns, never from whole rows."""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from pathlib import Path

import pyarrow as pa

from actors.exports.splits import TRAIN
from actors.text.parquet import ParquetRows
from deployments.hub.parts import Splitting
from deployments.hub.shard_file import batches, opened_shard
from schemas.ledger import ShardWritten
from schemas.pushes import PushSplit


class ShardCensus:
    """Counts of shards. Call `count` for each."""

    def __init__(self, splitting: Splitting) -> None:
        self._splitting = splitting
        self._split_of = cache(splitting.of)
        self._documents: dict[str, set[str]] = {name: set() for name in splitting.names}
        self._passages: dict[str, set[bytes]] = {name: set() for name in splitting.names}
        self._schemas: dict[pa.Schema, None] = {}
        self.rows: Counter[str] = Counter()
        self.licenses: Counter[str | None] = Counter()
        """Rows by the licence that their document states; None: it states none."""

    def count(self, run: Path, shard: ShardWritten) -> Counter[str]:
        """Counts a shard, and gives its rows by split. Raises OutputError when it cannot be read."""
        found: Counter[str] = Counter()
        with opened_shard(run / shard.name) as file:
            self._schemas[file.schema.remove_metadata()] = None
            for document, terms, passage in _sources(file, passages=bool(self._splitting.splits)):
                split = self._split_of(document)
                found[split] += 1
                self._documents[split].add(document)
                self.licenses[terms] += 1
                if passage is not None:
                    self._passages[split].add(blake2b(passage.encode(), digest_size=16).digest())
        self.rows.update(found)
        return found

    @property
    def splits(self) -> tuple[PushSplit, ...]:
        """Every split that has rows."""
        return tuple(
            PushSplit(name, self.rows[name], len(self._documents[name]))
            for name in self._splitting.names
            if self.rows[name]
        )

    @property
    def shared_passages(self) -> int:
        """Passages of splits beside `train` that stand in `train` too, word for word, in another document."""
        return sum(len(self._passages[name] & self._passages[TRAIN]) for name in self._splitting.names if name != TRAIN)

    @property
    def schema(self) -> pa.Schema:
        """The columns of all shards together: those of a run whose gates were changed differ."""
        return pa.unify_schemas(list(self._schemas), promote_options="permissive")


def _sources(file: ParquetRows, *, passages: bool) -> Iterator[tuple[str, str | None, str | None]]:
    """Of each row: its document, the licence that this states, and the passage if asked for."""
    for batch in batches(file, ["provenance", "passage"] if passages else ["provenance"]):
        where = batch.column("provenance")
        documents, terms = (where.field(name).to_pylist() for name in ("document_sha256", "license"))
        texts = batch.column("passage").to_pylist() if passages else [None] * len(documents)
        yield from zip(documents, terms, texts, strict=True)
