"""Shards on their way to a sink: in order, at least once, whatever the sink does and whenever the process dies."""

import asyncio
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.dataset.courier import END_S, LONGEST_WAIT_S, SLOW_S, Courier, CourierClock, SinkPlace
from actors.dataset.deliveries import undelivered
from actors.dataset.sinks import rows_of
from actors.dataset.spans import current
from actors.dataset.writer import DatasetWriter
from actors.ledger.door import DELIVERED, check_folder
from actors.ledger.files import LOCAL_DISK, Folder
from schemas.config import Dataset
from schemas.errors import OutputError
from schemas.ledger import ShardKind, ShardWritten
from schemas.queue_shard import ONLY
from schemas.sinks import OutgoingShard
from tests.actors.dataset.conftest import NOW, WORDING, shards_of
from tests.actors.dataset.test_writer import FailingDisk, ids_in
from tests.doubles.ledgers import MemoryLedger, Scale, plausible_run

FOLDER = "0123456789ab"


class Died(BaseException):
    """The process has died: no code catches this."""


class Shelf:
    """A sink that keeps what it was given. The first `failing` deliveries fail. After `dies` deliveries the process
    ends, before the last one is noted."""

    def __init__(self, failing: int = 0, dies: int | None = None) -> None:
        self.kept: dict[str, list[str]] = {}
        self.order: list[str] = []
        self.tries = 0
        self.closed = 0
        self._failing = failing
        self._dies = dies

    async def deliver(self, shard: OutgoingShard) -> None:
        self.tries += 1
        if self._failing:
            self._failing -= 1
            raise ConnectionError("the lake is away")
        self.kept[shard.name] = [row["id"] for row in rows_of(shard)]
        self.order.append(shard.name)
        if self._dies is not None and len(self.order) >= self._dies:
            raise Died

    def close(self) -> None:
        self.closed += 1


class Time:
    """Time that passes where somebody waits."""

    def __init__(self) -> None:
        self.at = 0.0
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)
        self.at += seconds

    @property
    def clock(self) -> CourierClock:
        return CourierClock(lambda: NOW + self.at, lambda: self.at, self.sleep)


async def written(output: Path, *, rows: int = 7) -> tuple[MemoryLedger, list[ShardWritten]]:
    """A folder with all its shards."""
    ledger = MemoryLedger(list(plausible_run(13, Scale(passages=12))))

    async def record(shard: ShardWritten) -> None:
        ledger.append([shard])

    bounds = Dataset(rows_per_shard=rows, flush_s=1e9)
    writer = DatasetWriter(Folder(output), ledger, WORDING, settings=bounds, record=record, clock=lambda: NOW)
    await writer.start(())
    await writer.flush()
    writer.close()
    return ledger, current(shards_of(ledger))


def courier_of(output: Path, make: Callable[[], Any], passing: Time | None = None) -> Courier:
    return Courier(SinkPlace("lake", make), Folder(output), FOLDER, (passing or Time()).clock)


async def delivered(courier: Courier, shards: list[ShardWritten]) -> None:
    courier.expect(shards)
    courier.end()
    await asyncio.wait_for(courier.run(), 20)


def names(shards: list[ShardWritten]) -> list[str]:
    return [f"{FOLDER}-{Path(s.name).name}" for s in shards if s.kind is ShardKind.DATASET and s.rows]


async def test_every_accepted_row_comes_in_order_and_nothing_else(tmp_path: Path) -> None:
    """Dead letters are no sink's affair; the run's own record says which rows there are."""
    ledger, shards = await written(tmp_path)
    shelf = Shelf()
    await delivered(courier_of(tmp_path, lambda: shelf), shards)
    assert shelf.order == names(shards) and len(shelf.order) > 3
    assert [row for name in shelf.order for row in shelf.kept[name]] == ids_in(ledger, ShardKind.DATASET)
    assert shelf.closed == 1
    assert undelivered(tmp_path, ["lake"], [(ONLY, shard) for shard in shards]) == {}
    check_folder(tmp_path)


async def test_what_is_delivered_is_not_delivered_again(tmp_path: Path) -> None:
    """The next run of the folder: only what is new, or what has other bytes under its name."""
    _, shards = await written(tmp_path)
    await delivered(courier_of(tmp_path, Shelf), shards)
    shelf = Shelf()
    await delivered(courier_of(tmp_path, lambda: shelf), shards)
    assert (shelf.order, shelf.closed) == ([], 0)
    rewritten = ShardWritten(NOW, ShardKind.DATASET, shards[0].name, shards[0].rows, "f" * 64, shards[0].first_seq, 9)
    await delivered(courier_of(tmp_path, lambda: shelf), [*shards, rewritten])
    assert shelf.order == names(shards)[:1]


async def test_a_sink_that_fails_is_tried_again_with_longer_waits(tmp_path: Path) -> None:
    """Its error and its backlog are shown at once; then it continues where it stopped."""
    _, shards = await written(tmp_path)
    shelf, passing = Shelf(failing=9), Time()
    courier = courier_of(tmp_path, lambda: shelf, passing)
    courier.expect(shards)
    task = asyncio.create_task(courier.run())
    while shelf.tries < 9:
        await asyncio.sleep(0)
        if shelf.tries == 2 and courier.pause is not None:
            assert courier.pause.name == "sink lake"
            assert courier.pause.since == NOW
            assert courier.pause.why.startswith(f"{len(names(shards))} shards not delivered: ConnectionError: the lake")
    assert passing.waits[:8] == [1, 2, 4, 8, 16, 32, LONGEST_WAIT_S, LONGEST_WAIT_S]
    courier.end()
    await asyncio.wait_for(task, 20)
    assert courier.pause is None
    assert shelf.order == names(shards)


async def test_a_run_that_is_over_waits_a_little(tmp_path: Path) -> None:
    """Then it ends, and says which shards the sink lacks; nothing is lost."""
    _, shards = await written(tmp_path)
    shelf, passing = Shelf(failing=1_000_000), Time()
    await delivered(courier_of(tmp_path, lambda: shelf, passing), shards)
    assert END_S <= passing.at <= END_S + 1
    lacks = undelivered(tmp_path, ["lake"], [(ONLY, shard) for shard in shards])
    assert lacks == {"lake": tuple(shard.name for shard in shards if shard.kind is ShardKind.DATASET and shard.rows)}


async def test_a_sink_that_cannot_be_made_is_a_sink_that_fails(tmp_path: Path) -> None:
    """Its server may be away when the run begins; each failure has a new one made."""
    _, shards = await written(tmp_path)
    made: list[Shelf] = []

    def make() -> Shelf:
        made.append(Shelf(failing=1 if len(made) == 1 else 0))
        if len(made) == 1:
            raise OSError("no route")
        return made[-1]

    await delivered(courier_of(tmp_path, make), shards)
    assert [len(shelf.order) for shelf in made] == [0, 0, len(names(shards))]
    assert [shelf.closed for shelf in made] == [0, 1, 1]


async def test_a_sink_that_does_not_answer_is_reported(tmp_path: Path) -> None:
    """A slow or hanging sink is reported within ten seconds, and the loop goes on meanwhile."""
    _, shards = await written(tmp_path)
    free, passing = threading.Event(), Time()

    class Hangs:
        def deliver(self, shard: OutgoingShard) -> None:
            free.wait(10)

    courier = courier_of(tmp_path, Hangs, passing)
    courier.expect(shards)
    task = asyncio.create_task(courier.run())
    await asyncio.sleep(0.05)
    assert courier.pause is None
    passing.at += SLOW_S
    assert courier.pause is not None and "has not answered yet" in courier.pause.why
    free.set()
    courier.end()
    await asyncio.wait_for(task, 20)


async def test_a_sink_that_hangs_ends_no_run(tmp_path: Path) -> None:
    """When the run is over it is waited for a little, then named with what it lacks."""
    _, shards = await written(tmp_path)
    free, passing = threading.Event(), Time()

    class Hangs:
        def deliver(self, shard: OutgoingShard) -> None:
            free.wait(20)

    courier = courier_of(tmp_path, Hangs, passing)
    courier.expect(shards)
    task = asyncio.create_task(courier.run())
    await asyncio.sleep(0.05)
    courier.end()
    passing.at += END_S
    await asyncio.wait_for(task, 10)
    free.set()
    assert courier.pause is not None and "TimeoutError: it has not answered for 20 s" in courier.pause.why
    assert undelivered(tmp_path, ["lake"], [(ONLY, shard) for shard in shards])["lake"]


async def test_a_sink_that_blocks_its_loop_blocks_no_other(tmp_path: Path) -> None:
    """An async sink that does not await: the writer's loop still runs, and what one call makes is usable in the
    next."""
    _, shards = await written(tmp_path)
    loops: list[asyncio.AbstractEventLoop] = []

    class Holds:
        async def deliver(self, shard: OutgoingShard) -> None:
            loops.append(asyncio.get_running_loop())
            time.sleep(0.2)  # noqa: ASYNC251 - which is its fault

    begun, lag_s = time.monotonic(), 0.0
    task = asyncio.create_task(delivered(courier_of(tmp_path, Holds), shards))
    while not task.done():
        before = time.monotonic()
        await asyncio.sleep(0.001)
        lag_s = max(lag_s, time.monotonic() - before)
    await task
    assert time.monotonic() - begun > 0.2 * len(loops) > 0.5
    assert lag_s < 0.15
    assert len(set(loops)) == 1 and loops[0] is not asyncio.get_running_loop()


async def test_a_folder_that_cannot_be_written_is_the_runs_to_say(tmp_path: Path) -> None:
    """A full disk is no sink's failure."""
    _, shards = await written(tmp_path)
    courier = Courier(SinkPlace("lake", Shelf), Folder(tmp_path, FailingDisk(2)), FOLDER, Time().clock)
    with pytest.raises(OutputError, match="cannot write"):
        await delivered(courier, shards)


@pytest.mark.parametrize("content", [b"", b"{", b'[{"name": 7}]', b"\xff\xfe"])
async def test_a_memory_that_is_lost_costs_deliveries_and_no_rows(content: bytes, tmp_path: Path) -> None:
    """A torn file of an older disk, or somebody's editor."""
    _, shards = await written(tmp_path)
    await delivered(courier_of(tmp_path, Shelf), shards)
    (tmp_path / DELIVERED / "lake.0.json").write_bytes(content)
    shelf = Shelf()
    await delivered(courier_of(tmp_path, lambda: shelf), shards)
    assert shelf.order == names(shards)


RECORDS = list(plausible_run(13, Scale(passages=8)))
LIVES = st.lists(
    st.tuples(
        st.lists(st.integers(0, 20), max_size=4),
        st.integers(0, 60),
        st.integers(0, 3),
        st.none() | st.integers(1, 4),
        st.booleans(),
    ),
    max_size=5,
)


async def live(
    ledger: MemoryLedger, output: Path, lake: dict[str, list[str]], shelf: Shelf, ends: list[int], disk: Any
) -> None:
    """One process with a writer and a courier. The disk or the process fails at a chosen step. The sink keeps all
    deliveries."""
    shelf.kept = lake
    folder = Folder(output, disk)
    courier = Courier(SinkPlace("lake", lambda: shelf), folder, FOLDER, Time().clock)

    async def record(shard: ShardWritten) -> None:
        ledger.append([shard])
        courier.expect([shard])

    bounds = Dataset(rows_per_shard=7, flush_s=1e9)
    writer = DatasetWriter(folder, ledger, WORDING, settings=bounds, record=record, clock=lambda: NOW)
    task = None
    try:
        await writer.start(shards_of(ledger))
        courier.expect(current(shards_of(ledger)))
        task = asyncio.create_task(courier.run())
        for batch in ends:
            told = len(ledger.records) - sum(isinstance(kept, ShardWritten) for kept in ledger.records)
            ledger.append(RECORDS[told : told + batch])
            await writer.step()
            await asyncio.sleep(0)
        await writer.flush()
        courier.end()
        await asyncio.wait_for(task, 20)
    finally:
        writer.close()
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(LIVES)
def test_however_often_it_dies_the_sink_has_every_row(lives: list[Any]) -> None:
    """Kills between a delivery and its memory, full disks, sinks that fail, memories that are lost; then one good run:
    what lies at the sink is exactly the dataset, each shard under its one name."""
    with tempfile.TemporaryDirectory() as name:
        ledger, output, lake = MemoryLedger(), Path(name), dict[str, list[str]]()
        for ends, disk_steps, failing, dies, forgets in lives:
            with suppress(OutputError, Died):
                asyncio.run(live(ledger, output, lake, Shelf(failing, dies), ends, FailingDisk(disk_steps)))
            if forgets and (memory := output / DELIVERED / "lake.0.json").exists():
                memory.write_bytes(b"[")
            recorded = {f"{FOLDER}-{Path(shard.name).name}" for shard in shards_of(ledger)}
            assert set(lake) <= recorded, "a shard came before its record"
        asyncio.run(live(ledger, output, lake, Shelf(), [len(RECORDS)], LOCAL_DISK))
        assert [row for key in sorted(lake) for row in lake[key]] == ids_in(ledger, ShardKind.DATASET)
        assert undelivered(output, ["lake"], [(ONLY, shard) for shard in shards_of(ledger)]) == {}
