"""Shards after a replay: an order that came back is in no dead-letter shard, and accepted it is in the dataset once."""

from collections.abc import Iterable
from pathlib import Path
from random import Random

import pyarrow.parquet as pq
import pytest

from actors.audit.book import OPEN
from actors.audit.findings import Findings
from actors.audit.fold import read_book
from actors.audit.verify import verify
from actors.dataset.spans import current
from actors.ledger.files import sha256_of
from actors.ledger.sqlite import LedgerReader, SqliteLedger
from actors.report.finish import finish as finish_folder
from schemas.audit import Severity
from schemas.config import Dataset
from schemas.corpus import Passage
from schemas.errors import OutputError
from schemas.ids import PoolName
from schemas.ledger import DeadLetteredEnd, Planned, Reconfigured, Record, Refused, Reopened, ShardKind, ShardWritten
from schemas.orders import DeadLetter, EndReason
from tests.actors.audit.test_fold import Run, honest
from tests.actors.dataset.conftest import NOW, WriterOf
from tests.actors.dataset.folders import keep, write_shards
from tests.actors.dataset.test_writer import FailingDisk, ages, empty, finish, ids_on_disk
from tests.actors.ledger.test_reopen import naive
from tests.doubles.attempts import orders, passage
from tests.doubles.ledgers import MemoryLedger, Scale, plausible_run
from tests.doubles.replays import put_back, replayed

FEW_ROWS = Dataset(rows_per_shard=3, flush_s=1e9)
LATER = NOW + 1000


def a_run() -> list[Record]:
    """Ten orders of thirty are dead letters."""
    return list(plausible_run(7, Scale(passages=10, max_attempts=1)))


def assert_true(output: Path, ledger: MemoryLedger) -> None:
    """Each order that ended has one row, where its last end says; each refused document too; there is nothing else."""
    state = naive(ledger.records)
    refused = [record.document.uri for record in ledger.records if isinstance(record, Refused)]
    assert sorted(ids_on_disk(output, ShardKind.DATASET)) == sorted(state["accepted"])
    assert sorted(ids_on_disk(output, ShardKind.DEAD_LETTERS)) == sorted([*state["dead"], *refused])
    shards = current([record for record in ledger.records if isinstance(record, ShardWritten)])
    assert {f"{path.parent.name}/{path.name}" for path in output.glob("*/*")} == {shard.name for shard in shards}
    assert all(sha256_of(output / shard.name) == shard.sha256 for shard in shards)
    assert not list((output / "dataset").glob("part-*-*")), "what was accepted is never written anew"


def names_of(paths: Iterable[Path]) -> set[str]:
    return {f"{path.parent.name}/{path.name}" for path in paths}


def a_folder(output: Path) -> Run:
    """A finished folder with dead letters, and its corpus."""
    made = Run(output)
    made.records, made.documents = honest(list(plausible_run(3, Scale(passages=8, max_attempts=1, refused=1))))
    return made


async def test_a_shard_without_its_reopened_orders_is_a_new_file(writer_of: WriterOf, tmp_path: Path) -> None:
    """After a replay the shards that held its orders have a second edition; all other files are as they were."""
    ledger = MemoryLedger(a_run())
    await finish(writer_of(ledger, settings=FEW_ROWS), ledger)
    before = ages(tmp_path)
    back = put_back(ledger.records, at=LATER)[2:4]
    touched = {
        record.name
        for record in ledger.records
        if isinstance(record, ShardWritten) and any(record.first_seq <= b.end_seq <= record.last_seq for b in back)
        if record.kind is ShardKind.DEAD_LETTERS
    }
    assert 0 < len(touched) < 3
    ledger.append(back)
    await finish(writer_of(ledger, settings=FEW_ROWS, now=LATER), ledger)
    assert_true(tmp_path, ledger)
    after = ages(tmp_path)
    gone, came = names_of(before.keys() - after.keys()), names_of(after.keys() - before.keys())
    assert gone == touched
    assert came == {name.replace(".parquet", "-2.parquet") for name in touched}
    assert all(after[path] == before[path] for path in before.keys() & after.keys())


@pytest.mark.parametrize("seed", range(4))
async def test_lives_and_replays_leave_one_row_an_order(seed: int, writer_of: WriterOf, tmp_path: Path) -> None:
    """Three replays, shards written after each: accepted, dead again, or still open, each order is where it ended."""
    run = replayed(a_run(), Random(seed), rounds=3)
    ledger = MemoryLedger()
    for number, record in enumerate(run):
        if isinstance(record, Reopened) and not isinstance(run[number - 1], Reopened):
            await finish(writer_of(ledger, settings=FEW_ROWS), ledger)
        ledger.append([_moved(record, ledger)])
    await finish(writer_of(ledger, settings=FEW_ROWS), ledger)
    assert_true(tmp_path, ledger)
    rows = pq.read_table(tmp_path / "dead_letters").to_pylist()
    assert any(row["attempts"] > 1 for row in rows), "the history of an order that died twice is whole"


def _moved(record: Record, ledger: MemoryLedger) -> Record:
    """The record of a ledger that also holds shards: there the undone end has another number."""
    if not isinstance(record, Reopened):
        return record
    ends = enumerate(ledger.records, 1)
    seqs = [seq for seq, end in ends if isinstance(end, DeadLetteredEnd) and end.order_id == record.order_id]
    fields = {name: getattr(record, name) for name in Reopened.__struct_fields__}
    return Reopened(**{**fields, "end_seq": seqs[-1]})


async def test_a_start_after_that_changes_nothing(writer_of: WriterOf, tmp_path: Path) -> None:
    """The next run finds every shard as it should be: no third edition."""
    ledger = MemoryLedger(a_run())
    await finish(writer_of(ledger, settings=FEW_ROWS), ledger)
    ledger.append(put_back(ledger.records, at=LATER))
    await finish(writer_of(ledger, settings=FEW_ROWS), ledger)
    length, before = len(ledger.records), ages(tmp_path)
    await finish(writer_of(ledger, settings=FEW_ROWS), ledger)
    assert (len(ledger.records), ages(tmp_path)) == (length, before)


async def test_a_lost_edition_is_written_again(writer_of: WriterOf, tmp_path: Path) -> None:
    """A second edition is torn later: it comes back byte for byte, without the orders that are gone from it."""
    ledger = MemoryLedger(a_run())
    await finish(writer_of(ledger, settings=FEW_ROWS), ledger)
    ledger.append(put_back(ledger.records, at=LATER)[:2])
    await finish(writer_of(ledger, settings=FEW_ROWS), ledger)
    edition = next(iter((tmp_path / "dead_letters").glob("part-*-2.parquet")))
    edition.write_bytes(b"torn")
    length = len(ledger.records)
    await finish(writer_of(ledger, settings=FEW_ROWS), ledger)
    assert_true(tmp_path, ledger)
    assert len(ledger.records) == length


@pytest.mark.slow
async def test_whichever_step_on_disk_fails_the_next_start_makes_it_true(writer_of: WriterOf, tmp_path: Path) -> None:
    """The disk refuses at the n-th step of taking orders out of their shards, for every n: nothing lost, none twice."""
    turn = 0
    while True:
        empty(tmp_path)
        ledger = MemoryLedger(a_run())
        await finish(writer_of(ledger, settings=FEW_ROWS), ledger)
        ledger.append(put_back(ledger.records, at=LATER)[::2])
        disk = FailingDisk(turn)
        try:
            await finish(writer_of(ledger, settings=FEW_ROWS, disk=disk), ledger)
        except OutputError as error:
            assert "No space left on device" in str(error)
        if not disk.failed:
            break
        await finish(writer_of(ledger, settings=FEW_ROWS), ledger)
        assert_true(tmp_path, ledger)
        turn += 1
    assert turn >= 8


async def test_a_death_before_the_record_leaves_an_orphan_that_goes(writer_of: WriterOf, tmp_path: Path) -> None:
    """Killed when a new edition has its name but no record: the old one counts, and the new one is made once more."""
    ledger = MemoryLedger(a_run())
    await finish(writer_of(ledger, settings=FEW_ROWS), ledger)
    old = {path: path.read_bytes() for path in ages(tmp_path) if path.parent.name == "dead_letters"}
    ledger.append(put_back(ledger.records, at=LATER))
    length = len(ledger.records)
    await finish(writer_of(ledger, settings=FEW_ROWS), ledger)
    assert len(ledger.records) > length
    del ledger.records[length:]
    for path, data in old.items():
        path.write_bytes(data)
    await finish(writer_of(ledger, settings=FEW_ROWS), ledger)
    assert_true(tmp_path, ledger)


async def test_samples_keep_the_model_that_made_them(writer_of: WriterOf, tmp_path: Path) -> None:
    """The configuration names another model since; a sample of before, written again, still names its own."""
    records = a_run()
    before = {PoolName("generator"): "old", PoolName("strong"): "older"}
    half = len(records) // 2
    ledger = MemoryLedger([*records[:half], Reconfigured(NOW, "", before, ("x: 1 → 2",)), *records[half:]])
    await finish(writer_of(ledger, settings=Dataset(rows_per_shard=1000)), ledger)
    models = [row["model"] for row in pq.read_table(tmp_path / "dataset").column("lineage").to_pylist()]
    switch = next(place for place, model in enumerate(models) if model.startswith("almanac"))
    assert {"old"} <= set(models[:switch]) <= {"old", "older"}
    assert set(models[switch:]) <= {"almanac-m", "almanac-l"}


async def test_a_folder_verifies_after_a_replay_at_each_step(tmp_path: Path) -> None:
    """Put back but shards not yet written again: a warning, no fault. Written again, and finished: it holds whole."""
    made = a_folder(tmp_path)
    await made.write()
    count = made.verify()
    back = put_back(_records(tmp_path), at=LATER)
    assert back
    with SqliteLedger(tmp_path) as ledger:
        ledger.append(back)
    for name in ("manifest.json", "checksums.txt"):
        (tmp_path / name).unlink()
    report = made.verify()
    assert report.ok, report.findings
    assert report.outstanding == len(back)
    assert any("still holds rows of orders that were put back" in finding.what for finding in report.findings)
    await write_shards(tmp_path, rows_per_shard=7)
    manifest = finish_folder(tmp_path, now=LATER, versions={})
    report = made.verify()
    assert report.ok, report.findings
    assert not [f for f in report.findings if f.severity is Severity.WARNING]
    assert report.rows == count.rows - len(back)
    assert (manifest.complete, manifest.counts.reopened, manifest.counts.dead_lettered) == (False, len(back), 0)
    assert manifest.ends == ()
    assert {shard.name for shard in manifest.shards} == names_of(ages(tmp_path))


def _records(folder: Path) -> list[Record]:
    with LedgerReader(folder) as reader:
        return [record for _, record in reader.records()]


def test_a_problem_that_was_put_back_is_its_own() -> None:
    """A math order comes back: its passage's id speaks of the reference answer too, and is found true."""
    one = passage(1)
    problem = Passage.of(one.text, one.provenance, "42")
    (order,) = orders(problem, 1)
    end = DeadLetter(EndReason.ENGINE_ERROR, "timed out")
    records = [Planned(NOW, problem, (order,)), DeadLetteredEnd(NOW, order.id, None, end)]
    findings = Findings()
    book = read_book(enumerate([*records, *put_back(records, at=LATER)], 1), findings)
    assert findings.kept == []
    assert (book.count(OPEN), book.rows[ShardKind.DEAD_LETTERS]) == (1, 0)


@pytest.mark.parametrize("forgery", ["accepted", "twice", "attempts", "passage", "end"])
async def test_a_record_that_puts_back_what_it_may_not_is_found(forgery: str, tmp_path: Path) -> None:
    """Somebody edits the ledger: an accepted order, one that is open, one with another past or passage is named."""
    made = a_folder(tmp_path)
    await made.write()
    records = _records(tmp_path)
    first, *_ = put_back(records, at=LATER)
    fields = {name: getattr(first, name) for name in Reopened.__struct_fields__}
    other = next(record for record in records if getattr(record, "passage", first.passage) != first.passage)
    accepted = next(iter(naive(records)["accepted"]))
    order = next(o for r in records for o in getattr(r, "orders", ()) if o.id == accepted)
    forged = {
        "accepted": [Reopened(**{**fields, "order": order})],
        "twice": [first, first],
        "attempts": [Reopened(**{**fields, "history": ()})],
        "passage": [Reopened(**{**fields, "passage": other.passage})],  # type: ignore[union-attr]
        "end": [Reopened(**{**fields, "end_seq": 1})],
    }[forgery]
    keep(tmp_path, forged)
    found = [f for f in made.verify().findings if f.severity is Severity.ERROR and "put back" in f.what]
    assert found[0].order_id == forged[-1].order_id


@pytest.mark.parametrize("again", ["open", "dead again"])
async def test_a_row_of_a_replayed_order_is_found_after_its_shards_new_edition(again: str, tmp_path: Path) -> None:
    """The old edition is copied over the new one and recorded so: rows that should be gone are a fault then."""
    made = a_folder(tmp_path)
    await made.write()
    old = {path.name: path.read_bytes() for path in (tmp_path / "dead_letters").glob("*.parquet")}
    back = put_back(_records(tmp_path), at=LATER)
    keep(tmp_path, back)
    await write_shards(tmp_path, rows_per_shard=7)
    edition = next(iter((tmp_path / "dead_letters").glob("part-*-2.parquet")))
    edition.write_bytes(old[edition.name.replace("-2", "")])
    rows, digest = pq.read_metadata(edition).num_rows, sha256_of(edition)
    name = f"dead_letters/{edition.name}"
    made.rewrite(
        lambda record: (
            ShardWritten(
                record.at, record.kind, name, rows, str(digest), record.first_seq, record.last_seq, record.without
            )
            if isinstance(record, ShardWritten) and record.name == name
            else record
        )
    )
    if again == "dead again":
        keep(tmp_path, [DeadLetteredEnd(LATER, record.order_id, None, record.end) for record in back])
    whats = {f.what for f in verify(tmp_path, made.read_again).findings if f.severity is Severity.ERROR}
    assert "a row of an order that did not end in dead_letters" in whats
