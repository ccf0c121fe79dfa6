"""Ledgers of other versions: an older one is brought up whole or not at all, a newer one is refused unharmed."""

import multiprocessing
import os
import sqlite3
from pathlib import Path

import pytest

from actors.ledger import NAME, LedgerReader, SqliteLedger
from actors.ledger_versions import STEPS, VERSION, Migration, make_durable, migrate
from schemas.errors import OutputError
from schemas.ledger import Planned, Record, ShardKind
from schemas.wire import encode_record
from tests.doubles.ledgers import SMALL, plausible_run
from tests.doubles.replays import put_back

V1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE records (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, order_id TEXT, body BLOB NOT NULL);
CREATE INDEX records_by_kind ON records (kind, seq);
CREATE INDEX records_by_order ON records (order_id) WHERE order_id IS NOT NULL;
CREATE TABLE orders (order_id TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('version', '1');
"""
"""As gleaner 0.1 wrote it, word for word; never to be changed."""


@pytest.fixture
def run() -> list[Record]:
    return list(plausible_run(7, SMALL))


def write_v1(folder: Path, records: list[Record]) -> Path:
    """The folder's ledger as the first version wrote it."""
    path = folder / NAME
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.executescript(V1)
    for seq, record in enumerate(records, 1):
        row = (seq, str(record.__struct_config__.tag), getattr(record, "order_id", None), encode_record(record))
        database.execute("INSERT INTO records VALUES (?, ?, ?, ?)", row)
        if isinstance(record, Planned):
            database.executemany("INSERT INTO orders VALUES (?, ?)", [(order.id, seq) for order in record.orders])
    database.close()
    return path


def version(path: Path) -> str:
    database = sqlite3.connect(path)
    try:
        return database.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()[0]
    finally:
        database.close()


def layout(path: Path) -> list[tuple[str, str]]:
    """Every table and index as the file defines it."""
    database = sqlite3.connect(path)
    try:
        return database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchall()
    finally:
        database.close()


def test_a_ledger_of_the_first_version_is_brought_up_with_all_it_holds(tmp_path: Path, run: list[Record]) -> None:
    """A run begun with an older gleaner goes on with this one: every record stands, and dead letters can come back."""
    path = write_v1(tmp_path, run)
    back = put_back(run, at=run[-1].at + 60)
    with SqliteLedger(tmp_path) as ledger:
        assert list(ledger.records()) == list(enumerate(run, 1))
        assert ledger.append(back) == len(run) + len(back)
    assert version(path) == str(VERSION)
    with LedgerReader(tmp_path) as reader:
        assert list(reader.reopened()) == [record.end_seq for record in back]
        assert reader.story(back[0].order_id)[-1] == back[0]


def test_an_upgraded_ledger_is_laid_out_as_a_new_one(tmp_path: Path, run: list[Record]) -> None:
    """There is one layout of a version, however a ledger came to it."""
    (tmp_path / "new").mkdir()
    SqliteLedger(tmp_path / "new").close()
    path = write_v1(tmp_path, run)
    SqliteLedger(tmp_path).close()
    assert layout(path) == layout(tmp_path / "new" / NAME)


def test_an_older_ledger_is_read_without_a_change(tmp_path: Path, run: list[Record]) -> None:
    """`gleaner status` and `verify` on an archived run: they only read, so its version stays."""
    path = write_v1(tmp_path, run)
    with LedgerReader(tmp_path) as reader:
        assert [record for _, record in reader.records()] == run
        assert len(reader.ends(ShardKind.DATASET, 0, 10_000)) > 0
        assert (list(reader.reopened()), list(reader.reconfigured())) == ([], [])
    assert version(path) == "1"


@pytest.mark.parametrize("opened", [SqliteLedger, LedgerReader])
def test_a_newer_ledger_is_refused_in_one_line_and_unharmed(opened: type, tmp_path: Path, run: list[Record]) -> None:
    """A colleague's newer gleaner wrote it: neither written nor misread, and the line says what to do."""
    path = write_v1(tmp_path, run)
    database = sqlite3.connect(path)
    database.execute("UPDATE meta SET value = ? WHERE key = 'version'", (str(VERSION + 1),))
    database.commit()
    database.close()
    says = f"version {VERSION + 1}; this gleaner knows {VERSION}: use a newer one"
    with pytest.raises(OutputError, match=says) as told:
        opened(tmp_path)
    assert "\n" not in str(told.value)
    assert version(path) == str(VERSION + 1)


def test_a_ledger_that_says_no_version_is_refused(tmp_path: Path, run: list[Record]) -> None:
    """The version was lost or is no number: nothing is guessed."""
    path = write_v1(tmp_path, run)
    database = sqlite3.connect(path)
    database.execute("UPDATE meta SET value = 'two'")
    database.commit()
    database.close()
    with pytest.raises(OutputError, match="says no version"):
        SqliteLedger(tmp_path)


NEXT = Migration(VERSION + 1, "a step that dies", ("CREATE TABLE later (x)", "DELETE FROM records", "SELECT die()"))


def _migrate_and_die(path: str) -> None:
    database = sqlite3.connect(path, isolation_level=None)
    database.create_function("die", 0, lambda: os.kill(os.getpid(), 9))
    migrate(database, Path(path), (*STEPS, NEXT))


def test_a_migration_that_dies_in_the_middle_leaves_the_version_before(tmp_path: Path, run: list[Record]) -> None:
    """kill -9 between two statements of a step: the steps before it stand whole, of it nothing does."""
    path = write_v1(tmp_path, run)
    process = multiprocessing.get_context("spawn").Process(target=_migrate_and_die, args=(str(path),))
    process.start()
    process.join(60)
    assert process.exitcode == -9
    assert version(path) == str(VERSION)
    assert "later" not in {name for name, _ in layout(path)}
    with SqliteLedger(tmp_path) as ledger:
        assert [record for _, record in ledger.records()] == run


def test_a_statement_that_fails_takes_its_step_back(tmp_path: Path, run: list[Record]) -> None:
    """A full disk or a mistake of ours in a step: the ledger is as it was, and the error is not hidden."""
    path = write_v1(tmp_path, run)
    database = sqlite3.connect(path, isolation_level=None)
    wrong = Migration(VERSION + 1, "wrong", ("DELETE FROM records", "NO SUCH STATEMENT"))
    with pytest.raises(sqlite3.OperationalError):
        migrate(database, path, (*STEPS, wrong))
    assert not database.in_transaction
    database.close()
    assert version(path) == str(VERSION)
    with LedgerReader(tmp_path) as reader:
        assert len(list(reader.records())) == len(run)


def test_steps_are_in_order_and_without_a_gap() -> None:
    """Every version is reached from the one before it."""
    assert [step.version for step in STEPS] == list(range(1, VERSION + 1))


@pytest.mark.parametrize(("vfs", "mode", "synchronous"), [("unix", "wal", 2), ("unix-dotfile", "delete", 3)])
def test_a_file_system_without_wal_syncs_once_more(tmp_path: Path, vfs: str, mode: str, synchronous: int) -> None:
    """SQLite answers what it took, not what it was asked for: with a rollback journal FULL is not enough."""
    database = sqlite3.connect(f"{(tmp_path / NAME).as_uri()}?vfs={vfs}", uri=True, isolation_level=None)
    try:
        make_durable(database)
        assert database.execute("PRAGMA journal_mode").fetchone() == (mode,)
        assert database.execute("PRAGMA synchronous").fetchone() == (synchronous,)
    finally:
        database.close()
