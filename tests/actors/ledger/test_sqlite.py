"""The ledger: what is appended is there, in order, for its one writer and for any reader beside it."""

import errno
import multiprocessing
import os
import resource
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from actors.ledger.sqlite import LOCK_NAME, NAME, LedgerReader, SqliteLedger
from schemas.errors import LedgerError, OutputError
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Record, Refused, ShardKind
from tests.doubles.ledgers import SMALL, Scale, plausible_run


@pytest.fixture
def run() -> list[Record]:
    return list(plausible_run(7, SMALL))


def test_records_come_back_as_they_went_in(tmp_path: Path, run: list[Record]) -> None:
    """Written in two transactions, read after reopening: the same records, numbered from 1 without a gap."""
    with SqliteLedger(tmp_path) as ledger:
        assert ledger.append(run[:5]) == 5
        ledger.append(run[5:])
    with SqliteLedger(tmp_path) as ledger:
        assert list(ledger.records()) == list(enumerate(run, 1))
        assert [seq for seq, _ in ledger.records(after=5)] == list(range(6, len(run) + 1))


def test_a_reader_sees_the_run_while_it_is_written(tmp_path: Path, run: list[Record]) -> None:
    """`gleaner status` beside `gleaner run`: whole transactions, nothing blocked."""
    with SqliteLedger(tmp_path) as ledger, LedgerReader(tmp_path) as reader:
        ledger.append(run[:4])
        assert len(list(reader.records())) == 4
        ledger.append(run[4:])
        assert len(list(reader.records())) == len(run)


def test_an_orders_story_is_its_plan_and_all_its_attempts(tmp_path: Path, run: list[Record]) -> None:
    """What `gleaner explain` needs, found by index."""
    with SqliteLedger(tmp_path) as ledger:
        ledger.append(run)
    ends = [record for record in run if isinstance(record, AcceptedEnd | DeadLetteredEnd)]
    with LedgerReader(tmp_path) as reader:
        for end in ends:
            story = reader.story(end.order_id)
            assert isinstance(story[0], Planned)
            assert end.order_id in {order.id for order in story[0].orders}
            assert list(story[1:]) == [record for record in run if getattr(record, "order_id", None) == end.order_id]
        assert reader.story(ends[0].order_id[:-1] + "x") == []  # type: ignore[arg-type]


def test_ends_are_paged_by_kind(tmp_path: Path, run: list[Record]) -> None:
    """What the dataset writer reads: accepted ends, or dead letters with the documents refused at the door."""
    with SqliteLedger(tmp_path) as ledger:
        ledger.append(run)
    kinds = {ShardKind.DATASET: (AcceptedEnd,), ShardKind.DEAD_LETTERS: (DeadLetteredEnd, Refused)}
    with LedgerReader(tmp_path) as reader:
        for kind, types in kinds.items():
            expected = [(seq, record) for seq, record in enumerate(run, 1) if isinstance(record, types)]
            found, after = [], 0
            while page := reader.ends(kind, after, 7):
                found.extend(page)
                after = page[-1][0]
            assert found == expected


def test_a_prefix_finds_orders(tmp_path: Path, run: list[Record]) -> None:
    """`gleaner explain DIR 3f0c`: the ids that begin so."""
    with SqliteLedger(tmp_path) as ledger:
        ledger.append(run)
    known = sorted(order.id for record in run if isinstance(record, Planned) for order in record.orders)
    with LedgerReader(tmp_path) as reader:
        assert reader.orders_like(known[0][:8], 10) == [one for one in known if one.startswith(known[0][:8])]
        assert reader.orders_like("", 3) == known[:3]
        assert reader.orders_like("zz", 3) == []


def test_a_second_writer_is_refused_with_the_holders_process(tmp_path: Path) -> None:
    """Two `gleaner run` on one folder: the second ends at once with the first one's process id."""
    with SqliteLedger(tmp_path), pytest.raises(OutputError, match=f"process {os.getpid()}"):
        SqliteLedger(tmp_path)
    SqliteLedger(tmp_path).close()


def _hold_for_a_moment(folder: str, owner: int, held: Connection) -> None:
    with SqliteLedger(Path(folder), owner=owner):
        held.send("held")
        time.sleep(0.5)


@pytest.mark.parametrize("owner", ["dead", "ours"])
def test_a_run_whose_driver_is_dead_or_ours_is_waited_for(tmp_path: Path, owner: str) -> None:
    """kill -9 of `gleaner run`: its queue releases the lock a moment later, and the same command, given at once,
    continues."""
    process = subprocess.Popen(["true"])
    process.wait()
    with _held(tmp_path, process.pid if owner == "dead" else os.getpid()):
        SqliteLedger(tmp_path, wait_s=30).close()


def test_a_run_whose_driver_lives_is_not_waited_for(tmp_path: Path) -> None:
    """Two runs on one folder, the first on another process: refused at once, whatever the patience."""
    with _held(tmp_path, os.getppid()), pytest.raises(OutputError, match=f"process {os.getppid()}"):
        SqliteLedger(tmp_path, wait_s=3600)


@contextmanager
def _held(folder: Path, owner: int) -> Iterator[None]:
    """Another process has the ledger in that owner's name, for half a second."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_hold_for_a_moment, args=(str(folder), owner, theirs))
    process.start()
    assert ours.poll(60)
    ours.recv()
    yield
    process.join(60)


def _write_and_die(folder: str, count: int) -> None:
    ledger = SqliteLedger(Path(folder))
    ledger.append(list(plausible_run(7, SMALL))[:count])
    os.kill(os.getpid(), 9)


def test_kill_minus_nine_loses_nothing_that_append_returned_for(tmp_path: Path, run: list[Record]) -> None:
    """The process is killed right after an append: the records are there and the lock is free."""
    process = multiprocessing.get_context("spawn").Process(target=_write_and_die, args=(str(tmp_path), 9))
    process.start()
    process.join(60)
    assert process.exitcode == -9
    with SqliteLedger(tmp_path) as ledger:
        assert [record for _, record in ledger.records()] == run[:9]


def test_a_folder_without_a_run_is_the_users_mistake(tmp_path: Path) -> None:
    """`gleaner status` on the wrong folder: one line that says what to give."""
    with pytest.raises(OutputError, match="holds no run"):
        LedgerReader(tmp_path)


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    """Somebody else's file under our name is neither read nor changed."""
    (tmp_path / NAME).write_bytes(b"not a database at all, but long enough to look at" * 40)
    with pytest.raises(OutputError, match="not a database"):
        LedgerReader(tmp_path)
    with pytest.raises(OutputError, match="not a database"):
        SqliteLedger(tmp_path)
    assert (tmp_path / NAME).read_bytes().startswith(b"not a database")


def test_a_ledger_of_another_version_is_refused(tmp_path: Path) -> None:
    """A newer gleaner wrote it: said so, instead of misread."""
    SqliteLedger(tmp_path).close()
    database = sqlite3.connect(tmp_path / NAME)
    database.execute("UPDATE meta SET value = '99' WHERE key = 'version'")
    database.commit()
    database.close()
    with pytest.raises(OutputError, match="version 99"):
        SqliteLedger(tmp_path)


def test_a_damaged_record_is_named_not_skipped(tmp_path: Path, run: list[Record]) -> None:
    """One blob is torn: reading says so; nothing is silently left out."""
    with SqliteLedger(tmp_path) as ledger:
        ledger.append(run)
    database = sqlite3.connect(tmp_path / NAME)
    database.execute("UPDATE records SET body = substr(body, 1, 20) WHERE seq = 3")
    database.commit()
    database.close()
    with LedgerReader(tmp_path) as reader, pytest.raises(LedgerError, match="record 3 of the ledger is damaged"):
        list(reader.records())


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    """The lock's place is taken by a folder (root writes through any permission, so this stands in for read-only)."""
    (tmp_path / LOCK_NAME).mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        SqliteLedger(tmp_path)


def test_a_damaged_file_is_reported_in_one_line(tmp_path: Path) -> None:
    """A bad disk: pages in the middle are lost. Reader and writer say so, and neither continues with a part of the
    ledger."""
    with SqliteLedger(tmp_path) as ledger:
        ledger.append(list(plausible_run(7, Scale(passages=60))))
    path = tmp_path / NAME
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 40_000] = b"\xff" * 40_000
    path.write_bytes(data)
    with LedgerReader(tmp_path) as reader, pytest.raises(LedgerError, match="cannot be read"):
        list(reader.records())
    with SqliteLedger(tmp_path) as ledger, pytest.raises(LedgerError, match="cannot be read"):
        list(ledger.records())


def _read_as_nobody(folder: str, expected: int) -> None:
    os.seteuid(65534)
    with LedgerReader(Path(folder)) as reader:
        assert len(list(reader.records())) == expected


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become a user who may not write")
def test_a_folder_that_is_only_readable_is_read(run: list[Record]) -> None:
    """A finished run on a read-only share: `gleaner verify` and `report` by somebody else work."""
    with tempfile.TemporaryDirectory() as folder:
        with SqliteLedger(Path(folder)) as ledger:
            ledger.append(run)
        os.chmod(folder, 0o555)
        process = multiprocessing.get_context("spawn").Process(target=_read_as_nobody, args=(folder, len(run)))
        process.start()
        process.join(60)
        assert process.exitcode == 0


def _write_until_full(folder: str, room_bytes: int, told: Connection) -> None:
    """Files of this process may not grow beyond the room, as on a full disk; then there is room again."""
    with SqliteLedger(Path(folder)) as ledger:
        whole = list(plausible_run(7, SMALL))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, resource.RLIM_INFINITY))
        kept = 0
        try:
            for record in whole:
                kept = ledger.append([record])
        except OutputError as error:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            told.send((kept, str(error), ledger.append(whole[kept : kept + 1])))


def test_a_full_disk_is_reported_and_written_records_stay(tmp_path: Path, run: list[Record]) -> None:
    """No room in the middle of a run: one line says what to do; every record before is there, the failed one is not."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_write_until_full, args=(str(tmp_path), 200_000, there)
    )
    process.start()
    assert here.poll(60)
    kept, message, after = here.recv()
    process.join(60)
    assert 0 < kept < len(run)
    assert "cannot be written" in message
    assert "make room" in message
    assert after == kept + 1
    with LedgerReader(tmp_path) as reader:
        assert [record for _, record in reader.records()] == run[: kept + 1]


def test_a_full_disk_at_the_lock_leaves_the_folder_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock is taken, and its file cannot be written: the next try in the same process gets the lock."""

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched, pytest.raises(OutputError, match="No space left"):
        patched.setattr(os, "pwrite", full)
        SqliteLedger(tmp_path)
    SqliteLedger(tmp_path).close()
