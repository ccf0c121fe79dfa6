"""Ledgers of other versions are refused in one line and not changed; a half-made one is not a ledger yet."""

import multiprocessing
import os
import sqlite3
from pathlib import Path

import pytest

import actors.ledger.layout
from actors.ledger.layout import VERSION, is_made, make_durable, open_to_write
from actors.ledger.sqlite import NAME, LedgerReader, SqliteLedger
from schemas.errors import OutputError

FIRST = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE records (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, order_id TEXT, body BLOB NOT NULL);
CREATE INDEX records_by_kind ON records (kind, seq);
CREATE INDEX records_by_order ON records (order_id) WHERE order_id IS NOT NULL;
CREATE TABLE orders (order_id TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('version', '1');
"""
"""As gleaner 0.1 wrote it, word for word."""
LAST = "ALTER TABLE records ADD COLUMN head BLOB; UPDATE meta SET value = '6';"
"""What the first edition's last version made of it."""
BOTH = pytest.mark.parametrize("opened", [SqliteLedger, LedgerReader])


def changed(path: Path, *statements: str) -> bytes:
    """The file after these statements, alone."""
    database = sqlite3.connect(path)
    for statement in statements:
        database.executescript(statement)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path.read_bytes()


@BOTH
@pytest.mark.parametrize("statements", [(FIRST,), (FIRST, LAST)])
def test_a_ledger_of_the_first_edition_is_refused(opened: type, statements: tuple[str, ...], tmp_path: Path) -> None:
    """A folder of an older gleaner: neither written nor misread, and the line says what to do."""
    was = changed(tmp_path / NAME, *statements)
    with pytest.raises(OutputError, match=r"by a gleaner before 0\.2, which alone reads it; keep that one") as told:
        opened(tmp_path)
    assert "\n" not in str(told.value)
    assert (tmp_path / NAME).read_bytes() == was


@BOTH
def test_a_newer_ledger_is_refused(opened: type, tmp_path: Path) -> None:
    """A colleague's newer gleaner wrote it, with tables of its own."""
    SqliteLedger(tmp_path).close()
    newer = f"UPDATE meta SET value = '{VERSION + 1}' WHERE key = 'version'; CREATE TABLE later (x);"
    was = changed(tmp_path / NAME, newer)
    with pytest.raises(
        OutputError, match=f"version {VERSION + 1}; this gleaner knows {VERSION}: use a newer one"
    ) as told:
        opened(tmp_path)
    assert "\n" not in str(told.value)
    assert (tmp_path / NAME).read_bytes() == was


@BOTH
def test_a_ledger_that_says_no_version_is_refused(opened: type, tmp_path: Path) -> None:
    """The version was lost or is no number: nothing is guessed."""
    SqliteLedger(tmp_path).close()
    changed(tmp_path / NAME, "UPDATE meta SET value = 'two' WHERE key = 'version'")
    with pytest.raises(OutputError, match="says no version"):
        opened(tmp_path)


def _make_and_die(path: str) -> None:
    make = sqlite3.connect

    class Dies(sqlite3.Connection):
        def executemany(self, *_: object) -> sqlite3.Cursor:
            os.kill(os.getpid(), 9)
            raise AssertionError

    actors.ledger.layout.sqlite3.connect = lambda *args, **options: make(*args, factory=Dies, **options)  # type: ignore[assignment]
    open_to_write(Path(path))


def test_a_ledger_that_is_made_by_half_is_none_yet(tmp_path: Path) -> None:
    """kill -9 between the tables and what they say of themselves: the next process makes it whole."""
    process = multiprocessing.get_context("spawn").Process(target=_make_and_die, args=(str(tmp_path / NAME),))
    process.start()
    process.join(60)
    assert process.exitcode == -9
    assert not is_made(tmp_path / NAME)
    with SqliteLedger(tmp_path) as ledger:
        assert list(ledger.records()) == []
    assert is_made(tmp_path / NAME)
    with LedgerReader(tmp_path) as reader:
        assert len(reader.folder) == 12


@pytest.mark.parametrize(("vfs", "mode", "synchronous"), [("unix", "wal", 2), ("unix-dotfile", "delete", 3)])
def test_a_file_system_without_wal_syncs_once_more(tmp_path: Path, vfs: str, mode: str, synchronous: int) -> None:
    """SQLite may grant less than was asked for: with a rollback journal FULL is not enough."""
    database = sqlite3.connect(f"{(tmp_path / NAME).as_uri()}?vfs={vfs}", uri=True, isolation_level=None)
    try:
        make_durable(database)
        assert database.execute("PRAGMA journal_mode").fetchone() == (mode,)
        assert database.execute("PRAGMA synchronous").fetchone() == (synchronous,)
    finally:
        database.close()
