"""`gleaner verify` against a ledger that is not what was written: each way is found, with its place."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.ledger.sqlite import NAME, LedgerReader, SqliteLedger
from schemas.audit import Check
from schemas.ledger import Rejoined, RunStarted, ShardWritten
from schemas.wire import decode_record
from tests.actors.audit.test_fold import Run, faults
from tests.actors.dataset.conftest import NOW
from tests.actors.dataset.folders import keep
from tests.actors.dataset.test_finish import CONFIG
from tests.actors.dataset.test_older_ledger import cut

CHANGED = "not what was written (the running hash differs)"
OTHERS = "are not the records that it was written from"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished folder with nothing wrong in it."""
    made = Run(tmp_path_factory.mktemp("whole"))
    (made.output / "run.yaml").write_text(CONFIG.replace("/models/almanac", "almanac"))
    asyncio.run(made.write())
    return made.output


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Run:
    return Run(Path(shutil.copytree(whole, tmp_path / "run")))


def told(run: Run) -> set[str]:
    return {what for check, what in faults(run.verify()) if check is Check.LEDGER}


def where(run: Run) -> set[str]:
    return {finding.where for finding in run.verify().findings if finding.check is Check.LEDGER}


def behind_its_back(run: Run, *statements: str) -> None:
    with closing(sqlite3.connect(run.output / NAME)) as database, database:
        for statement in statements:
            database.execute(statement)


def rot(run: Run) -> None:
    """One letter of a generated text: the record can be read as before, and no row is of it."""
    find = "SELECT seq, body FROM records WHERE kind = 'rejoined' ORDER BY seq LIMIT 1"
    with closing(sqlite3.connect(run.output / NAME)) as database, database:
        seq, body = database.execute(find).fetchone()
        rejoined = decode_record(body)
        assert isinstance(rejoined, Rejoined) and rejoined.attempt.candidate is not None
        at = body.index(rejoined.attempt.candidate.text.encode())
        database.execute("UPDATE records SET body = ? WHERE seq = ?", (body[:at] + b"_" + body[at + 1 :], seq))


def swap(run: Run) -> None:
    """The first and the last rejected attempt, each of another order."""
    with closing(sqlite3.connect(run.output / NAME)) as database:
        first, last = database.execute("SELECT min(seq), max(seq) FROM records WHERE kind = 'rejoined'").fetchone()
    moves = ((first, -1), (last, first), (-1, last))
    behind_its_back(run, *(f"UPDATE records SET seq = {to} WHERE seq = {seq}" for seq, to in moves))


FOUND: dict[str, tuple[Callable[[Run], None], str]] = {
    "a letter of a body": (rot, CHANGED),
    "a head": (lambda run: behind_its_back(run, "UPDATE records SET head = zeroblob(16) WHERE seq = 9"), CHANGED),
    "a head that is gone": (lambda run: behind_its_back(run, "UPDATE records SET head = x'' WHERE seq = 9"), CHANGED),
    "a record that is gone": (lambda run: behind_its_back(run, "DELETE FROM records WHERE seq = 9"), CHANGED),
    "two records change places": (swap, CHANGED),
    "a body that cannot be read": (
        lambda run: behind_its_back(
            run, "UPDATE records SET body = x'00' WHERE seq = (SELECT min(seq) FROM records WHERE kind = 'rejoined')"
        ),
        CHANGED,
    ),
}


@pytest.mark.parametrize("change", FOUND)
def test_a_record_that_is_not_what_was_written_is_found(run: Run, change: str) -> None:
    """A flipped bit, a hand on the ledger: SQLite has no checksums, and nothing else may depend on that record."""
    do, what = FOUND[change]
    assert told(run) == set()
    do(run)
    assert any(what in each for each in told(run)), told(run)


def test_a_bit_is_found_in_its_place(run: Run) -> None:
    """One record is named, not all that follow it."""
    rot(run)
    (what,) = told(run)
    assert what.startswith("record ") and where(run) == {NAME}


def test_a_history_that_fits_itself_is_held_to_the_files(run: Run) -> None:
    """The ledger was written again, with all its records but one as they were, and with fitting heads: every shard, the
    manifest and the checksums have another history."""
    with LedgerReader(run.output) as reader:
        folder, records = reader.folder, [record for _, record in reader.records()]
    start = next(record for record in records if isinstance(record, RunStarted))
    for leftover in run.output.glob(f"{NAME}*"):
        leftover.unlink()
    with SqliteLedger(run.output) as ledger:
        ledger.append([replace(record, at=NOW) if record is start else record for record in records])
    behind_its_back(run, f"UPDATE meta SET value = '{folder}' WHERE key = 'folder'")
    assert all(OTHERS in what for what in told(run))
    shards = {str(path.relative_to(run.output)) for path in run.output.glob("*/part-*.parquet")}
    assert where(run) == shards | {"manifest.json", "checksums.txt"}


def test_a_ledger_of_another_folder_is_found(run: Run) -> None:
    """Its id is another one: a copy of the records is not the ledger."""
    behind_its_back(run, "UPDATE meta SET value = '0123456789ab' WHERE key = 'folder'")
    assert told(run) == {"was written beside another ledger"}


def test_a_ledger_that_was_cut_is_found_by_the_checksums(run: Run) -> None:
    """Its last records are in no shard, and somebody has taken manifest.json away: checksums.txt knows its end."""
    with SqliteLedger(run.output) as ledger:
        last = max(seq for seq, _ in ledger.records())
    cut(run.output, last - 1)
    (run.output / "manifest.json").unlink()
    assert any(f"record {last}; it ends at {last - 1}: the ledger is older" in what for what in told(run))


async def test_a_shard_of_another_life_is_found(tmp_path: Path) -> None:
    """The ledger was cut before its last shard and went on: that shard looks like one that is not recorded yet."""
    run = Run(tmp_path)
    await run.write_unfinished()
    with LedgerReader(run.output) as reader:
        last = reader.shards()[-1]
        records = [record for _, record in reader.records(last.first_seq - 1)]
    cut(run.output, last.first_seq - 1)
    keep(run.output, [RunStarted(NOW, "again", {}), *(each for each in records if not isinstance(each, ShardWritten))])
    found = [each for each in run.verify().findings if each.where == last.name]
    assert [each.what for each in found] == ["a shard that the ledger does not know"]


def test_a_false_head_in_a_file_is_found(run: Run) -> None:
    """manifest.json and checksums.txt are compared, too."""
    for name in ("manifest.json", "checksums.txt"):
        path = run.output / name
        text = path.read_text()
        with LedgerReader(run.output) as reader:
            path.write_text(text.replace(reader.head(reader.last_seq()), "0" * 32))
        assert name in where(run)
        path.write_text(text)
    assert where(run) == set()
