"""What a launch is called on a shared cluster: by the folder's own id and a token of its own, whatever the path."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from actors.ledger.sqlite import NAME, SqliteLedger
from benchmarks.loop import configuration
from deployments.ray.launch import Launch, launch_of, leftovers, new_token
from deployments.serve.deployments import names
from schemas.errors import OutputError


def launched(folder: Path) -> Launch:
    """One more launch of the folder, as a run opens it."""
    folder.mkdir(exist_ok=True)
    SqliteLedger(folder).close()
    return launch_of(folder, new_token())


def test_two_folders_of_one_path_share_no_name(tmp_path: Path) -> None:
    """Two hosts of one cluster with a local /data/run each: no pool, gate or board of one is the other's."""
    config = configuration(tmp_path / "corpus.jsonl", rejected=0.0, concurrency=1)
    one = launched(tmp_path / "run")
    shutil.rmtree(tmp_path / "run")
    other = launched(tmp_path / "run")
    here, there = names(config, one.name), names(config, other.name)
    assert {*here.all, here.board}.isdisjoint({*there.all, there.board})
    assert leftovers(one.folder, there.all) == {}


def test_two_launches_of_a_folder_share_no_name_and_know_each_others(tmp_path: Path) -> None:
    """A driver is killed and the command given again, the folder renamed in between: nothing of the first launch
    answers the second, which finds it all the same."""
    config = configuration(tmp_path / "corpus.jsonl", rejected=0.0, concurrency=1)
    one = launched(tmp_path / "Läufe-pool 1")
    (tmp_path / "Läufe-pool 1").rename(tmp_path / "run")
    other = launched(tmp_path / "run")
    assert one.folder == other.folder and one.token != other.token
    dead = names(config, one.name)
    assert {*dead.all, dead.board}.isdisjoint(names(config, other.name).all)
    assert leftovers(other.folder, dead.all) == dict.fromkeys(dead.all, one.token)


@pytest.mark.parametrize(
    "stranger",
    [
        "default",
        "run-ce77ca-pool-generator",
        "{folder}-pool-generator",
        "run-{folder}",
        "{folder}-000000000000-0123456789-pool-generator",
        "run-x{folder}-0123456789-pool-generator",
        "run-{folder}-0123456789a-pool-generator",
    ],
)
def test_another_folders_application_is_not_a_leftover(stranger: str, tmp_path: Path) -> None:
    """Whatever else is on the cluster stays, also that of a folder whose name is our id."""
    folder = launched(tmp_path / "run").folder
    assert leftovers(folder, [stranger.format(folder=folder)]) == {}


@pytest.mark.parametrize("change", ["DELETE FROM meta", "UPDATE meta SET value = '.*'"])
def test_a_ledger_without_an_id_is_refused(tmp_path: Path, change: str) -> None:
    """The id was lost or is malformed: no launch gets a name with it."""
    SqliteLedger(tmp_path).close()
    with sqlite3.connect(tmp_path / NAME) as database:
        database.execute(f"{change} WHERE key = 'folder'")
    with pytest.raises(OutputError, match="does not say which folder's"):
        launch_of(tmp_path, new_token())
