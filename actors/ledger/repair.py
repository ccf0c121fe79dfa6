"""Mends a ledger whose records cannot all be replayed. Law: nothing is lost. First the whole ledger is copied beside
itself. Then each unreplayable record is replaced, in its place, by a `voided` record that holds it and says why.

Unreplayable records are found by replaying the ledger, never by guessing; all others stay as they are. A record that
cannot be decoded may have meant anything, so a ledger with one is not changed.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from itertools import count
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from actors.counts.tally import Tally
from actors.ledger.files import LOCAL_DISK
from schemas.errors import LedgerError, OutputError
from schemas.ledger import Record, Voided
from schemas.wire import encode_record

Replay = Callable[[Record], None]
"""Gives one record to a queue that has had all records before it. Raises LedgerError when the queue refuses it."""
Records = Iterable[tuple[int, Record]]


class Unreplayable(Struct, frozen=True):
    """A record that cannot be replayed, and the error that replaying it raised."""

    seq: int
    record: Record
    why: str

    @property
    def kind(self) -> str:
        """The record's tag in the ledger."""
        return str(self.record.__struct_config__.tag)


def unreplayable(records: Records, replay: Replay) -> list[Unreplayable]:
    """Every record that a fresh queue or a fresh count refuses. Raises LedgerError for one that cannot be decoded."""
    tally = Tally()
    found: list[Unreplayable] = []
    for seq, record in records:
        try:
            replay(record)
            tally.apply(record)
        except LedgerError as error:
            found.append(Unreplayable(seq, record, str(error)))
    return found


def voids(found: Iterable[Unreplayable], at: float) -> dict[int, Voided]:
    """The records that replace them, by sequence number. `at`: seconds since the epoch."""
    return {each.seq: Voided(at, each.kind, each.why, encode_record(each.record)) for each in found}


def with_voids(records: Records, in_place: Mapping[int, Voided]) -> Iterator[tuple[int, Record]]:
    """The records as they will be after the repair."""
    return ((seq, in_place.get(seq, record)) for seq, record in records)


def copied(ledger: Path) -> Path:
    """Copies the whole ledger, with the content of its -wal file, to a new file beside it and syncs the folder. Gives
    the copy's path. Raises OutputError."""
    names = (f"{ledger.name}.before-repair{f'-{number}' if number else ''}" for number in count())
    copy = next(path for path in map(ledger.with_name, names) if not path.exists())
    try:
        with closing(sqlite3.connect(ledger)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        LOCAL_DISK.sync_folder(copy.parent)
    except (sqlite3.Error, OSError) as error:
        raise OutputError(f"{copy}: cannot be written ({error}); nothing was changed") from error
    return copy


def rewrite(ledger: Path, in_place: Mapping[int, Voided]) -> None:
    """Replaces the records, all or none. The caller holds the folder's lock. Raises OutputError."""
    try:
        with closing(sqlite3.connect(ledger)) as database:
            database.execute("PRAGMA synchronous = FULL")
            with database:
                rows = [("voided", encode_record(_keeping(database, seq, in_place[seq])), seq) for seq in in_place]
                database.executemany("UPDATE records SET kind = ?, order_id = NULL, body = ? WHERE seq = ?", rows)
    except sqlite3.Error as error:
        raise OutputError(f"{ledger}: cannot be written ({error}); nothing was changed") from error


def _keeping(database: sqlite3.Connection, seq: int, void: Voided) -> Voided:
    """The void with the old record's exact bytes, because the running hash was made from them."""
    (body,) = database.execute("SELECT body FROM records WHERE seq = ?", (seq,)).fetchone()
    return replace(void, body=body)
