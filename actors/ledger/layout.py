"""The tables of a ledger file. Law: this program knows one layout. A ledger of any other version, older ones included,
is refused in one line and left unchanged: its records may mean something that this program does not know."""

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
"""The tables by which the six versions of the first edition are recognised."""


def open_to_write(path: Path) -> sqlite3.Connection:
    """Opens the ledger, and creates it when there is none. Raises OutputError for one of another version."""
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    with closed_unless_good(database):
        check_layout(database, path)
        make_durable(database)
        if not _version(database, path):
            _make(database)
    return database


def make_durable(database: sqlite3.Connection) -> None:
    """Makes every commit survive a loss of power. On a file system without shared memory SQLite keeps a rollback
    journal instead of a WAL; that needs one more sync, of the folder, after the journal is deleted."""
    (mode,) = database.execute("PRAGMA journal_mode = WAL").fetchone()
    database.execute(f"PRAGMA synchronous = {'FULL' if mode == 'wal' else 'EXTRA'}")


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection that sees what a writer adds. In a read-only folder, where no process can write, it reads the file
    as it is.

    Raises OutputError for a ledger of another version, and for a file that is not a ledger.
    """
    database = _connected(path)
    with closed_unless_good(database):
        check_layout(database, path)
        if not _version(database, path):
            raise OutputError(f"{path}: is not a ledger; give the folder of `gleaner run --output`")
    return database


def check_layout(database: sqlite3.Connection, path: Path) -> None:
    """Raises OutputError for a ledger of another version, and for one that holds anything but our tables. A view with a
    table's name can run for ever, and a trigger can do anything."""
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
            raise OutputError(f"{path}: holds {str(name)!r}, which is not part of a ledger; restore it from a copy")


def is_made(path: Path) -> bool:
    """Whether the file has its tables. A process can die while it creates them; this function then opens the file for
    writing, so that SQLite undoes the unfinished work, which a reader cannot do. A file that is not a database counts
    as made: the code that reads it reports the error."""
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
    """The queue shard that a ledger belongs to. One that names no shard is its run's only ledger."""
    found = database.execute("SELECT value FROM meta WHERE key = 'shard'").fetchone()
    if found is None:
        return ONLY
    number, _, count = str(found[0]).partition(" of ")
    if not (number.isdecimal() and count.isdecimal() and int(number) < int(count) <= MOST_SHARDS):
        raise OutputError(f"{path}: does not say which ledger of its run it is; restore it from a copy")
    return QueueShard(int(number), int(count))


def claim(database: sqlite3.Connection, shard: QueueShard, path: Path) -> None:
    """Records in the ledger which shard it belongs to. Raises OutputError when it holds orders of another shard."""
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
    """The folder's id in hex digits. It is random, made once with the ledger, and stays when the folder is moved; no
    other run's folder has it. Raises OutputError when the ledger has lost it."""
    found = database.execute("SELECT value FROM meta WHERE key = 'folder'").fetchone()
    if found is None or not re.fullmatch(rf"[0-9a-f]{{{2 * ID_BYTES}}}", str(found[0])):
        raise OutputError(f"{path}: does not say which folder's it is; restore it from a copy")
    return str(found[0])


@contextmanager
def closed_unless_good(database: sqlite3.Connection) -> Iterator[None]:
    """Closes the connection on an error, so that its locks are free at once and not at garbage collection."""
    try:
        yield
    except BaseException:
        database.close()
        raise


def _make(database: sqlite3.Connection) -> None:
    """Makes all tables or none. A process that dies here leaves a file that is not a ledger yet."""
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
    """The ledger's version; 0 for an empty file. The definition of table `meta` is checked before it is queried."""
    found = database.execute("SELECT sql FROM sqlite_master WHERE name = 'meta'").fetchone()
    if not found:
        return 0
    if found[0] != _META:
        raise OutputError(f"{path}: is not our ledger: its table meta differs; restore it from a copy")
    found = database.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()
    if found is None or not str(found[0]).isdecimal():
        raise OutputError(f"{path}: says no version; restore it from a copy")
    return int(found[0])
