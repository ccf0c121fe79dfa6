"""The thread that ships: what it tells the run, what it does when the store fails, and how it lets go."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.ledger.folder import Ledgers
from actors.ledger.sqlite import NAME, SqliteLedger
from deployments.storage.address import address_of
from deployments.storage.fence import HEAD, Fence, holder_here
from deployments.storage.mirror import Mirror
from deployments.storage.restore import fetch
from deployments.storage.session import session
from deployments.storage.shipper import Shipper
from schemas.errors import HeldError, StoreAwayError, StoreError
from schemas.ledger import StopRaised
from schemas.queue_shard import QueueShard
from schemas.storage import StoreHead, decode_head, encode_head
from tests.doubles.object_store import MemoryStore

ADDRESS = address_of("s3://bucket/run")
SHIP_S = 0.1


class Switched(MemoryStore):
    """A store that can be away."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False

    def put_if(self, name: str, content: bytes, etag: str | None) -> str:
        if self.away:
            raise StoreAwayError("503 Slow Down")
        return super().put_if(name, content, etag)


def until(holds: Callable[[], object]) -> None:
    limit = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < limit, "it did not come to that"
        time.sleep(0.01)


def head_in(store: MemoryStore) -> StoreHead:
    return decode_head(store.objects[HEAD])


def last_in(store: MemoryStore) -> int:
    chain = head_in(store).chains.get(NAME)
    return 0 if chain is None else chain.last


def worked(folder: Path, count: int) -> None:
    with SqliteLedger(folder) as ledger:
        ledger.append([StopRaised(float(number), 1, 1, None) for number in range(count)])


def test_a_run_is_shipped_while_it_goes_on_and_let_go_at_its_end(tmp_path: Path) -> None:
    """The head is changed even when there is no news; the end brings what is left, and a next run need not wait."""
    store, folder = Switched(), tmp_path / "run"
    with session(ADDRESS, store, folder, SHIP_S, print) as mirror:
        mirror.begin()
        until(lambda: head_in(store).beat > 2)
        folder.mkdir()
        (folder / "run.yaml").write_text("seed: 1")
        worked(folder, 10)
        until(lambda: last_in(store) == 10)
        assert mirror.behind_s < 20
        worked(folder, 5)
        assert mirror.finish(lambda: True) is None
    assert (last_in(store), head_in(store).holder, store.objects["run.yaml"]) == (15, None, b"seed: 1")


def test_a_store_that_is_away_is_told_and_caught_up_with(tmp_path: Path) -> None:
    """An hour without a store: the run goes on, says since when and why, and ships all of it afterwards."""
    store, folder = Switched(), tmp_path / "run"
    with session(ADDRESS, store, folder, SHIP_S, print) as mirror:
        mirror.begin()
        folder.mkdir()
        until(lambda: head_in(store).beat > 1)
        store.away = True
        until(lambda: mirror.pause is not None)
        worked(folder, 10)
        pause = mirror.pause
        assert pause is not None
        assert (pause.name, pause.why) == ("s3://bucket/run", "503 Slow Down")
        mirror.check()
        assert mirror.finish(iter([True, False]).__next__) == "503 Slow Down"
        store.away = False
        until(lambda: mirror.pause is None)
    assert (last_in(store), head_in(store).holder) == (10, None)


def test_a_run_that_was_taken_over_is_told(tmp_path: Path) -> None:
    """Another machine has it: nothing more is written, and the run is stopped with one line."""
    store = Switched()
    with session(ADDRESS, store, tmp_path / "run", SHIP_S, print) as mirror:
        mirror.begin()
        until(lambda: head_in(store).beat > 1)
        theirs = encode_head(replace(head_in(store), epoch=2, token="another"))
        store.objects[HEAD] = theirs

        def checked() -> bool:
            mirror.check()
            return False

        with pytest.raises(HeldError, match="has taken the run over; this one stops"):
            until(checked)
    assert store.objects[HEAD] == theirs


def test_nothing_is_sent_before_the_folder_is_as_the_store_has_it(tmp_path: Path) -> None:
    """A restore takes minutes: meanwhile the run is held, and the half-made folder is not taken for the run's."""
    store, folder = Switched(), tmp_path / "run"
    folder.mkdir()
    worked(folder, 3)
    fence = Fence(store, str(ADDRESS), holder_here(SHIP_S), "token")
    fence.take(lambda holder: None)
    mirror = Mirror(folder, fence, Shipper(fence, store, folder), str(ADDRESS), ship_s=SHIP_S)
    mirror.hold()
    until(lambda: head_in(store).beat > 3)
    assert last_in(store) == 0
    mirror.close(10.0)
    assert (last_in(store), head_in(store).holder) == (0, None)


def test_several_ledgers_are_shipped_and_brought_down(tmp_path: Path) -> None:
    """A run with two queue shards: each ledger is a chain of its own, and together they are the run again."""
    store, folder = Switched(), tmp_path / "run"
    with session(ADDRESS, store, folder, SHIP_S, print) as mirror:
        mirror.begin()
        folder.mkdir()
        for shard in QueueShard(0, 2).all:
            with SqliteLedger(folder, shard) as ledger:
                ledger.append([StopRaised(1.0, shard.number, 1, None)] * (3 + shard.number))
        (folder / "delivered").mkdir()
        (folder / "delivered" / "lines.1.json").write_text("[]")
        assert mirror.finish(lambda: True) is None
    brought = fetch(store, str(ADDRESS), tmp_path / "fetched")
    assert (brought.records, brought.shards, brought.lacking) == (7, 0, ())
    with Ledgers(tmp_path / "fetched") as ledgers:
        assert [ledger.last_seq() for ledger in ledgers.each] == [3, 4]
    assert (tmp_path / "fetched" / "delivered" / "lines.1.json").read_text() == "[]"


def test_a_file_that_becomes_again_what_it_was_stays(tmp_path: Path) -> None:
    """checksums.txt is removed and written again with the same lines: what is removed in the store is the old one."""
    store, folder = Switched(), tmp_path / "run"
    folder.mkdir()
    fence = Fence(store, str(ADDRESS), holder_here(SHIP_S), "token")
    fence.take(lambda holder: None)
    shipper = Shipper(fence, store, folder)
    for content in ("one", "two", "one", "one", "one"):
        (folder / "checksums.txt").write_text(content)
        shipper.ship()
    fetch(store, str(ADDRESS), tmp_path / "fetched")
    assert (tmp_path / "fetched" / "checksums.txt").read_text() == "one"
    assert len([name for name in store.objects if name.startswith("gleaner/notes/")]) == 1


def test_a_forged_head_writes_nowhere_else(tmp_path: Path) -> None:
    """Whoever may write to the bucket names a file outside of the folder that is made."""
    store = Switched()
    store.objects["gleaner/notes/0001-aa"] = b"x"
    forged = StoreHead(1, "t", notes={"../.bashrc": "0001-aa"})
    store.objects[HEAD] = encode_head(forged)
    with pytest.raises(StoreError, match="which no run makes"):
        fetch(store, str(ADDRESS), tmp_path / "fetched")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_the_store_s_is_moved_aside(tmp_path: Path) -> None:
    """The first machine comes back with a disk that has what was never shipped, while another went on."""
    store = Switched()
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    with session(ADDRESS, store, first, SHIP_S, print) as mirror:
        mirror.begin()
        worked(first, 4)
        assert mirror.finish(lambda: True) is None
    with session(ADDRESS, store, second, SHIP_S, print) as mirror:
        mirror.begin()
        worked(second, 2)
        assert mirror.finish(lambda: True) is None
    worked(first, 1)
    said: list[str] = []
    with session(ADDRESS, store, first, SHIP_S, said.append), SqliteLedger(first) as ledger:
        assert sum(1 for _ in ledger.records()) == 6
    assert [line.partition(";")[0].partition(":")[0] for line in said] == [
        f"{first} does not hold all that the store (epoch 2) has", "built again from the store",
    ]  # fmt: skip
    assert (tmp_path / "first.aside" / NAME).is_file()
