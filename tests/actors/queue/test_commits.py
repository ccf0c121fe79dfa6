"""Group commit: who waits for what, what shares a transaction, and what a failed disk ends."""

import asyncio
import threading
from collections.abc import Callable, Sequence

import pytest

from actors.ledger.sqlite import MemoryLedger
from actors.queue.commits import GroupCommit
from schemas.errors import GleanerError, OutputError
from schemas.ledger import CorpusEnded, Record


class GatedLedger(MemoryLedger):
    """A disk that takes its time: each append waits until it is let through, and may fail then."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.let = threading.Semaphore(0)
        self.batches: list[int] = []
        self.closed = False
        self.error = error

    def append(self, records: Sequence[Record]) -> int:
        self.let.acquire()
        if self.error is not None:
            raise self.error
        self.batches.append(len(records))
        return super().append(records)

    def close(self) -> None:
        self.closed = True


class Commits:
    """A group commit over a gated ledger, with what it told."""

    def __init__(self, error: Exception | None = None, count: Callable[[Record], None] | None = None) -> None:
        self.ledger = GatedLedger(error)
        self.counted: list[Record] = []
        self.woken = 0
        self.now = 0.0
        self.commits = GroupCommit(
            self.ledger, now=lambda: self.now, count=count or self.counted.append, wake=self._wake
        )

    def _wake(self) -> None:
        self.woken += 1

    def ask(self, *numbers: int) -> asyncio.Task[None]:
        """A caller that adds these records and waits until they are durable."""
        self.commits.add(*map(record, numbers))
        return asyncio.create_task(self.commits.durable())


def record(number: int) -> Record:
    return CorpusEnded(float(number), number, number)


async def settle_down() -> None:
    """Everything that can happen without the disk has happened."""
    await asyncio.sleep(0.02)


async def test_records_reach_the_disk_in_order_before_their_callers_are_told() -> None:
    """One transaction is under way; what three callers add meanwhile shares the next one."""
    each = Commits()
    first = each.ask(1)
    await settle_down()
    others = [each.ask(2), each.ask(3, 4), each.ask(5)]
    await settle_down()
    assert not first.done() and each.ledger.kept == [] and each.counted == []
    assert each.commits.uncounted() == tuple(map(record, range(1, 6)))
    each.ledger.let.release()
    await first
    await settle_down()
    assert each.counted == [record(1)] and not any(other.done() for other in others)
    each.ledger.let.release()
    await asyncio.gather(*others)
    assert each.ledger.kept == each.counted == [record(number) for number in range(1, 6)]
    assert (each.ledger.batches, each.woken) == ([1, 4], 2)
    assert each.commits.uncounted() == () and not each.commits.waiting


async def test_who_added_nothing_waits_for_the_transaction_in_flight() -> None:
    """What he was told may rest on it. He does not wait for the disk when nothing is on its way."""
    each = Commits()
    await asyncio.wait_for(each.commits.durable(), 1)
    writing = each.ask(1)
    await settle_down()
    waiting = each.ask()
    await settle_down()
    assert not waiting.done()
    each.ledger.let.release()
    await asyncio.wait_for(asyncio.gather(writing, waiting), 1)
    await asyncio.wait_for(each.commits.durable(), 1)
    assert each.ledger.batches == [1]


async def test_a_caller_who_gives_up_takes_nothing_with_him() -> None:
    """His record is written all the same, and so are the others' of the same transaction."""
    each = Commits()
    gives_up, stays = each.ask(1), each.ask(2)
    await settle_down()
    gives_up.cancel()
    await settle_down()
    each.ledger.let.release(2)
    await asyncio.wait_for(stays, 1)
    assert gives_up.cancelled() and each.ledger.kept == [record(1), record(2)]


@pytest.mark.parametrize(
    ("error", "told"),
    [(OutputError("the disk is full"), OutputError), (ZeroDivisionError("a bug"), GleanerError)],
)
async def test_a_ledger_that_fails_once_has_failed_for_good(error: Exception, told: type[Exception]) -> None:
    """Who waits for this transaction or the next is told, and so is everyone after them; whoever sleeps is woken. What
    the user can mend keeps its kind."""
    each = Commits(error)
    failing = each.ask(1)
    await settle_down()
    next_one = each.ask(2)
    await settle_down()
    each.ledger.let.release()
    for waiting in (failing, next_one):
        with pytest.raises(type(error)):
            await asyncio.wait_for(waiting, 1)
    each.ledger.error = None
    each.ledger.let.release(9)
    with pytest.raises(told, match=str(error)):
        each.commits.check()
    with pytest.raises(told, match=str(error)):
        await each.ask(3)
    assert each.ledger.kept == [] and each.counted == [] and each.woken == 1


async def test_a_count_that_fails_fails_the_service() -> None:
    """Our own bug after the commit: whoever waits is told instead of waiting for ever."""

    def bug(_: Record) -> None:
        raise ZeroDivisionError("a bug")

    each = Commits(count=bug)
    each.ledger.let.release()
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(each.ask(1), 1)
    with pytest.raises(GleanerError, match="the ledger failed: a bug"):
        each.commits.check()


async def test_closing_waits_for_what_is_being_written() -> None:
    """Ctrl-C while the disk works: the transaction is not cut off, and the folder is given back after it."""
    each = Commits()
    writing = each.ask(1)
    await settle_down()
    closing = asyncio.create_task(each.commits.close())
    await settle_down()
    assert not each.ledger.closed
    each.ledger.let.release()
    await asyncio.wait_for(asyncio.gather(writing, closing), 1)
    assert each.ledger.closed and each.ledger.kept == [record(1)]


async def test_transactions_are_timed() -> None:
    """Two of them, of 3 and 0 seconds; a clock that steps back makes no negative time."""
    each = Commits()
    slow = each.ask(1)
    await settle_down()
    each.now = 3.0
    each.ledger.let.release()
    await slow
    quick = each.ask(2)
    await settle_down()
    each.now = 1.0
    each.ledger.let.release()
    await quick
    assert (each.commits.distribution().count, each.commits.distribution().total) == (2, 3.0)
