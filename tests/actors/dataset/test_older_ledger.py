"""A ledger that is older than the shards beside it: noticed and refused in one line, and no shard is removed."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.dataset.strangers import check_not_older
from actors.ledger.reopen import ReplayRequest
from actors.ledger.sqlite import NAME, SqliteLedger
from actors.report.finish import build_report, finish
from deployments.config.load import load
from deployments.folder.output import prepare
from deployments.folder.replay import foresee
from schemas.errors import OutputError
from schemas.ledger import Record, RunStarted
from tests.actors.dataset.conftest import NOW
from tests.actors.dataset.folders import keep, write_shards
from tests.actors.dataset.test_finish import CONFIG
from tests.doubles.ledgers import Scale, plausible_run

RECORDS = tuple(plausible_run(3, Scale(passages=8, refused=1)))
HALF = len(RECORDS) // 2
OLDER = "the ledger is older than its shards"
Refusing = Callable[[Path], object]


def shards(output: Path) -> dict[str, bytes]:
    return {str(path.relative_to(output)): path.read_bytes() for path in output.glob("*/part-*.parquet")}


def begin(output: Path, records: tuple[Record, ...]) -> None:
    output.mkdir()
    (output / "run.yaml").write_text(CONFIG)
    keep(output, records)


async def run_of(output: Path, records: tuple[Record, ...]) -> None:
    begin(output, records)
    await write_shards(output, rows_per_shard=7)


def cut(output: Path, last_seq: int) -> None:
    """The ledger as it was at that record."""
    database = sqlite3.connect(output / NAME)
    database.execute("DELETE FROM records WHERE seq > ?", (last_seq,))
    database.execute("DELETE FROM orders WHERE seq > ?", (last_seq,))
    database.commit()
    database.close()


async def start(output: Path) -> None:
    """The writer's start, as the next run does it."""
    await write_shards(output, rows_per_shard=7)


async def test_a_killed_folder_copied_without_its_wal_is_refused(tmp_path: Path) -> None:
    """rsync of *.sqlite after a kill -9: what was committed lies in the -wal, and the shards are ahead of the copy."""
    output, copy = tmp_path / "run", tmp_path / "copy"
    await run_of(output, RECORDS[:HALF])
    with SqliteLedger(output) as ledger:  # open, as at the kill: nothing is brought from the -wal into the ledger
        ledger.append(RECORDS[HALF:])
        shutil.copytree(output, copy)
    lost = tmp_path / "whole"
    await run_of(lost, RECORDS)
    for name in ("dataset", "dead_letters"):
        shutil.rmtree(copy / name)
        shutil.copytree(lost / name, copy / name)
    for leftover in (f"{NAME}-wal", f"{NAME}-shm"):
        (copy / leftover).unlink()
    before = shards(copy)
    with pytest.raises(OutputError, match=OLDER):
        await start(copy)
    assert shards(copy) == before


DOORS: dict[str, Refusing] = {
    "run": lambda output: prepare(load(output / "run.yaml"), output),
    "writer": lambda output: asyncio.run(start(output)),
    "replay": lambda output: foresee(output, ReplayRequest(), None),
    "report": lambda output: build_report(output, NOW),
    "finish": lambda output: finish(output, now=NOW, versions={}),
}


@pytest.mark.parametrize("door", DOORS)
def test_an_older_backup_under_a_killed_folder_is_refused(tmp_path: Path, door: str) -> None:
    """Last night's ledger was restored and no manifest is there yet: what the shards say of themselves shows it."""
    output = tmp_path / "run"
    asyncio.run(run_of(output, RECORDS))
    cut(output, HALF)
    before = shards(output)
    with pytest.raises(OutputError, match=OLDER) as refused:
        DOORS[door](output)
    assert "\n" not in str(refused.value) and "ledger.sqlite-wal" in str(refused.value)
    assert shards(output) == before


def go_on_otherwise(output: Path) -> None:
    """The ledger as it was in the middle, and what came after that in another life."""
    cut(output, HALF)
    keep(output, (RunStarted(NOW, "again", {}), *RECORDS[HALF:]))


@pytest.mark.parametrize("door", DOORS)
def test_a_ledger_that_was_cut_and_went_on_is_refused(tmp_path: Path, door: str) -> None:
    """Last night's ledger was restored, and an earlier program went on with it: it is as long as it was, and holds
    other records than the shards rest on."""
    output = tmp_path / "run"
    asyncio.run(run_of(output, RECORDS))
    go_on_otherwise(output)
    before = shards(output)
    with pytest.raises(OutputError, match=OLDER) as refused:
        DOORS[door](output)
    assert "\n" not in str(refused.value) and "are not the records that it was written from" in str(refused.value)
    assert shards(output) == before


@pytest.mark.parametrize("went_on", [False, True])
@pytest.mark.parametrize("door", [door for door in DOORS if door != "writer"])
def test_a_manifest_knows_the_ledger_that_it_counts(tmp_path: Path, door: str, went_on: bool) -> None:
    """The records that were lost are in no shard: nothing but manifest.json knows of them."""
    output = tmp_path / "run"
    asyncio.run(run_of(output, RECORDS))
    with SqliteLedger(output) as ledger:
        last = ledger.append([RunStarted(NOW, "a start", {})])
    finish(output, now=NOW, versions={})
    cut(output, last - 1)
    if went_on:
        keep(output, (RunStarted(NOW, "another start", {}),))
    with pytest.raises(OutputError, match=f"manifest.json: .* {last}"):
        DOORS[door](output)


async def test_a_shard_of_another_life_is_not_written_over(tmp_path: Path) -> None:
    """The lost shards were found and copied back over those of the life that went on without them: their rows are
    nowhere else, so the ledger's own are not written in their place."""
    output, other = tmp_path / "run", tmp_path / "other"
    await run_of(output, RECORDS)
    shutil.copytree(output, other)
    shutil.rmtree(other / "dataset")
    shutil.rmtree(other / "dead_letters")
    go_on_otherwise(other)
    await start(other)
    name = max(path.name for path in (other / "dataset").iterdir())
    shutil.copy(output / "dataset" / name, other / "dataset" / name)
    before = shards(other)
    with pytest.raises(OutputError, match="are not the records that it was written from"):
        await start(other)
    assert shards(other) == before


@pytest.mark.parametrize("door", [door for door in DOORS if door != "writer"])
def test_an_older_backup_under_a_complete_folder_is_refused(tmp_path: Path, door: str) -> None:
    """Shards of an earlier program say nothing, but manifest.json and checksums.txt name them."""
    output = tmp_path / "run"
    asyncio.run(run_of(output, RECORDS))
    finish(output, now=NOW, versions={})
    cut(output, HALF)
    for path in output.glob("*/part-*.parquet"):
        path.write_bytes(b"as an earlier program wrote it")
    with pytest.raises(OutputError, match=OLDER):
        DOORS[door](output)


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize("door", [door for door in DOORS if door != "writer"])
async def test_shards_without_any_ledger_are_refused(tmp_path: Path, door: str, finished: bool) -> None:
    """ledger.sqlite was not copied at all: no new run begins over the rows of the old one."""
    output = tmp_path / "run"
    await run_of(output, RECORDS)
    if finished:
        finish(output, now=NOW, versions={})
    (output / NAME).unlink()
    before = shards(output)
    with pytest.raises(OutputError, match=f"{NAME} is missing"):
        DOORS[door](output)
    assert shards(output) == before


async def test_a_ledger_of_another_run_is_refused(tmp_path: Path) -> None:
    """Two folders were mixed: the ledger is longer than the shards need, and still not theirs."""
    output, other = tmp_path / "run", tmp_path / "other"
    await run_of(output, RECORDS)
    begin(other, tuple(plausible_run(4, Scale(passages=30))))
    for name in (NAME, f"{NAME}-wal", f"{NAME}-shm"):
        (output / name).unlink(missing_ok=True)
    (other / NAME).replace(output / NAME)
    before = shards(output)
    with pytest.raises(OutputError, match="another ledger"):
        check_not_older(output)
    with pytest.raises(OutputError, match="another ledger"):
        await start(output)
    assert shards(output) == before


async def test_an_unrecorded_shard_of_a_crash_is_written_again(tmp_path: Path) -> None:
    """Killed between rename and record: its ends are all in the ledger, so it goes and comes again as it was."""
    output = tmp_path / "run"
    await run_of(output, RECORDS)
    before = shards(output)
    with SqliteLedger(output) as ledger:
        last = max(seq for seq, record in ledger.records() if getattr(record, "sha256", None))
    cut(output, last - 1)
    check_not_older(output)
    await start(output)
    assert shards(output) == before
    assert not (output / "aside").exists()


async def test_an_unknown_shard_is_moved_aside_and_kept(tmp_path: Path) -> None:
    """A copy of a shard, and a file that is not a shard: both are kept, where a glob over the folder does not find
    them."""
    output = tmp_path / "run"
    await run_of(output, RECORDS)
    before = shards(output)
    whole = (output / "dataset/part-00000.parquet").read_bytes()
    (output / "dataset/part-00050.parquet").write_bytes(whole)
    (output / "dataset/part-00051.parquet").write_bytes(b"what is this")
    await start(output)
    assert shards(output) == before
    aside = {path.name: path.read_bytes() for path in (output / "aside/dataset").iterdir()}
    assert aside == {"part-00050.parquet": whole, "part-00051.parquet": b"what is this"}
    (output / "dataset/part-00051.parquet").write_bytes(b"again")
    await start(output)
    assert (output / "aside/dataset/part-00051.1.parquet").read_bytes() == b"again"
