"""The machine is gone, disk and all, at any moment of a run; a new one goes on with what the store has.

Real ledger, queue, writer and finish, without Ray; each seed loses several machines, and its store fails.
"""

import asyncio
import os
import random
import shutil
from pathlib import Path
from typing import BinaryIO

import pytest

from actors.ledger.files import LOCAL_DISK, LocalDisk
from actors.ledger.sqlite import NAME, LedgerReader
from deployments.storage.fence import HEAD
from deployments.storage.restore import fetch
from deployments.storage.shipper import Shipper
from deployments.storage.work import settle
from schemas.errors import StoreAwayError
from schemas.ledger import ShardKind
from tests.deployments.storage.heads import Time, fence_of
from tests.doubles.object_store import MemoryStore, StormyStore
from tests.faults.lives import Answered, Undisturbed, assert_whole, letters, live, samples

pytestmark = pytest.mark.slow
SEEDS = range(int(os.environ.get("LOST_DISKS", "2")))
"""Ten of them: LOST_DISKS=10."""
LOSSES = 6


class Gone(BaseException):
    """The machine, at this moment."""


class ShippedDisk(LocalDisk):
    """A disk that is shipped at some of its steps, and is gone at one of them."""

    def __init__(self, shipper: Shipper, draw: random.Random, steps: int | None) -> None:
        self._shipper, self._draw, self._left = shipper, draw, steps

    def sync(self, file: BinaryIO) -> None:
        self._moment()
        super().sync(file)

    def rename(self, source: Path, target: Path) -> None:
        self._moment()
        super().rename(source, target)
        self._moment()

    def remove(self, path: Path) -> None:
        self._moment()
        super().remove(path)

    def _moment(self) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise Gone
        if self._draw.random() < 0.3:
            shipped(self._shipper, files=self._draw.randrange(3))


def shipped(shipper: Shipper, *, files: int) -> bool:
    """Ships, as far as the store takes it; a few of the files."""
    try:
        shipper.ship()
        for _, _name in zip(range(files), shipper.files(), strict=False):
            pass
    except StoreAwayError:
        return False
    return True


def forgotten(output: Path, answered: Answered) -> int:
    """Takes out of `answered` what the run no longer knows, and says how many orders that were."""
    known: set[str] = set()
    if (output / NAME).is_file():
        with LedgerReader(output) as ledger:
            ends = [end for kind in ShardKind for _, end in ledger.ends(kind, 0, 1000)]
            known = {end.order_id for end in ends if hasattr(end, "order_id")}  # type: ignore[union-attr]
    lost = [order for order in answered if order not in known]
    for order in lost:
        del answered[order]
    return len(lost)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """What the run amounts to when nothing happens."""
    output = tmp_path_factory.mktemp("undisturbed") / "run"
    asyncio.run(live(output, LOCAL_DISK, {}))
    return Undisturbed(samples(output), letters(output))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_disk_is_gone_and_the_run_ends_as_if_it_were_not(seed: int, tmp_path: Path, expected: Undisturbed) -> None:
    """Six machines in a row are lost; the seventh finishes. Verify holds there and in what is fetched from the store,
    with the accepted set of an undisturbed run, and no order that the store knew as ended was paid for again."""
    draw, store, time = random.Random(seed), MemoryStore(), Time()
    answered: Answered = {}
    output = tmp_path / "run"
    for loss in range(LOSSES + 1):
        shutil.rmtree(output, ignore_errors=True)
        stormy = StormyStore(store, draw, rate=0.0)
        fence = fence_of(stormy, f"machine-{loss}", time)
        fence.take(lambda holder: None)
        settle(output, fence.head, stormy, lambda line: None)
        forgotten(output, answered)
        stormy.rate = 0.2
        shipper = Shipper(fence, stormy, output)
        steps = draw.randrange(60) if loss < LOSSES else None
        try:
            asyncio.run(live(output, ShippedDisk(shipper, draw, steps), answered))
        except Gone:
            assert steps is not None
        else:
            while not (shipped(shipper, files=1000) and shipped(shipper, files=0)):
                pass
        shipper.close()
        while stormy.under_way:
            stormy.deliver()
    assert_whole(output, expected)
    fetch(store, "s3://bucket/run", tmp_path / "fetched")
    assert_whole(tmp_path / "fetched", expected)
    assert {name.partition("/")[0] for name in store.objects if name not in (HEAD,)} <= {
        "gleaner", "dataset", "dead_letters", "run.yaml", "README.md", "manifest.json", "checksums.txt", "report.html",
    }  # fmt: skip


def test_nothing_that_was_shipped_is_paid_for_again(tmp_path: Path) -> None:
    """The disk is gone right after a commit: the new machine knows every order that had ended, and pays for none."""
    store, time, answered = MemoryStore(), Time(), {}
    output = tmp_path / "run"
    fence = fence_of(store, "first", time)
    fence.take(lambda holder: None)
    shipper = Shipper(fence, store, output)
    asyncio.run(live(output, LOCAL_DISK, answered))
    shipper.ship()
    shipper.close()
    shutil.rmtree(output)
    second = fence_of(store, "second", time)
    second.take(lambda holder: None)
    settle(output, second.head, store, lambda line: None)
    assert not (output / "dataset").exists(), "its shards were not shipped: the writer writes them from the ledger"
    assert forgotten(output, answered) == 0
    before = dict(answered)
    asyncio.run(live(output, LOCAL_DISK, answered))
    assert answered == before
