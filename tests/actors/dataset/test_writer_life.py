"""The DatasetWriter over many lives: ends come, processes die at any step, and the folder is exact in the end."""

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.dataset.writer import DatasetWriter
from actors.ledger.files import Folder
from schemas.config import Dataset
from schemas.errors import OutputError
from schemas.ledger import ShardWritten
from tests.actors.dataset.conftest import NOW, WORDING, shards_of
from tests.actors.dataset.test_writer import FailingDisk, assert_exact
from tests.doubles.ledgers import MemoryLedger, Scale, plausible_run

RECORDS = list(plausible_run(13, Scale(passages=8)))
NEVER = 1_000_000


class Died(Exception):
    """The process is gone before its record is durable."""


class UnsyncedDisk(FailingDisk):
    """Without the wait for the platter: a died process here takes no page cache with it."""

    def sync(self, file: BinaryIO) -> None:
        self._take_turn()
        file.flush()

    def sync_folder(self, path: Path) -> None:
        self._take_turn()


async def live(ledger: MemoryLedger, output: Path, *, ends: list[int], disk_steps: int, shards: int) -> None:
    """One process: after each batch of ends it writes what is due. The disk or the process fails at a chosen step."""
    recorded = 0

    async def record(shard: ShardWritten) -> None:
        nonlocal recorded
        if recorded == shards:
            raise Died
        recorded += 1
        ledger.append([shard])

    bounds = Dataset(rows_per_shard=7, flush_s=1e9)
    folder = Folder(output, UnsyncedDisk(disk_steps))
    writer = DatasetWriter(folder, ledger, WORDING, settings=bounds, record=record, clock=lambda: NOW)
    try:
        await writer.start(shards_of(ledger))
        for batch in ends:
            told = len(ledger.records) - sum(isinstance(kept, ShardWritten) for kept in ledger.records)
            ledger.append(RECORDS[told : told + batch])
            await writer.step()
        await writer.flush()
    finally:
        writer.close()


LIVES = st.lists(st.tuples(st.lists(st.integers(0, 20), max_size=4), st.integers(0, 40), st.integers(0, 6)), max_size=5)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(LIVES)
def test_however_often_it_dies_every_end_is_in_one_shard(lives: list[tuple[list[int], int, int]]) -> None:
    """A week of crashes: full disks, kills between rename and record, resumptions; then one good run."""
    with tempfile.TemporaryDirectory() as name:
        ledger, output = MemoryLedger(), Path(name)
        for ends, disk_steps, shards in lives:
            with suppress(OutputError, Died):
                asyncio.run(live(ledger, output, ends=ends, disk_steps=disk_steps, shards=shards))
        asyncio.run(live(ledger, output, ends=[len(RECORDS)], disk_steps=NEVER, shards=NEVER))
        assert_exact(output, ledger)
