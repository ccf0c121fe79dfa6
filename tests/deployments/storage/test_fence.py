"""One run at a time: who may write, and who finds out that it may not."""

import os
import subprocess
import sys

import pytest
from msgspec.structs import replace

from deployments.storage.fence import HEAD, Fence, check_conditions, holder_here, named
from deployments.storage.objects import StoredObject
from schemas.errors import HeldError, OutputError, StoreAwayError
from schemas.storage import Chain, Holder, decode_head
from tests.deployments.storage.heads import Time, fence_of
from tests.doubles.object_store import MemoryStore

CHAINS = {"ledger.sqlite": Chain({"folder": "a"})}


def nobody(holder: Holder) -> None:
    raise AssertionError(f"{named(holder)} is waited for")


def test_a_run_is_taken_committed_and_let_go() -> None:
    """The usual life: the next process takes over at once, with all that was committed, under the next epoch."""
    store, time = MemoryStore(), Time()
    first = fence_of(store, "first", time)
    first.take(nobody)
    first.commit(replace(first.head, chains=CHAINS))
    first.release()
    second = fence_of(store, "second", time)
    second.take(nobody)
    assert (second.head.epoch, second.head.chains, second.head.holder) == (2, CHAINS, second.head.holder)
    assert time.seconds == 0.0


def test_a_living_run_is_left_alone() -> None:
    """The same command twice: the second sees the first's next sign of life, names it and changes nothing."""
    store, time = MemoryStore(), Time()
    first = fence_of(store, "first", time)
    first.take(nobody)
    second = fence_of(store, "second", time)

    def beats(seconds: float) -> None:
        time.seconds += seconds
        if time.seconds > 5.0:
            first.commit(first.head)

    second._clock = replace(second._clock, sleep=beats)
    with pytest.raises(HeldError, match=r"another run is writing here \(process 1 on first\)"):
        second.take(lambda holder: None)
    first.commit(first.head)
    assert decode_head(store.objects[HEAD]).token == "first"


def test_a_run_that_lets_go_meanwhile_is_taken() -> None:
    """The next command is given while the last one ships its end."""
    store, time = MemoryStore(), Time()
    first, second = fence_of(store, "first", time), fence_of(store, "second", time)
    first.take(nobody)
    second.take(lambda holder: first.release())
    assert (second.head.epoch, time.seconds < 10.0) == (2, True)


def test_a_silent_run_is_taken_and_finds_out() -> None:
    """A machine was cut off for a minute: another has the run by then, and the first one's next commit is refused."""
    store, time = MemoryStore(), Time()
    first, second = fence_of(store, "first", time), fence_of(store, "second", time)
    first.take(nobody)
    asked: list[str] = []
    second.take(lambda holder: asked.append(named(holder)))
    assert (asked, time.seconds >= 30.0) == (["process 1 on first"], True)
    second.commit(replace(second.head, chains=CHAINS))
    with pytest.raises(HeldError, match="process 1 on second has taken the run over"):
        first.commit(first.head)
    assert decode_head(store.objects[HEAD]).chains == CHAINS


def test_a_process_that_died_on_this_machine_is_not_waited_for() -> None:
    """kill -9 and the same command again."""
    died = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    store = MemoryStore()
    here = holder_here(10.0)
    assert (here.pid, bool(here.machine)) == (os.getpid(), True)
    Fence(store, "s3://b/r", replace(here, pid=int(died.stdout)), "dead").take(nobody)
    Fence(store, "s3://b/r", here, "ours").take(nobody)
    assert decode_head(store.objects[HEAD]).epoch == 2


class LosesReplies(MemoryStore):
    """Carries a conditional put out, and fails; so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def put_if(self, name: str, content: bytes, etag: str | None) -> str:
        written = super().put_if(name, content, etag)
        if self.times:
            self.times -= 1
            raise StoreAwayError("the connection was cut")
        return written


def test_a_put_whose_reply_was_lost_is_known_as_ours() -> None:
    """The head was written, nobody said so, and the next put names the etag before it."""
    store = LosesReplies(1)
    fence = fence_of(store, "first", Time())
    with pytest.raises(StoreAwayError):
        fence.take(nobody)
    fence.take(nobody)
    assert fence.head.epoch == 2
    store.times = 1
    with pytest.raises(StoreAwayError):
        fence.commit(replace(fence.head, chains=CHAINS))
    fence.commit(replace(fence.head, chains=CHAINS))
    assert decode_head(store.objects[HEAD]) == fence.head


def test_a_head_that_was_removed_ends_the_run() -> None:
    store = MemoryStore()
    fence = fence_of(store, "first", Time())
    fence.take(nobody)
    store.objects.clear()
    with pytest.raises(HeldError, match="was removed"):
        fence.commit(fence.head)
    assert store.objects == {}


class TakesAll(MemoryStore):
    """As a server that does not know If-Match."""

    def put_if(self, name: str, content: bytes, etag: str | None) -> str:
        self.put(name, content)
        return '"1"'


def test_a_store_without_conditional_puts_is_refused() -> None:
    with pytest.raises(OutputError, match="If-Match"):
        check_conditions(TakesAll(), "s3://b/r", "t")
    store = MemoryStore()
    check_conditions(store, "s3://b/r", "t")
    assert store.objects == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"<html>", "is not a run's"), (b'{"epoch": 1, "token": "t", "version": 2}', "use a newer one")],
)
def test_a_foreign_head_is_refused(content: bytes, said: str) -> None:
    store = MemoryStore()
    store.objects[HEAD] = content
    with pytest.raises(OutputError, match=said):
        fence_of(store, "first", Time()).take(nobody)
    assert store.get(HEAD) == StoredObject(content, store.get(HEAD).etag)  # type: ignore[union-attr]
