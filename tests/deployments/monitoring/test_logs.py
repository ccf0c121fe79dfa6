"""What each process of a run logs: with its role, shortened, without keys, and at no cost to the run."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.monitoring.logs import (
    LONGEST,
    NAMES,
    LogPlace,
    configure_logging,
    configure_replica_logging,
    log_name,
    logged,
)

KEY = "sk-test-0123456789abcdef"


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    """This process's loggers, as they were."""
    before = [(logging.getLogger(name), list(logging.getLogger(name).handlers)) for name in NAMES]
    yield
    for log, handlers in before:
        log.handlers[:] = handlers
        log.propagate = True


def lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def place(folder: Path, **more: str) -> LogPlace:
    return LogPlace(more.pop("role", "conductor-1"), str(folder), **more)


def test_a_line_says_when_who_and_about_what(tmp_path: Path) -> None:
    """A paused pool in the night: which, why, seen by which process; a later configuration replaces the first."""
    configure_logging(place(tmp_path, role="early"))
    configure_logging(place(tmp_path, pool="generator"))
    logging.getLogger("gleaner.pool").warning("paused", extra={"order": "ab", "attempt": 2, "why": "refused"})
    (line,) = lines(tmp_path / "logs/conductor-1.jsonl")
    assert {"at", "level", "role", "pid", "logger", "event"} <= set(line)
    assert (line["role"], line["pool"], line["order"], line["attempt"]) == ("conductor-1", "generator", "ab", "2")
    assert not (tmp_path / "logs/early.jsonl").exists()


def test_what_is_said_below_a_warning_is_not_kept(tmp_path: Path) -> None:
    """A run without trouble leaves no log, and no folder for one."""
    configure_logging(place(tmp_path))
    logging.getLogger("gleaner.pool").info("all is well")
    assert list(tmp_path.iterdir()) == []


def test_no_key_and_no_passage_is_logged(tmp_path: Path) -> None:
    """A library quotes the request in its error: a key and a whole document with it."""
    configure_logging(place(tmp_path))
    log = logging.getLogger("gleaner.replica")
    try:
        raise ValueError(f"Authorization: Bearer {KEY} said no to {'a passage ' * 900}")
    except ValueError as error:
        log.exception("failed: %s", error, extra={"why": str(error)})
    text = (tmp_path / "logs/conductor-1.jsonl").read_text()
    assert "0123456789abcdef" not in text and len(text) < 3 * LONGEST + 2_000
    (line,) = lines(tmp_path / "logs/conductor-1.jsonl")
    assert "ValueError" in line["traceback"] and "test_logs.py" in line["traceback"]


def test_a_task_that_fails_unawaited_is_logged(tmp_path: Path) -> None:
    """asyncio tells of such a task when it is collected; before, that went nowhere."""
    configure_logging(place(tmp_path))
    logging.getLogger("asyncio").error("Task exception was never retrieved")
    assert [line["logger"] for line in lines(tmp_path / "logs/conductor-1.jsonl")] == ["asyncio"]


def test_a_replica_elsewhere_does_not_make_a_folder_there(tmp_path: Path) -> None:
    """Another node, where the same path is somebody else's: its lines are in Ray's log alone."""
    configure_replica_logging(place(tmp_path, role="generator", beside="ledger.sqlite"))
    logging.getLogger("gleaner.replica").warning("not here")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "ledger.sqlite").touch()
    logging.getLogger("gleaner.replica").warning("here")
    (kept,) = (tmp_path / "logs").iterdir()
    assert kept.name.startswith("generator-") and [line["event"] for line in lines(kept)] == ["here"]


def test_a_disk_that_takes_no_line_costs_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A folder that is gone, a link that leads elsewhere: nothing raised, no traceback, nothing written there."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run = tmp_path / "run"
    run.mkdir()
    (run / "logs").symlink_to(elsewhere)
    for folder in (tmp_path / "gone", run):
        configure_logging(place(folder))
        logging.getLogger("gleaner.pool").warning("said anyway")
    assert list(elsewhere.iterdir()) == [] and not (tmp_path / "gone").exists()
    said = capfd.readouterr().err
    assert said.count("said anyway") == 2 and "Traceback" not in said


def test_the_driver_keeps_its_lines_from_the_screen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever watches a run sees its board; the folder keeps the rest."""
    with logged(tmp_path):
        logging.getLogger("gleaner.run").warning("an actor died")
    assert [line["role"] for line in lines(tmp_path / log_name("driver"))] == ["driver"]
    assert capsys.readouterr().err == ""


def test_a_role_of_any_name_is_a_file_name() -> None:
    """Pools are named by their users."""
    assert log_name("../../etc/pool a") == "logs/..-..-etc-pool-a.jsonl"


def test_lines_of_a_process_are_on_its_stderr_too(tmp_path: Path) -> None:
    """What Ray keeps of a worker is its stderr."""
    code = (
        "import logging; from deployments.monitoring.logs import *; "
        f"configure_logging(LogPlace('writer-0', {str(tmp_path)!r})); logging.getLogger('gleaner.x').warning('hello')"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(told.stderr)["event"] == "hello" and json.loads(told.stderr)["role"] == "writer-0"
