"""The durable record: SQLite, append only, replayed in order. Its records are the queue's events.

Law: one process writes, which a lock on the folder ensures. When `append` returns, its records are on disk. Readers in
other processes see whole transactions. No record is removed, and only `actors.ledger.repair` replaces one.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import msgspec

from actors.ledger.attempts import asked_before
from actors.ledger.door import check_shards
from actors.ledger.layout import (
    claim,
    claimed,
    closed_unless_good,
    identified,
    open_to_read,
    open_to_write,
)
from actors.ledger.lock import locked
from actors.ledger.running_hash import Hashed, hashed, head_at, next_head
from schemas.corpus import Passage
from schemas.errors import LedgerError, OutputError
from schemas.ids import OrderId
from schemas.ledger import (
    AcceptedEnd,
    AskedBefore,
    CorpusEnded,
    DeadLetteredEnd,
    NotNeededEnd,
    Planned,
    Reconfigured,
    Record,
    Refused,
    Rejoined,
    Reopened,
    Rescored,
    RunStarted,
    ShardKind,
    ShardWritten,
    StopRaised,
)
from schemas.queue_shard import ONLY, QueueShard
from schemas.wire import decode_record, encode_record

NAME = ONLY.ledger
LOCK_NAME = ONLY.lock
_PAGE = 1000
_KINDS = {
    ShardKind.DATASET: (AcceptedEnd, Rescored),
    ShardKind.DEAD_LETTERS: (DeadLetteredEnd, Refused),
}
End = AcceptedEnd | Rescored | DeadLetteredEnd | Refused
StoredRow = tuple[int, str, OrderId | None, bytes]
"""A record as it is stored: sequence number, kind, order, body."""


class SqliteLedger:
    """The writer's side. Use it as a context manager, or call `close`. One thread at a time."""

    def __init__(
        self, output: Path, shard: QueueShard = ONLY, *, owner: int | None = None, wait_s: float = 0.0
    ) -> None:
        """Opens or creates the ledger of a folder, or of one of its queue shards. Raises OutputError when another run
        holds it, the disk refuses, or its orders belong to another shard or number of shards.

        `owner`: the id of the process whose end ends the run (None: this process). A holder of the lock whose owner is
        dead, or is the same as ours, is about to exit: it is waited for, `wait_s` seconds at most.
        """
        self._path = output / shard.ledger
        with _write_errors(self._path):
            self._lock = locked(output / shard.lock, os.getpid() if owner is None else owner, wait_s)
        try:
            with _write_errors(self._path):
                self._database = open_to_write(self._path)
            with _write_errors(self._path), closed_unless_good(self._database):
                claim(self._database, shard, self._path)
                self._last = self._database.execute("SELECT coalesce(max(seq), 0) FROM records").fetchone()[0]
                self._head = head_at(self._database, self._last)
        except BaseException:
            os.close(self._lock)
            raise

    def __enter__(self) -> "SqliteLedger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, records: Sequence[Record]) -> int:
        """Writes all records in one durable transaction; gives the last number. Raises OutputError and writes none."""
        rows, orders, head = [], [], self._head
        for seq, record in enumerate(records, self._last + 1):
            body = encode_record(record)
            head = next_head(head, body)
            rows.append((seq, _kind(type(record)), getattr(record, "order_id", None), body, head))
            if isinstance(record, Planned):
                orders.extend((order.id, seq) for order in record.orders)
        with _write_errors(self._path), self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?)", rows)
            self._database.executemany("INSERT INTO orders VALUES (?, ?)", orders)
        self._last, self._head = self._last + len(rows), head
        return self._last

    def records(self, after: int = 0) -> Iterator[tuple[int, Record]]:
        """Every record with a sequence number above `after`, in order."""
        return _records(self._database, after)

    def accepted(self, order_ids: Sequence[OrderId]) -> Sequence[AskedBefore]:
        """The samples of those of these orders that were accepted, in the order in which they were."""
        query = "SELECT seq, body FROM records WHERE order_id = ? AND kind IN (?, ?)"
        kinds = (_kind(AcceptedEnd), _kind(Rescored))
        found = sorted(row for each in order_ids for row in self._database.execute(query, (each, *kinds)))
        return asked_before(_decoded(seq, body) for seq, body in found)

    def close(self) -> None:
        """Closes the database and releases the folder's lock."""
        self._database.close()
        os.close(self._lock)


class LedgerReader:
    """Reads one ledger of a folder while a run may be writing it. `actors.ledger.folder` reads all of them.

    Raises OutputError when the folder holds no run."""

    def __init__(self, output: Path, shard: QueueShard = ONLY) -> None:
        self._path = path = output / shard.ledger
        if not path.is_file():
            raise OutputError(
                f"{output}: holds no run ({shard.ledger} is missing); give the folder of `gleaner run --output`"
            )
        try:
            self._database = open_to_read(path)
            with closed_unless_good(self._database):
                self.shard = claimed(self._database, path)
        except sqlite3.Error as error:
            raise OutputError(f"{path}: cannot be read as a ledger ({error}){_disk_advice(error)}") from error

    def __enter__(self) -> "LedgerReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    def records(self, after: int = 0) -> Iterator[tuple[int, Record]]:
        """Every record with a sequence number above `after`, in order."""
        return _records(self._database, after)

    @property
    def folder(self) -> str:
        """The folder's id, made with the ledger. It differs from every other run's and is the same in a copy. Raises
        OutputError when the ledger has lost it."""
        with _read_errors():
            return identified(self._database, self._path)

    def story(self, order_id: OrderId) -> Sequence[Record]:
        """Every record of one order, oldest first, its plan included. Empty for an order that is not known."""
        found = self._rows(
            "SELECT seq, body FROM records WHERE seq = (SELECT seq FROM orders WHERE order_id = ?1) UNION ALL "
            "SELECT seq, body FROM (SELECT seq, body FROM records WHERE order_id = ?1 ORDER BY seq)",
            (order_id,),
        )
        return [_decoded(seq, body) for seq, body in found]

    def ends(self, kind: ShardKind, after_seq: int, limit: int) -> Sequence[tuple[int, End]]:
        """The next ends of a kind with their sequence numbers, ascending; at most `limit`."""
        names = [_kind(record) for record in _KINDS[kind]]
        marks = ", ".join("?" * len(names))
        found = self._rows(
            f"SELECT seq, body FROM records WHERE seq > ? AND kind IN ({marks}) ORDER BY seq LIMIT ?",
            (after_seq, *names, limit),
        )
        return [(seq, cast(End, _decoded(seq, body))) for seq, body in found]

    def ended(self, kind: ShardKind) -> Sequence[int]:
        """Sequence numbers of all ends of a kind, ascending. They are read from an index, without any record."""
        names = [_kind(record) for record in _KINDS[kind]]
        marks = ", ".join("?" * len(names))
        return [seq for (seq,) in self._rows(f"SELECT seq FROM records WHERE kind IN ({marks}) ORDER BY seq", names)]

    def numbers(self) -> tuple[int, dict[str, int]]:
        """How many orders there are, and how many records of each kind: from indexes, without reading any."""
        kinds = self._rows("SELECT kind, count(*) FROM records GROUP BY kind", ())
        return self._rows("SELECT count(*) FROM orders", ())[0][0], dict(kinds)

    def order_ends(self, after_seq: int, limit: int) -> Sequence[tuple[int, OrderId, bool]]:
        """The next ends of orders: sequence number, order, and whether it is a dead letter. No record is read."""
        dead, *others = map(_kind, (DeadLetteredEnd, AcceptedEnd, Rescored, NotNeededEnd))
        found = self._rows(
            "SELECT seq, order_id, kind FROM records WHERE seq > ? AND kind IN (?, ?, ?, ?) ORDER BY seq LIMIT ?",
            (after_seq, dead, *others, limit),
        )
        return [(seq, OrderId(order_id), kind == dead) for seq, order_id, kind in found]

    def planned(self, after_seq: int, limit: int) -> Sequence[tuple[int, Planned]]:
        """The next plans with their sequence numbers, ascending; at most `limit`."""
        query = "SELECT seq, body FROM records WHERE kind = ? AND seq > ? ORDER BY seq LIMIT ?"
        found = self._rows(query, (_kind(Planned), after_seq, limit))
        return [(seq, cast(Planned, _decoded(seq, body))) for seq, body in found]

    def last_start(self) -> RunStarted | None:
        """The last record of a process that began or resumed the run."""
        query = "SELECT seq, body FROM records WHERE kind = ? ORDER BY seq DESC LIMIT 1"
        found = self._rows(query, (_kind(RunStarted),))
        return cast(RunStarted, _decoded(*found[0])) if found else None

    def last_raised(self) -> StopRaised | None:
        """The last change of how many accepted samples the run is to have."""
        found = [cast(StopRaised, record) for _, record in self._of(StopRaised)]
        return found[-1] if found else None

    def last_configured(self) -> RunStarted | Reconfigured | None:
        """The last record that named the run's configuration: a start, or a replacement of the configuration."""
        query = "SELECT seq, body FROM records WHERE kind IN (?, ?) ORDER BY seq DESC LIMIT 1"
        found = self._rows(query, (_kind(RunStarted), _kind(Reconfigured)))
        return cast(RunStarted | Reconfigured, _decoded(*found[0])) if found else None

    @contextmanager
    def frozen(self) -> Iterator[int]:
        """Inside the block all reads see the ledger as it is now. Gives the last sequence number."""
        with _read_errors():
            self._database.execute("BEGIN")
        try:
            yield self.last_seq()
        finally:
            self._database.rollback()

    def head(self, seq: int) -> str:
        """The running hash of all records up to this one, in hex digits."""
        with _read_errors():
            return head_at(self._database, seq).hex()

    def hashed(self) -> Iterator[Hashed]:
        """Every record's input to the running hash, in order."""
        with _read_errors():
            yield from hashed(self._database)

    def rows(self, after: int) -> Iterator[StoredRow]:
        """Every record with a sequence number above `after` as it is stored, in order. The ledger is read in pages."""
        query = "SELECT seq, kind, order_id, body FROM records WHERE seq > ? ORDER BY seq LIMIT ?"
        while page := self._rows(query, (after, _PAGE)):
            yield from page
            after = page[-1][0]

    def meta(self) -> dict[str, str]:
        """What the ledger says of itself: its version, its folder's id, its shard."""
        return dict(self._rows("SELECT key, value FROM meta", ()))

    def last_seq(self) -> int:
        """Sequence number of the last record; 0 while there is none."""
        return self._rows("SELECT coalesce(max(seq), 0) FROM records", ())[0][0]

    def shards(self) -> Sequence[ShardWritten]:
        """Every recorded shard, oldest first. Raises OutputError for one whose name is not a shard's."""
        return [shard for _, shard in self.shards_after(0)]

    def shards_after(self, after: int) -> Sequence[tuple[int, ShardWritten]]:
        """As `shards`, those recorded after a sequence number, each with its own."""
        query = "SELECT seq, body FROM records WHERE kind = ? AND seq > ? ORDER BY seq"
        rows = self._rows(query, (_kind(ShardWritten), after))
        found = [(seq, cast(ShardWritten, _decoded(seq, body))) for seq, body in rows]
        check_shards(shard for _, shard in found)
        return found

    def reopened(self) -> Sequence[int]:
        """Sequence numbers of the ends that were undone, in the order in which their orders were put back."""
        return [cast(Reopened, record).end_seq for _, record in self._of(Reopened)]

    def corpus_ends(self) -> Sequence[tuple[int, CorpusEnded]]:
        """Every whole reading of the corpus with its sequence number, oldest first."""
        return [(seq, cast(CorpusEnded, record)) for seq, record in self._of(CorpusEnded)]

    def reconfigured(self) -> Sequence[tuple[int, Reconfigured]]:
        """Every replacement of the configuration with its sequence number, oldest first."""
        return [(seq, cast(Reconfigured, record)) for seq, record in self._of(Reconfigured)]

    def orders_like(self, prefix: str, limit: int) -> Sequence[OrderId]:
        """Ids of known orders that begin with `prefix`, sorted; at most `limit`."""
        found = self._rows(
            "SELECT order_id FROM orders WHERE order_id >= ?1 AND order_id < ?1 || '~' ORDER BY order_id LIMIT ?2",
            (prefix, limit),
        )
        return [OrderId(order_id) for (order_id,) in found]

    def passage(self, order_id: OrderId) -> Passage | None:
        """The passage that an order was issued for."""
        found = self._rows(
            "SELECT seq, body FROM records WHERE seq = (SELECT seq FROM orders WHERE order_id = ?)", (order_id,)
        )
        return cast(Planned, _decoded(*found[0])).passage if found else None

    def _of(self, record: type[Record]) -> Iterator[tuple[int, Record]]:
        found = self._rows("SELECT seq, body FROM records WHERE kind = ? ORDER BY seq", (_kind(record),))
        return ((seq, _decoded(seq, body)) for seq, body in found)

    def _rows(self, query: str, values: Sequence[object]) -> list[Any]:
        with _read_errors():
            return self._database.execute(query, values).fetchall()


class MemoryLedger:
    """A ledger in memory: for previews, and for measuring what durability costs."""

    def __init__(self) -> None:
        self.kept: list[Record] = []

    def append(self, records: Sequence[Record]) -> int:
        """Keeps the records; gives the last sequence number."""
        self.kept.extend(records)
        return len(self.kept)

    def records(self, after: int = 0) -> Iterator[tuple[int, Record]]:
        """Every record with a sequence number above `after`, in order."""
        yield from enumerate(self.kept[after:], after + 1)

    def accepted(self, order_ids: Sequence[OrderId]) -> Sequence[AskedBefore]:
        """The samples of those of these orders that were accepted, in the order in which they were."""
        ids = frozenset(order_ids)
        return asked_before(record for record in self.kept if order_of(record) in ids)

    def close(self) -> None:
        """Nothing to close."""


def order_of(record: Record) -> OrderId | None:
    """The order that a record is about; None when it is about no single order."""
    of_one = isinstance(record, Rejoined | AcceptedEnd | DeadLetteredEnd | NotNeededEnd | Reopened | Rescored)
    return record.order_id if of_one else None


def _kind(record: type[Record]) -> str:
    return str(record.__struct_config__.tag)


def _records(database: sqlite3.Connection, after: int) -> Iterator[tuple[int, Record]]:
    while True:
        with _read_errors():
            page: Iterable[tuple[int, bytes]] = database.execute(
                "SELECT seq, body FROM records WHERE seq > ? ORDER BY seq LIMIT ?", (after, _PAGE)
            ).fetchall()
        if not page:
            return
        for seq, body in page:
            if seq <= after:
                raise LedgerError(f"record {seq} of the ledger comes after {after}: its file is damaged")
            yield seq, _decoded(seq, body)
            after = seq


def _decoded(seq: int, body: bytes) -> Record:
    try:
        return decode_record(body)
    except msgspec.DecodeError as error:
        raise LedgerError(f"record {seq} of the ledger is damaged: {error}") from error


def _disk_advice(error: sqlite3.Error) -> str:
    """What to do about a disk that takes nothing more: also to read, SQLite keeps a file of 32 KiB beside a ledger."""
    refused = getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL)
    return "; its disk may be full, and reading needs a small file beside it: make room" if refused else ""


@contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        advice = "make room or make it writable, then give the same command again: nothing written so far is lost"
        raise OutputError(f"{path}: cannot be written ({reason}); {advice}") from error


@contextmanager
def _read_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise LedgerError(f"{NAME} cannot be read ({error}); restore it from a copy") from error
