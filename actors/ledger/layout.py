"""The ledger's layout. Law: there is one. A ledger of another version, an older one too, is refused in one line and
unharmed: its records may mean what the program does not know."""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from schemas.errors import OutputError
from schemas.queue_shard import MOST_SHARDS, ONLY, QueueShard

VERSION = 1
ID_BYTES = 6
_META = "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)"
_STATEMENTS = (
    _META,
    "CREATE TABLE records (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, order_id TEXT, body BLOB NOT NULL,"
    " head BLOB NOT NULL)",
    "CREATE INDEX records_by_kind ON records (kind, seq)",
    "CREATE INDEX records_by_order ON records (order_id) WHERE order_id IS NOT NULL",
    "CREATE TABLE orders (order_id TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID",
)
_OLD_RECORDS = tuple(
    f"CREATE TABLE records (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, order_id TEXT, body BLOB NOT NULL{head})"
    for head in ("", ", head BLOB")
)
"""By what the first edition's six versions are known."""


def open_to_write(path: Path) -> sqlite3.Connection:
    """The ledger, made where there is none. Raises OutputError for one of another version."""
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    with closed_unless_good(database):
        check_layout(database, path)
        make_durable(database)
        if not _version(database, path):
            _make(database)
    return database


def make_durable(database: sqlite3.Connection) -> None:
    """What is committed survives a loss of power. A file system without shared memory stays with a rollback journal,
    where that takes one sync more: of the folder, after the journal is deleted."""
    (mode,) = database.execute("PRAGMA journal_mode = WAL").fetchone()
    database.execute(f"PRAGMA synchronous = {'FULL' if mode == 'wal' else 'EXTRA'}")


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection that sees what a writer adds; where nobody can write (a read-only folder), the file as it is.

    Raises OutputError for a ledger of another version, or of none.
    """
    database = _connected(path)
    with closed_unless_good(database):
        check_layout(database, path)
        if not _version(database, path):
            raise OutputError(f"{path}: is no ledger; give the folder of `gleaner run --output`")
    return database


def check_layout(database: sqlite3.Connection, path: Path) -> None:
    """Raises OutputError for a ledger of another version, and for one that holds anything but our tables: a view in the
    place of one may never end, and a trigger does what its maker wants."""
    database.execute("PRAGMA trusted_schema = OFF")
    found = dict(database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    if found.get("records") in _OLD_RECORDS:
        raise OutputError(
            f"{path}: was written by a gleaner before 0.2, which alone reads it; keep that one for it, or choose an "
            "empty folder"
        )
    version = _version(database, path)
    if version > VERSION:
        raise OutputError(f"{path}: is a ledger of version {version}; this gleaner knows {VERSION}: use a newer one")
    for name, sql in found.items():
        if sql not in _STATEMENTS:
            raise OutputError(f"{path}: holds {str(name)!r}, which is no part of a ledger; restore it from a copy")


def is_made(path: Path) -> bool:
    """Whether the file has a layout yet: the process that makes it may die before, and what it left half done is undone
    here, as nobody who only reads can. One that is no database counts as made: whoever reads it says so."""
    with suppress(sqlite3.DatabaseError), closing(_connected(path)) as database:
        return bool(_version(database, path))
    with (
        suppress(sqlite3.DatabaseError),
        closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)) as database,
    ):
        return bool(_version(database, path))
    return True


def _connected(path: Path) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?mode=ro"
    database = sqlite3.connect(uri, uri=True, check_same_thread=False)
    try:
        database.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        database.close()
        if os.access(path.parent, os.W_OK, effective_ids=True) or path.with_name(f"{path.name}-wal").exists():
            raise
        database = sqlite3.connect(f"{uri}&immutable=1", uri=True, check_same_thread=False)
    return database


def claimed(database: sqlite3.Connection, path: Path) -> QueueShard:
    """Which of its run's shards the ledger is: one that says nothing is the only one."""
    found = database.execute("SELECT value FROM meta WHERE key = 'shard'").fetchone()
    if found is None:
        return ONLY
    number, _, count = str(found[0]).partition(" of ")
    if not (number.isdecimal() and count.isdecimal() and int(number) < int(count) <= MOST_SHARDS):
        raise OutputError(f"{path}: does not say which ledger of its run it is; restore it from a copy")
    return QueueShard(int(number), int(count))


def claim(database: sqlite3.Connection, shard: QueueShard, path: Path) -> None:
    """The ledger says from now on which shard's it is. Raises OutputError for one with another shard's orders."""
    found = claimed(database, path)
    if found == shard:
        return
    if database.execute("SELECT 1 FROM orders").fetchone():
        raise OutputError(
            f"{path}: is ledger {found.number} of {found.count}, not {shard.number} of {shard.count}; "
            "the number of shards of a run never changes"
        )
    database.execute("INSERT OR REPLACE INTO meta VALUES ('shard', ?)", (f"{shard.number} of {shard.count}",))


def identified(database: sqlite3.Connection, path: Path) -> str:
    """The folder's id in hex digits, made once, at random: it stays when the folder is moved, and no other run's folder
    has it, whatever its path. Raises OutputError for a ledger that has lost it."""
    found = database.execute("SELECT value FROM meta WHERE key = 'folder'").fetchone()
    if found is None or not re.fullmatch(rf"[0-9a-f]{{{2 * ID_BYTES}}}", str(found[0])):
        raise OutputError(f"{path}: does not say which folder's it is; restore it from a copy")
    return str(found[0])


@contextmanager
def closed_unless_good(database: sqlite3.Connection) -> Iterator[None]:
    """A connection that nobody will have gives its locks back at once, not when it is collected."""
    try:
        yield
    except BaseException:
        database.close()
        raise


def _make(database: sqlite3.Connection) -> None:
    """Whole or not at all: a process that dies here leaves a file that is no ledger yet."""
    database.execute("BEGIN IMMEDIATE")
    try:
        for statement in _STATEMENTS:
            database.execute(statement)
        meta = [("version", str(VERSION)), ("folder", token_hex(ID_BYTES))]
        database.executemany("INSERT INTO meta VALUES (?, ?)", meta)
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _version(database: sqlite3.Connection, path: Path) -> int:
    """0 for a file that holds nothing yet. The table that says it is looked at before it is asked."""
    found = database.execute("SELECT sql FROM sqlite_master WHERE name = 'meta'").fetchone()
    if not found:
        return 0
    if found[0] != _META:
        raise OutputError(f"{path}: is no ledger of ours: its table meta is another; restore it from a copy")
    found = database.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()
    if found is None or not str(found[0]).isdecimal():
        raise OutputError(f"{path}: says no version; restore it from a copy")
    return int(found[0])
