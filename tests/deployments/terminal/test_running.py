"""What a run's process logs beside its data, and what it says at its end."""

import json
import logging
from pathlib import Path

import pytest

from deployments.terminal.running import LOG_NAME, lacking, logged


def test_what_is_logged_goes_to_the_folder_as_json_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A conductor died in the night: in the morning the folder tells when and which, and the screen stayed calm."""
    log = logging.getLogger("gleaner.run")
    with logged(tmp_path):
        log.warning("a conductor died", extra={"conductor": "conductor-1"})
        try:
            raise RuntimeError("boom")
        except RuntimeError:
            log.exception("failed")
    log.warning("after the run")
    first, second = map(json.loads, (tmp_path / LOG_NAME).read_text().splitlines())
    assert (first["event"], first["conductor"], first["level"]) == ("a conductor died", "conductor-1", "warning")
    assert "RuntimeError: boom" in second["traceback"]
    assert "a conductor died" not in capsys.readouterr().err


def test_a_failure_of_ours_is_in_the_log(tmp_path: Path) -> None:
    """The terminal is closed by the time someone asks why the run ended: the folder still knows."""
    with pytest.raises(RuntimeError), logged(tmp_path):
        raise RuntimeError("boom")
    told = json.loads((tmp_path / LOG_NAME).read_text())
    assert told["event"] == "the run failed" and "RuntimeError: boom" in told["traceback"]
    with pytest.raises(RuntimeError), logged(tmp_path / "nowhere"):
        raise RuntimeError("boom")
    assert not (tmp_path / "nowhere").exists()


def test_a_run_that_logs_nothing_leaves_no_log(tmp_path: Path) -> None:
    """A refused folder stays as it was."""
    with logged(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_a_sink_lacks_is_named() -> None:
    """A few by name, the rest by number."""
    shards = [f"dataset/part-{number:05d}.parquet" for number in range(7)]
    assert lacking({}) == []
    assert lacking({"lake": shards[:1]}) == [
        "sink lake: 1 shard not delivered (dataset/part-00000.parquet), kept in the folder"
    ]
    (line,) = lacking({"lake": shards})
    assert line.startswith("sink lake: 7 shards not delivered (dataset/part-00000.parquet, ")
    assert line.endswith("dataset/part-00004.parquet and 2 more), kept in the folder")
