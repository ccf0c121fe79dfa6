"""A ledger with records that cannot be replayed, made one that can. Law: nothing is lost: the whole ledger is copied
beside itself first, and each record that is set aside stays in its own place, inside another that says why.

Which records those are is found by replaying them, never by guessing: what a replay takes is kept as it is. A record
that cannot be read at all may have been anything, so no ledger with one is touched.
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
"""One record to a queue that has had those before. Raises LedgerError for one that cannot be."""
Records = Iterable[tuple[int, Record]]


class Unreplayable(Struct, frozen=True):
    """A record that cannot be replayed, and what the attempt came to."""

    seq: int
    record: Record
    why: str

    @property
    def kind(self) -> str:
        """As the ledger calls it."""
        return str(self.record.__struct_config__.tag)


def unreplayable(records: Records, replay: Replay) -> list[Unreplayable]:
    """Every record that a fresh queue and a fresh count refuse. Raises LedgerError for one that cannot be read."""
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
    """What stands in their places. `at`: seconds since the epoch."""
    return {each.seq: Voided(at, each.kind, each.why, encode_record(each.record)) for each in found}


def with_voids(records: Records, in_place: Mapping[int, Voided]) -> Iterator[tuple[int, Record]]:
    """The records as they will be."""
    return ((seq, in_place.get(seq, record)) for seq, record in records)


def copied(ledger: Path) -> Path:
    """A copy of the whole ledger beside it, what its -wal holds included, on the disk; gives its path. Raises
    OutputError."""
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
    """Puts them in their places, all or none. The caller holds the folder's lock. Raises OutputError."""
    try:
        with closing(sqlite3.connect(ledger)) as database:
            database.execute("PRAGMA synchronous = FULL")
            with database:
                rows = [("voided", encode_record(_keeping(database, seq, in_place[seq])), seq) for seq in in_place]
                database.executemany("UPDATE records SET kind = ?, order_id = NULL, body = ? WHERE seq = ?", rows)
    except sqlite3.Error as error:
        raise OutputError(f"{ledger}: cannot be written ({error}); nothing was changed") from error


def _keeping(database: sqlite3.Connection, seq: int, void: Voided) -> Voided:
    """With the record byte for byte: the running hash is made of it (`actors.ledger.running_hash`)."""
    (body,) = database.execute("SELECT body FROM records WHERE seq = ?", (seq,)).fetchone()
    return replace(void, body=body)
