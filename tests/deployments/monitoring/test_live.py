"""live.json: another terminal sees what the driver says, how old that is, and whether the driver is still there."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from actors.ledger.sqlite import SqliteLedger
from deployments.cli import app
from deployments.folder.output import OURS
from deployments.monitoring.live import SILENT_S, Driver, LiveFile, driver_of, read_live
from deployments.monitoring.progress import Phase
from schemas.live import NAME, Live, Waiting
from tests.deployments.monitoring.test_standstill import AWAY, REFUSES, conductor, moment
from tests.doubles.ledgers import Scale, plausible_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run in the middle."""
    with SqliteLedger(tmp_path) as ledger:
        ledger.append(list(plausible_run(7, Scale(finished=0.5))))
    return tmp_path


def words_of(folder: Path) -> str:
    told = CliRunner().invoke(app, ["status", str(folder)])
    assert told.exit_code == 0, told.output
    return " ".join(told.stdout.split())


def write(folder: Path, live: Live) -> None:
    (folder / NAME).write_bytes(msgspec.json.encode(live))


def mine(**changes: object) -> Live:
    live = Live(time.time(), socket.gethostname(), os.getpid(), "running", waiting=Waiting(pauses=(AWAY,)))
    return replace(live, **changes)


def test_status_says_why_a_run_waits(folder: Path) -> None:
    """The server died after the start: a user at another terminal sees which pool, since when and until when."""
    told = LiveFile(folder, "run-1-1")
    told.tell(moment(conductor(AWAY), at=time.time()))
    assert f"generator: {REFUSES} (since" in words_of(folder) and "16 orders wait" in words_of(folder)
    live = json.loads(CliRunner().invoke(app, ["status", str(folder), "--json"]).stdout)["live"]
    assert (live["driver"], live["waiting"]["pauses"][0]["waiting"]) == ("runs", 16)
    told.end()
    assert "no process carries the run" in words_of(folder) and REFUSES not in words_of(folder)


def test_a_driver_that_was_killed_is_said_to_be_dead(folder: Path) -> None:
    """kill -9 leaves the last word behind: status does not repeat it as if it were true."""
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    live = mine(pid=int(dead.stdout), at=time.time() - 200)
    write(folder, live)
    assert driver_of(live, now=time.time()) is Driver.GONE
    assert "dead: process" in words_of(folder) and "the same command goes on" in words_of(folder)
    assert "last heard of 3 min ago" in words_of(folder)


def test_what_cannot_be_looked_up_is_judged_by_its_age() -> None:
    """The driver runs on another node: a fresh word is taken, an old one is said to be old."""
    elsewhere = mine(host="another-node", pid=1)
    assert driver_of(elsewhere, now=elsewhere.at + 3) is Driver.RUNS
    assert driver_of(elsewhere, now=elsewhere.at + SILENT_S) is Driver.SILENT
    assert driver_of(mine(), now=mine().at + SILENT_S + 1) is Driver.SILENT
    assert driver_of(mine(pid=0), now=mine().at) is Driver.GONE
    assert driver_of(mine(pid=1 << 70), now=mine().at) is Driver.GONE


def test_a_foreign_file_is_not_an_error(folder: Path) -> None:
    """Half a file, another's, a link, a pipe, nothing: status shows the ledger."""
    path = folder / NAME
    for content in (b"{", b"[]", b'{"at": "now"}', b"\xff"):
        path.write_bytes(content)
        assert read_live(folder) is None and "not finished" in words_of(folder)
    path.unlink()
    (folder / "elsewhere").write_bytes(msgspec.json.encode(mine()))
    path.symlink_to(folder / "elsewhere")
    assert read_live(folder) is None
    path.unlink()
    os.mkfifo(path)
    assert read_live(folder) is None
    path.unlink()
    assert read_live(folder) is None and "not finished" in words_of(folder)


def test_it_is_written_seldom_and_costs_the_run_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Four moments a second, one file in two seconds; a new phase at once; a disk that refuses is logged once."""
    told = LiveFile(tmp_path, "run-1-1")
    for at in (1.0, 2.0):
        told.tell(moment(at=at))
    assert (first := read_live(tmp_path)) is not None and first.at == 1.0
    told.tell(replace(moment(at=3.0), phase=Phase.DRAINING))
    assert (last := read_live(tmp_path)) is not None and (last.at, last.phase) == (3.0, "draining")
    nowhere = LiveFile(tmp_path / "nowhere", "run-1-1")
    for phase in Phase:
        nowhere.tell(replace(moment(), phase=phase))
    assert [record.getMessage() for record in caplog.records] == ["live.json cannot be written"]


def test_it_is_no_stranger_in_the_folder() -> None:
    """A run that died before its first order left it: the same command continues there."""
    assert OURS.match(NAME) and OURS.match("logs")
    assert not OURS.match("live.json.tex") and not OURS.match("logs-of-my-thesis")
