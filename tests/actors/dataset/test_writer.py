"""The DatasetWriter: every end in exactly one shard, whatever happened to the process or the disk in between."""

import asyncio
import errno
import shutil
from pathlib import Path
from typing import BinaryIO

import pyarrow.parquet as pq
import pytest

from actors.dataset.rows import DEAD_LETTER_SCHEMA, SAMPLE_SCHEMA
from actors.dataset.writer import DatasetWriter
from actors.ledger.files import LocalDisk, sha256_of
from schemas.config import Dataset
from schemas.errors import LedgerError, OutputError
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Refused, ShardKind
from schemas.orders import Order, OrderKind
from tests.actors.dataset.conftest import NOW, WriterOf, shards_of
from tests.doubles.ledgers import STARTED_AT, MemoryLedger, Scale, plausible_run

SMALL_SHARDS = Dataset(rows_per_shard=20, flush_s=30.0)


def a_ledger(**scale: float) -> MemoryLedger:
    return MemoryLedger(list(plausible_run(7, Scale(**scale))))  # type: ignore[arg-type]


def ids_on_disk(output: Path, kind: ShardKind) -> list[str]:
    tables = [pq.read_table(path) for path in sorted((output / kind.value).glob("part-*.parquet"))]
    return [row_id for table in tables for row_id in table.column("id").to_pylist()]


def ids_in(ledger: MemoryLedger, kind: ShardKind) -> list[str]:
    ends = [end for _, end in ledger.ends(kind, 0, 1_000_000)]
    return [end.document.uri if isinstance(end, Refused) else end.order_id for end in ends]


def ages(output: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in output.glob("*/*.parquet")}


def empty(output: Path) -> None:
    for leftover in [*output.glob("*/*"), *output.glob("*/.*")]:
        leftover.unlink()


def assert_exact(output: Path, ledger: MemoryLedger) -> None:
    """Every end once, in order; every file recorded with its checksum; nothing else in the folders."""
    recorded = {shard.name: shard for shard in shards_of(ledger)}
    on_disk = {f"{path.parent.name}/{path.name}" for path in output.glob("*/*")}
    assert on_disk == set(recorded)
    for name, shard in recorded.items():
        assert sha256_of(output / name) == shard.sha256
    for kind in ShardKind:
        assert ids_on_disk(output, kind) == ids_in(ledger, kind)


async def finish(writer: DatasetWriter, ledger: MemoryLedger) -> None:
    try:
        await writer.start(shards_of(ledger))
        await writer.flush()
    finally:
        writer.close()


async def test_a_whole_run_reaches_the_folder(writer_of: WriterOf, tmp_path: Path) -> None:
    """The run ends: accepted samples and dead letters lie in numbered shards of the asked size, each recorded."""
    ledger = a_ledger(passages=40)
    await finish(writer_of(ledger, settings=SMALL_SHARDS), ledger)
    assert_exact(tmp_path, ledger)
    sizes = [shard.rows for shard in shards_of(ledger) if shard.kind is ShardKind.DATASET]
    assert len(sizes) > 2
    assert all(size == 20 for size in sizes[:-1])
    assert pq.read_schema(tmp_path / "dataset/part-00000.parquet").equals(SAMPLE_SCHEMA)
    assert pq.read_schema(tmp_path / "dead_letters/part-00000.parquet").equals(DEAD_LETTER_SCHEMA)


async def test_a_shard_waits_until_it_is_full_or_old(writer_of: WriterOf) -> None:
    """Few samples come in: no shard for each, but none waits longer than flush_s either."""
    ledger = a_ledger(passages=2, refused=0)
    newest = max(end.at for _, end in ledger.ends(ShardKind.DATASET, 0, 100))
    early = writer_of(ledger, settings=Dataset(rows_per_shard=100, flush_s=60.0), now=newest + 1)
    await early.start(())
    await early.step()
    early.close()
    assert shards_of(ledger) == []
    late = writer_of(ledger, settings=Dataset(rows_per_shard=100, flush_s=60.0), now=newest + 61)
    await late.start(())
    await late.step()
    late.close()
    assert {shard.kind for shard in shards_of(ledger)} >= {ShardKind.DATASET}


async def test_the_loop_writes_while_the_run_goes_on_and_stops_when_cancelled(
    writer_of: WriterOf, tmp_path: Path
) -> None:
    """The run is interrupted while the writer waits or writes; a flush afterwards finishes exactly."""
    records = list(plausible_run(3, Scale(passages=30)))
    ledger = MemoryLedger(records[:100])
    writer = writer_of(ledger, settings=Dataset(rows_per_shard=5, flush_s=1e9))
    await writer.start(())
    task = asyncio.create_task(writer.run(0.001))
    while len(shards_of(ledger)) < 3:  # noqa: ASYNC110 - the ledger has no event to wait for
        await asyncio.sleep(0.001)
    ledger.append(records[100:])
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await writer.flush()
    writer.close()
    assert_exact(tmp_path, ledger)


async def test_a_resumed_run_continues_with_the_next_number(writer_of: WriterOf, tmp_path: Path) -> None:
    """A second process finds shards of the first and adds to them; the first's files are not touched."""
    records = list(plausible_run(5, Scale(passages=30)))
    ledger = MemoryLedger(records[:80])
    await finish(writer_of(ledger, settings=SMALL_SHARDS), ledger)
    before = ages(tmp_path)
    ledger.append(records[80:])
    await finish(writer_of(ledger, settings=SMALL_SHARDS), ledger)
    assert_exact(tmp_path, ledger)
    assert before.items() <= ages(tmp_path).items()


async def test_a_lost_and_a_torn_shard_are_written_again_byte_for_byte(writer_of: WriterOf, tmp_path: Path) -> None:
    """Someone deletes a shard, a bad disk tears another: the next start restores both from the ledger."""
    ledger = a_ledger(passages=40)
    await finish(writer_of(ledger, settings=SMALL_SHARDS), ledger)
    length = len(ledger.records)
    (tmp_path / "dataset/part-00001.parquet").unlink()
    torn = tmp_path / "dead_letters/part-00000.parquet"
    torn.write_bytes(torn.read_bytes()[:100])
    await finish(writer_of(ledger, settings=SMALL_SHARDS), ledger)
    assert_exact(tmp_path, ledger)
    assert len(ledger.records) == length


async def test_temporary_files_go_and_other_files_stay(writer_of: WriterOf, tmp_path: Path) -> None:
    """A crash left a half-written shard, a file only looks like a shard, and the user left a note."""
    ledger = a_ledger(passages=10)
    folder = tmp_path / "dataset"
    folder.mkdir()
    (folder / "part-00007.parquet").write_bytes(b"stranger")
    (folder / ".part-00000.parquet.writing").write_bytes(b"half")
    (folder / "notes.txt").write_text("mine")
    await finish(writer_of(ledger, settings=SMALL_SHARDS), ledger)
    assert (folder / "notes.txt").read_text() == "mine"
    (folder / "notes.txt").unlink()
    (aside,) = (tmp_path / "aside").iterdir()
    assert (aside / "part-00007.parquet").read_bytes() == b"stranger"
    shutil.rmtree(tmp_path / "aside")
    assert_exact(tmp_path, ledger)


async def test_a_probe_never_reaches_a_shard(writer_of: WriterOf, tmp_path: Path) -> None:
    """A labelled sample goes through the live gates and is accepted: it is in the ledger, in no shard."""
    records = list(plausible_run(9, Scale(passages=5)))
    plan = next(record for record in records if isinstance(record, Planned))
    probe = Order(plan.orders[0].id, plan.passage.id, "grounded_answer", 0, OrderKind.PROBE)
    marked = Planned(at=plan.at, passage=plan.passage, orders=(probe, *plan.orders[1:]))
    ledger = MemoryLedger([marked if record is plan else record for record in records])
    await finish(writer_of(ledger, settings=SMALL_SHARDS), ledger)
    everything = ids_on_disk(tmp_path, ShardKind.DATASET) + ids_on_disk(tmp_path, ShardKind.DEAD_LETTERS)
    ended = ids_in(ledger, ShardKind.DATASET) + ids_in(ledger, ShardKind.DEAD_LETTERS)
    assert sorted(everything) == sorted(set(ended) - {probe.id})


class FailingDisk(LocalDisk):
    """Refuses the `turn`-th change of the file system and all after it, as a full disk or a killed process does."""

    def __init__(self, turn: int, error: int = errno.ENOSPC) -> None:
        self._turns_left = turn
        self._error = error
        self.failed = False

    def _take_turn(self) -> None:
        self._turns_left -= 1
        if self._turns_left < 0:
            self.failed = True
            raise OSError(self._error, "No space left on device")

    def create(self, path: Path) -> BinaryIO:
        self._take_turn()
        return super().create(path)

    def sync(self, file: BinaryIO) -> None:
        self._take_turn()
        super().sync(file)

    def rename(self, source: Path, target: Path) -> None:
        self._take_turn()
        super().rename(source, target)

    def sync_folder(self, path: Path) -> None:
        self._take_turn()
        super().sync_folder(path)

    def remove(self, path: Path) -> None:
        self._take_turn()
        super().remove(path)


async def test_whichever_step_on_disk_fails_the_next_start_makes_it_exact(writer_of: WriterOf, tmp_path: Path) -> None:
    """The disk is full at the n-th step, for every n: one clear line, and with room again nothing is lost or twice."""
    turn = 0
    while True:
        ledger = a_ledger(passages=12)
        empty(tmp_path)
        disk = FailingDisk(turn)
        try:
            await finish(writer_of(ledger, settings=SMALL_SHARDS, disk=disk), ledger)
        except OutputError as error:
            assert "No space left on device" in str(error) and "\n" not in str(error)
            assert any(f"/{kind.value}" in str(error) for kind in ShardKind), "neither folder nor file is named"
        if not disk.failed:
            break
        await finish(writer_of(ledger, settings=SMALL_SHARDS), ledger)
        assert_exact(tmp_path, ledger)
        turn += 1
    assert turn >= 8


async def test_a_record_that_is_never_made_loses_nothing(writer_of: WriterOf, tmp_path: Path) -> None:
    """The process dies after the rename and before the record: an orphan, and its ends are written again."""
    ledger = a_ledger(passages=12)
    await finish(writer_of(ledger, settings=SMALL_SHARDS), ledger)
    ledger.records.pop()
    await finish(writer_of(ledger, settings=SMALL_SHARDS), ledger)
    assert_exact(tmp_path, ledger)


async def test_a_ledger_that_lost_rows_is_not_papered_over(writer_of: WriterOf, tmp_path: Path) -> None:
    """A shard is gone and the ledger no longer holds its ends: the writer says so instead of writing fewer rows."""
    ledger = a_ledger(passages=12)
    await finish(writer_of(ledger, settings=SMALL_SHARDS), ledger)
    index = next(i for i, record in enumerate(ledger.records) if isinstance(record, AcceptedEnd))
    ledger.records[index] = Refused(
        at=STARTED_AT, document=next(r for r in ledger.records if isinstance(r, Refused)).document
    )
    (tmp_path / "dataset/part-00000.parquet").unlink()
    writer = writer_of(ledger, settings=SMALL_SHARDS)
    with pytest.raises(LedgerError, match="rows"):
        await writer.start(shards_of(ledger))
    writer.close()


async def test_an_output_that_is_a_file_is_the_users_mistake(writer_of: WriterOf, tmp_path: Path) -> None:
    """Where the folder should be lies a file: one line, no traceback to read."""
    (tmp_path / "dataset").write_text("in the way")
    writer = writer_of(a_ledger(passages=1), settings=SMALL_SHARDS)
    with pytest.raises(OutputError, match="dataset"):
        await writer.start(())
    writer.close()


def test_the_run_used_here_has_every_kind_of_end() -> None:
    """A test over a run without recoveries or dead letters would prove little."""
    ledger = a_ledger(passages=40)
    assert len(ledger.ends(ShardKind.DATASET, 0, 10_000)) > 60
    kinds = {type(end) for _, end in ledger.ends(ShardKind.DEAD_LETTERS, 0, 10_000)}
    assert kinds == {DeadLetteredEnd, Refused}
    assert max(end.at for _, end in ledger.ends(ShardKind.DATASET, 0, 10_000)) < NOW
