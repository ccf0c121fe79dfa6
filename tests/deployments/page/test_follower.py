"""What the page knows of a run: the terminal's own tables, however the records came, and nothing is touched."""

import os
from pathlib import Path

import pytest

from actors.ledger.folder import Ledgers
from actors.ledger.sqlite import SqliteLedger
from deployments.page.follower import STEP, FolderFollower
from deployments.page.index import SampleFilter
from deployments.terminal.reading import summary_of
from schemas.progress import Counts, Summary
from tests.doubles.ledgers import Scale, plausible_run


def read(follower: FolderFollower) -> FolderFollower:
    follower.step()
    while not follower.reading.is_whole:
        assert follower.step()
    return follower


def summary(folder: Path) -> Summary:
    with Ledgers(folder) as ledgers:
        return summary_of(ledgers)


def signs(folder: Path) -> dict[str, tuple[int, int]]:
    return {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_its_tables_are_those_of_the_terminal(tmp_path: Path) -> None:
    """The run writes while the page follows: after each piece the page says what `gleaner status` says."""
    records = list(plausible_run(5, Scale(passages=60)))
    follower = FolderFollower(tmp_path)
    with SqliteLedger(tmp_path) as ledger:
        for start in range(0, len(records), 97):
            ledger.append(records[start : start + 97])
            assert read(follower).summary == summary(tmp_path)
            assert follower.counts == follower.summary.counts
            ended = follower.counts.accepted + follower.counts.dead_lettered
            assert follower.index.found(SampleFilter()).total == ended


def test_the_counts_are_exact_before_all_is_read(tmp_path: Path) -> None:
    """A folder of a large run is opened: how many were accepted is on the first screen."""
    records = list(plausible_run(6, Scale(passages=400, finished=0.9)))
    assert len(records) > 2 * STEP
    with SqliteLedger(tmp_path) as ledger:
        ledger.append(records)
    follower = FolderFollower(tmp_path)
    assert follower.step() and not follower.reading.is_whole
    first, last = follower.counts, read(follower).counts
    fields = ("issued", "accepted", "dead_lettered", "outstanding", "not_needed", "reopened")
    assert [getattr(first, name) for name in fields] == [getattr(last, name) for name in fields]
    assert first.issued == 1200 and first.outstanding > 0


def test_nothing_new_costs_no_look_into_the_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A finished run on a screen overnight: its file is not opened four times a second."""
    with SqliteLedger(tmp_path) as ledger:
        ledger.append(list(plausible_run(7)))
    follower = read(FolderFollower(tmp_path))
    monkeypatch.setattr("deployments.page.follower.Ledgers", None)
    assert not follower.step()


def test_a_folder_without_a_run_is_said_and_looked_at_again(tmp_path: Path) -> None:
    """`gleaner run --page` shows its page before the run has made its folder."""
    folder = tmp_path / "run"
    follower = FolderFollower(folder)
    assert follower.step() and "holds no run" in follower.fault
    assert not follower.step(), "the same fault is no news"
    folder.mkdir()
    with SqliteLedger(folder) as ledger:
        ledger.append(list(plausible_run(8)))
    assert read(follower).fault == "" and follower.counts.issued == 120


def test_another_run_in_the_same_place_begins_anew(tmp_path: Path) -> None:
    """A folder is emptied and used again: no sample of the run before stays in the list."""
    with SqliteLedger(tmp_path) as ledger:
        ledger.append(list(plausible_run(9)))
    follower = read(FolderFollower(tmp_path))
    for path in tmp_path.iterdir():
        path.unlink()
    with SqliteLedger(tmp_path) as ledger:
        ledger.append(list(plausible_run(10, Scale(passages=3))))
    assert read(follower).index.counted == 9 and follower.counts.issued == 9


def test_it_writes_nothing_and_keeps_nothing_open(tmp_path: Path) -> None:
    """The run may end, be moved or be deleted under the page: no file of it is held."""
    with SqliteLedger(tmp_path) as ledger:
        ledger.append(list(plausible_run(11)))
    before = signs(tmp_path)
    follower = read(FolderFollower(tmp_path))
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert not [link for link in links if os.readlink(link).startswith(str(tmp_path))]
    after = {name: sign for name, sign in signs(tmp_path).items() if not name.endswith(("-wal", "-shm"))}
    assert after == before and follower.counts != Counts()


def test_a_changed_configuration_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`gleaner replay --config` puts another run.yaml there: prices and name are its. One that stays is read once."""
    write_config = (tmp_path / "run.yaml").write_text
    text = (Path(__file__).parents[3] / "examples" / "quickstart.yaml").read_text()
    with SqliteLedger(tmp_path) as ledger:
        ledger.append(list(plausible_run(12, Scale(passages=3))))
    write_config(text.replace("name: quickstart", "name: first"))
    follower = read(FolderFollower(tmp_path))
    assert follower.config is not None and follower.config.name == "first"
    write_config(text.replace("name: quickstart", "name: second"))
    assert read(follower).config is not None and follower.config.name == "second"
    monkeypatch.setattr("deployments.page.follower.read_config", None)
    with SqliteLedger(tmp_path) as ledger:
        ledger.append(list(plausible_run(13, Scale(passages=3, refused=0))))
    assert read(follower).fault == "" and follower.counts.issued == 18
