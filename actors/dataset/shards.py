"""The shards of one kind: which ends go into the next one, and how it reaches the disk.

Law: shards are numbered without a gap, and each holds the ends of one unbroken range of the ledger. A shard counts only
after it is recorded. A file never changes under its name. When orders of a shard are put back, their ends no longer
hold: a new edition without them is written under a new name and recorded, and replaces the old one. Of all records for
a range the last one counts. `strangers` decides about all other files that look like shards.
"""

import logging
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct
from msgspec.structs import replace

from actors.dataset.rows import Row
from actors.dataset.spans import Span, current, name_of, queue_of, within
from actors.dataset.strangers import Known, LedgerExtent, Stamp, is_unrecorded, move_aside, refuse, stamp_of
from actors.ledger.door import check_shards
from actors.ledger.files import TEMPORARY_SUFFIX, Folder, disk_errors, make_folder, sha256_of, writing
from schemas.errors import LedgerError
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Refused, Rescored, ShardKind, ShardWritten

log = logging.getLogger("gleaner.dataset")
End = AcceptedEnd | Rescored | DeadLetteredEnd | Refused
PAGE = 256
"""The most ends and rows in memory at once."""


class ShardLedger(Known, Protocol):
    """The part of a ledger that shards need."""

    def ends(self, kind: ShardKind, after_seq: int, limit: int) -> Sequence[tuple[int, End]]:
        """The next ends of a kind with their sequence numbers, ascending; at most `limit`."""
        ...


class ShardFormat(Struct, frozen=True):
    """How a kind of shard is written. `row` makes the row of an end, given its sequence number; it gives None for an
    end that has no row (a probe's, for example)."""

    kind: ShardKind
    schema: pa.Schema
    row: Callable[[int, End], Row | None]


class Bounds(Struct, frozen=True):
    """A shard is due when it has so many rows, or when its oldest end is so many seconds old."""

    rows: int
    flush_s: float


class Shards:
    """Plans and writes the shards of one kind. One thread at a time."""

    def __init__(self, output: Folder, ends: ShardLedger, format: ShardFormat, *, bounds: Bounds) -> None:
        self._output = output.path
        self._disk = output.disk
        self._ends = ends
        self._format = format
        self._bounds = bounds
        self._queue = output.shard.number
        self._folder = output.path / format.kind.value
        self._number = 0
        self._written_seq = 0
        self._pending: deque[tuple[int, float]] = deque()
        self._adopted: dict[int, ShardWritten] = {}
        self._undone: list[int] = []

    def adopt(self, recorded: Iterable[ShardWritten], undone: Collection[int], *, at: float) -> list[ShardWritten]:
        """Takes over the shards of earlier processes. Removes files that a crash left, moves other unknown files aside,
        and writes missing or damaged shards again.

        `undone`: sequence numbers of dead letters that were put back; a shard with their rows gets a new edition.
        Gives the records of shards whose bytes changed (a new edition, another library version): record each, then
        `confirm` it. Raises OutputError, also when the ledger is older than its shards; then no shard has changed.
        """
        recorded = [shard for shard in recorded if shard.kind is self._format.kind]
        check_shards(recorded)
        self._undone = sorted(undone) if self._format.kind is ShardKind.DEAD_LETTERS else []
        with disk_errors(self._folder):
            make_folder(self._folder, disk=self._disk)
        known = {shard.name: shard for shard in current(recorded)}
        self._adopted = {shard.first_seq: shard for shard in known.values()}
        torn = {name for name, shard in known.items() if sha256_of(self._output / name) != shard.sha256}
        self._clear({shard.name for shard in recorded}, known, torn)
        for shard in known.values():
            self._advance(Span.of(shard))
        again = [self._again(shard, at, torn=name in torn) for name, shard in known.items()]
        return [shard for shard in again if shard is not None]

    def look(self) -> None:
        """Reads which ends are new since the last look. Keeps their numbers and times, not their content."""
        while page := self._ends.ends(self._format.kind, self._seen_seq, PAGE):
            self._pending.extend((seq, end.at) for seq, end in page)

    def due(self, now: float) -> Span | None:
        """The next shard, when it is full or its oldest end has waited long enough."""
        full = len(self._pending) >= self._bounds.rows
        old = bool(self._pending) and now - self._pending[0][1] >= self._bounds.flush_s
        return self.rest() if full or old else None

    def rest(self) -> Span | None:
        """The next shard, however few ends it has; None when every end is in a shard."""
        chosen = [seq for seq, _ in islice(self._pending, self._bounds.rows)]
        return Span(self._number, chosen[0], chosen[-1], queue=self._queue) if chosen else None

    def write(self, span: Span, *, at: float) -> ShardWritten:
        """Writes the shard under its final name; it counts after `confirm`. Raises OutputError and LedgerError."""
        kind = self._format.kind
        name = f"{kind.value}/{span.name}"
        path = self._output / name
        with writing(path, disk=self._disk) as file:
            rows = self._write_rows(file, span)
        sha256 = sha256_of(path)
        if sha256 is None:
            raise LedgerError(f"shard {name} vanished while it was written")
        return ShardWritten(
            at=at,
            kind=kind,
            name=name,
            rows=rows,
            sha256=sha256,
            first_seq=span.first_seq,
            last_seq=span.last_seq,
            without=self._without(span),
        )

    def confirm(self, shard: ShardWritten) -> None:
        """The shard is recorded: its ends are done, and the edition that it replaces is removed. Raises OutputError."""
        self._advance(Span.of(shard))
        old = self._adopted.pop(shard.first_seq, None)
        if old is not None and old.name != shard.name:
            with disk_errors(self._output / old.name):
                self._disk.remove(self._output / old.name)

    @property
    def _seen_seq(self) -> int:
        return self._pending[-1][0] if self._pending else self._written_seq

    def _advance(self, done: Span) -> None:
        self._number = max(self._number, done.number + 1)
        self._written_seq = max(self._written_seq, done.last_seq)
        while self._pending and self._pending[0][0] <= self._written_seq:
            self._pending.popleft()

    def _clear(self, recorded: Collection[str], known: Mapping[str, ShardWritten], torn: Collection[str]) -> None:
        own = [path for path in sorted(self._folder.iterdir()) if queue_of(path) == self._queue]
        leftover = [path for path in own if path.name.endswith(TEMPORARY_SUFFIX)]
        strangers: list[Path] = []
        extent = LedgerExtent.of(self._ends)
        for path in own:
            name = name_of(path)
            is_shard = path.name.startswith("part-") and path.suffix == ".parquet"
            if not is_shard or (name in known and name not in torn):
                continue
            stamp = stamp_of(path)
            if name in torn:
                pass  # `adopt` writes it again under this name
            elif name in recorded or is_unrecorded(path, stamp, known.values()):
                leftover.append(path)  # a replaced edition, or a shard written just before a crash and not recorded
            else:
                strangers.append(path)
            if stamp is not None and (why := extent.why_older(stamp)) is not None:
                raise refuse(self._output, name, why)
        for path in leftover:
            with disk_errors(path):
                self._disk.remove(path)
        for path in strangers:
            aside = move_aside(path, self._output, self._disk)
            log.warning("a shard that the ledger does not know was moved aside", extra={"shard": str(aside)})

    def _without(self, span: Span) -> int:
        return within(self._undone, span.first_seq, span.last_seq)

    def _again(self, shard: ShardWritten, at: float, *, torn: bool) -> ShardWritten | None:
        span = Span.of(shard)
        if shard.without != self._without(span):
            return self.write(replace(span, edition=span.edition + 1), at=at)
        if not torn:
            return None
        again = self.write(span, at=at)
        if again.rows != shard.rows:
            raise LedgerError(f"shard {shard.name} had {shard.rows} rows, the ledger now gives {again.rows}")
        return again if again.sha256 != shard.sha256 else None

    def _write_rows(self, file: BinaryIO, span: Span) -> int:
        count = 0
        with pq.ParquetWriter(file, self._format.schema, compression="zstd") as parquet:
            for page in self._pages(span):
                rows = [row for seq, end in page if (row := self._format.row(seq, end)) is not None]
                if rows:
                    parquet.write_table(pa.Table.from_pylist(rows, schema=self._format.schema))
                count += len(rows)
            without, head = self._without(span), self._ends.head(span.last_seq)
            stamp = Stamp(span.first_seq, span.last_seq, self._ends.folder, head, without)
            parquet.add_key_value_metadata(stamp.encoded())
        return count

    def _pages(self, span: Span) -> Iterator[list[tuple[int, End]]]:
        after = span.first_seq - 1
        while after < span.last_seq:
            page = self._ends.ends(self._format.kind, after, PAGE)
            inside = [(seq, end) for seq, end in page if seq <= span.last_seq]
            if not inside:
                raise LedgerError(f"the ledger holds no {self._format.kind.value} ends after {after}: {span}")
            yield [(seq, end) for seq, end in inside if not within(self._undone, seq, seq)]
            after = inside[-1][0]
