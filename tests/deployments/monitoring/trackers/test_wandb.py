"""Weights & Biases: a real offline run, written by its client in a process of its own and read back.

W&B's package has no reader of these files any more: the frames (those of LevelDB's log) are taken apart here, and the
records inside are decoded by the package's own protobuf classes.
"""

import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wandb.proto import wandb_internal_pb2 as messages

from schemas.config_trackers import Trackers, WandbTracker
from tests.deployments.monitoring.trackers.folders import LAST, PLAYED, REPORT, folder_at, following, id_of, told, until

HEAD, FRAME, BLOCK = b":W&B\xe1\xbe\x00", struct.Struct("<IHB"), 32 * 1024
WHOLE, LAST_PART = 1, 4
RECORD: Any = getattr(messages, "Record")  # noqa: B009 - its stub does not name what is made as it is imported


def records_of(path: Path) -> Iterator[Any]:
    data, place, parts = path.read_bytes(), len(HEAD), b""
    assert data.startswith(HEAD)
    while place < len(data):
        left = BLOCK - place % BLOCK
        if left < FRAME.size:
            place += left
            continue
        _, length, kind = FRAME.unpack_from(data, place)
        place += FRAME.size
        parts += data[place : place + length]
        place += length
        if kind in (WHOLE, LAST_PART):
            yield RECORD.FromString(parts)
            parts = b""


def history_of(path: Path) -> list[dict[str, float]]:
    """What was logged, step by step."""
    logged = [record.history for record in records_of(path) if record.WhichOneof("record_type") == "history"]
    return [{each.nested_key[0]: json.loads(each.value_json) for each in one.item} for one in logged]


def code_of(path: Path) -> int:
    """With what the run ended."""
    (code,) = [record.exit.exit_code for record in records_of(path) if record.WhichOneof("record_type") == "exit"]
    return code


@pytest.mark.slow
def test_a_run_in_the_folder(tmp_path: Path) -> None:
    """Two processes of one run: each leaves an offline run under the folder's id, whose curves go on, with the report
    as an artefact. Nothing of the machine is in it."""
    folder = folder_at(tmp_path / "run")
    trackers = Trackers(wandb=WandbTracker("towns", mode="offline"))
    assert told(folder, trackers, PLAYED[len(PLAYED) // 2], complete=False) == {}
    time.sleep(1.1)  # the client names a run's folder after the second in which it began
    assert told(folder, trackers) == {}
    id = id_of(folder)
    early, late = sorted((folder / "trackers" / "wandb").glob(f"offline-run-*-{id}/run-{id}.wandb"))
    before, after = history_of(early)[-1], history_of(late)[-1]
    assert LAST.snapshot is not None
    summary = LAST.snapshot.summary
    assert after["_step"] == int(summary.worked_s) >= before["_step"]
    assert after["gleaner_orders_planned_total/fresh"] == 120.0 >= before["gleaner_orders_planned_total/fresh"]
    assert after["gleaner_yield"] == pytest.approx(summary.counts.yield_)
    assert after["gleaner_recovery_rate"] == pytest.approx(summary.counts.recovery_rate)
    records = list(records_of(late))
    (run,) = [record.run for record in records if record.WhichOneof("record_type") == "run"]
    assert (run.run_id, run.project, run.display_name) == (id, "towns", "quickstart")
    assert "task" in {update.key for update in run.config.update} and not run.git.commit
    (artefact,) = [record.artifact for record in records if record.WhichOneof("record_type") == "artifact"]
    copied = {entry.path: Path(entry.local_path) for entry in artefact.manifest.contents}
    assert set(copied) == {"report.html", "run.yaml"} and copied["report.html"].read_text() == REPORT
    assert folder in copied["report.html"].parents
    ends = [
        [r.exit.exit_code for r in records_of(path) if r.WhichOneof("record_type") == "exit"] for path in (early, late)
    ]
    assert ends == [[1], [0]]


@pytest.mark.slow
def test_a_server_that_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens: the run says so, and why."""
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    folder = folder_at(tmp_path / "run")
    with following(folder, Trackers(wandb=WandbTracker("towns"))) as followers:
        followers.tell(LAST)
        assert until(lambda: "connection refused" in str(followers.pauses), 60)
        assert "127.0.0.1:9" in followers.pauses[0].why
