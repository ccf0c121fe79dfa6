"""The queue behind asyncio: waiting, backpressure, group commit, and a ledger that fails."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.counts.tally import Tally
from actors.ledger.sqlite import MemoryLedger, SqliteLedger
from actors.queue.commits import Ledger
from actors.queue.machine import QueueLimits, RegenerationQueue
from actors.queue.service import QueueService, ServiceSettings
from schemas.corpus import DocumentRefused, RefusalReason
from schemas.errors import GleanerError, OutputError
from schemas.ledger import AcceptedEnd, Record, RunStarted, ShardKind, ShardWritten
from schemas.orders import STALE, Accept, Duplicate, EndReason, Holding, Outcome, Recorded, Stale
from schemas.progress import EndCount
from tests.doubles.attempts import TOKENS_PER_ATTEMPT, accepted, passage, rejected

STARTED = RunStarted(at=1000.0, config_sha256="00", versions={})
SHARD = ShardWritten(1000.0, ShardKind.DATASET, "dataset/part-00000.parquet", 1, "00", 1, 1)
BAD = DocumentRefused("a.txt", RefusalReason.EMPTY, "no text")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def service(
    ledger: Ledger | None = None, *, capacity: int = 100, slots: int = 1, tokens: int | None = None
) -> QueueService:
    limits = QueueLimits(max_attempts=3, lease_s=60, fresh_share=0.25, tokens=tokens)
    queue = RegenerationQueue(limits, lambda a, b: 1.0 if a.question == b.question else 0.0)
    settings = ServiceSettings("grounded_answer", samples_per_passage=slots, capacity=capacity)
    return QueueService(queue, ledger or MemoryLedger(), settings, now=Clock())


async def test_from_offer_to_the_end() -> None:
    """Passages in, leases out, outcomes settled, the run is over when all have ended and no more will come."""
    queue = service(slots=2)
    assert await queue.offer([passage(1), passage(2)])
    leases = await queue.lease("c", 10, 0.1)
    assert len(leases) == 4
    settled = await queue.settle([accepted(lease) for lease in leases])
    assert all(isinstance(one, Recorded) for one in settled)
    assert not queue.finished()
    await queue.corpus_ended(2, 2)
    assert queue.finished()
    counts = queue.snapshot().counts
    assert (counts.issued, counts.accepted, counts.first_pass, counts.outstanding) == (4, 4, 4, 0)


async def test_a_full_queue_makes_the_reader_wait() -> None:
    """Bounded: the third passage is taken in only when an order has ended; nothing is dropped."""
    queue = service(capacity=2)
    offering = asyncio.ensure_future(queue.offer([passage(number) for number in range(3)]))
    leases = await queue.lease("c", 10, 1)
    await asyncio.sleep(0.01)
    assert not offering.done()
    assert queue.snapshot().counts.outstanding <= 2
    await queue.settle([accepted(lease) for lease in leases])
    assert await asyncio.wait_for(offering, 5)
    assert len(await queue.lease("c", 10, 1)) == 1


async def test_a_lease_call_waits_for_work_and_wakes_at_once() -> None:
    """A conductor with nothing to do does not poll: it has its lease as soon as a passage comes."""
    queue = service()
    waiting = asyncio.ensure_future(queue.lease("c", 1, 3600))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    await queue.offer([passage(1)])
    assert len(await asyncio.wait_for(waiting, 5)) == 1


async def test_an_outcome_is_answered_only_when_it_is_durable() -> None:
    """The disk is slow: nobody is told what a crash could undo; those who wait share one transaction."""
    written: list[int] = []
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()

    class Slow(MemoryLedger):
        def append(self, records: Sequence[Record]) -> int:
            if self.kept:
                asyncio.run_coroutine_threadsafe(gate.wait(), loop).result(5)
            written.append(len(records))
            return super().append(records)

    queue = service(Slow())
    await queue.offer([passage(number) for number in range(10)])
    leases = await queue.lease("c", 10, 1)
    settling = [asyncio.ensure_future(queue.settle([accepted(lease)])) for lease in leases]
    await asyncio.sleep(0.02)
    assert not any(one.done() for one in settling)
    assert queue.snapshot().counts.accepted == 0
    gate.set()
    await asyncio.gather(*settling)
    assert queue.snapshot().counts.accepted == 10
    assert sum(written[1:]) == 10
    assert len(written[1:]) <= 2


async def test_a_ledger_that_fails_stops_everything() -> None:
    """The disk is full: the caller is told, and nobody is answered from memory that is ahead of the disk."""

    class Full(MemoryLedger):
        def append(self, records: Sequence[Record]) -> int:
            if self.kept:
                raise OutputError("disk full")
            return super().append(records)

    queue = service(Full())
    await queue.offer([passage(1), passage(2)])
    one, two = await queue.lease("c", 2, 1)
    with pytest.raises(OutputError, match="disk full"):
        await queue.settle([accepted(one)])
    with pytest.raises(OutputError, match="disk full"):
        await queue.settle([accepted(two)])
    with pytest.raises(OutputError, match="disk full"):
        queue.snapshot()


async def test_a_count_that_fails_leaves_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own bug after the commit: whoever waits is told, the service is closed, nobody hangs."""
    queue = service()
    await queue.offer([passage(1)])
    (lease,) = await queue.lease("c", 1, 1)

    def bug(record: Record) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Tally, "apply", lambda self, record: bug(record))
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(queue.settle([accepted(lease)]), 5)
    with pytest.raises(GleanerError, match="a bug"):
        queue.snapshot()


async def test_one_stale_report_does_not_lose_its_neighbours() -> None:
    """A message of three outcomes holds one of an attempt that is not the current one; the other two are on disk."""
    ledger = MemoryLedger()
    queue = service(ledger)
    await queue.offer([passage(number) for number in range(3)])
    one, two, three = [accepted(lease) for lease in await queue.lease("c", 3, 1)]
    ahead = Outcome(two.order_id, replace(two.attempt, number=7), Accept())
    kinds = [type(settlement) for settlement in await queue.settle([one, ahead, three])]
    assert kinds == [Recorded, Stale, Recorded]
    assert [record.order_id for record in ledger.kept if isinstance(record, AcceptedEnd)] == [
        one.order_id,
        three.order_id,
    ]
    assert isinstance((await queue.settle([two]))[0], Recorded)


async def test_a_queue_made_again_knows_that_the_corpus_was_read() -> None:
    """kill -9 of the queue after the reader had ended: the run ends all the same. A new run reads the corpus anew."""
    ledger = MemoryLedger()
    first = service(ledger)
    await first.start(STARTED)
    await first.offer([passage(1)])
    await first.corpus_ended(1, 1)
    again = service(ledger)
    await again.settle([accepted(lease) for lease in await again.lease("c", 1, 1)])
    assert again.finished()
    await again.start(STARTED)
    assert not again.finished()


async def test_what_conductors_work_on_is_not_given_to_others() -> None:
    """The queue is killed with two leases out. Made again it leases nothing until their holder has said so; an attempt
    that is not current any more, and an order that has ended, are nobody's."""
    ledger = MemoryLedger()
    first = service(ledger)
    await first.offer([passage(number) for number in range(3)])
    one, two, three = await first.lease("alive", 3, 1)
    await first.settle([accepted(one), rejected(two)])
    again = service(ledger)
    again.recover("token")
    assert again.snapshot().recovering == "token"
    assert await again.lease("new", 10, 0) == []
    holdings = [Holding(lease.order.id, lease.attempt) for lease in (one, two, three)]
    assert again.join("alive", holdings) == 1
    again.resume("of another queue")
    assert await again.lease("new", 10, 0) == []
    again.resume("token")
    (given,) = await again.lease("new", 10, 0)
    assert (given.order, given.attempt) == (two.order, 2)
    assert isinstance((await again.settle([accepted(three)]))[0], Recorded)
    assert again.release("alive") == 0


async def test_a_dead_writers_last_word_is_not_heard() -> None:
    """Its message arrives when the next writer has already removed what was not recorded."""
    ledger = MemoryLedger()
    queue = service(ledger)
    await queue.begin_writing(1)
    await queue.record_shard(1, SHARD)
    await queue.begin_writing(2)
    with pytest.raises(GleanerError, match="writer 2 has begun"):
        await queue.record_shard(1, SHARD)
    assert ledger.kept == [SHARD]


async def test_a_dead_conductors_waiting_call_gets_nothing() -> None:
    """kill -9 while it polls: the call lives on in the queue's process; an order must not go to a dead one's name."""
    queue = service()
    waiting = asyncio.ensure_future(queue.lease("dead", 10, 3600))
    await asyncio.sleep(0.01)
    queue.release("dead")
    await queue.offer([passage(1)])
    assert await asyncio.wait_for(waiting, 5) == []
    assert len(await queue.lease("alive", 10, 1)) == 1


async def test_a_dead_conductors_leases_go_to_the_next_who_asks() -> None:
    """Its two samples were under way: another conductor has them at once, and a last word from the grave is stale."""
    queue = service()
    await queue.offer([passage(1), passage(2)])
    lost = await queue.lease("dead", 10, 1)
    assert queue.release("dead") == 2
    again = await queue.lease("alive", 10, 1)
    assert {lease.order.id for lease in again} == {lease.order.id for lease in lost}
    assert {lease.attempt for lease in again} == {1}
    await queue.settle([accepted(lease) for lease in again])
    assert all(isinstance(late, Stale) for late in await queue.settle([accepted(lease) for lease in lost]))
    assert queue.snapshot().counts.accepted == queue.snapshot().stale == 2


async def test_what_is_told_too_late_is_in_every_count_of_tokens() -> None:
    """The budget, the summary and a queue that is made again agree; no count of attempts or samples has it."""
    ledger = MemoryLedger()
    queue = service(ledger)
    await queue.offer([passage(1)])
    (lost,) = await queue.lease("dead", 1, 1)
    queue.release("dead")
    (lease,) = await queue.lease("alive", 1, 1)
    await queue.settle([accepted(lease)])
    await queue.settle([accepted(lost)])
    summary = queue.snapshot().summary
    (stale,) = (role for role in summary.roles if role.role == STALE)
    assert (stale.calls, stale.prompt_tokens + stale.completion_tokens, summary.tokens) == (
        1,
        TOKENS_PER_ATTEMPT,
        2 * TOKENS_PER_ATTEMPT,
    )
    assert (summary.counts.attempts, summary.counts.accepted, summary.counts.issued) == (1, 1, 1)
    again = service(ledger)
    assert again.snapshot().summary.tokens == 2 * TOKENS_PER_ATTEMPT


async def test_a_new_process_goes_on_where_the_old_one_died(tmp_path: Path) -> None:
    """Killed with one order accepted, one under way: on resume nothing is issued twice, the second is leased."""
    queue = service(SqliteLedger(tmp_path))
    await queue.offer([passage(1), passage(2)])
    await queue.refuse(BAD)
    one, two = await queue.lease("c", 2, 1)
    await queue.settle([accepted(one)])
    await queue.close()
    again = service(SqliteLedger(tmp_path))
    assert await again.offer([passage(1), passage(2)])
    await again.refuse(BAD)
    (lease,) = await again.lease("c", 9, 1)
    assert lease.order == two.order
    counts = again.snapshot().counts
    assert (counts.issued, counts.accepted, counts.outstanding, counts.refused_documents) == (2, 1, 1, 1)
    await again.settle([accepted(lease)])
    await again.corpus_ended(2, 2)
    assert again.finished()
    await again.close()


async def test_a_duplicate_is_told_and_may_be_repaired() -> None:
    """Two slots ask the same: the second's report is answered with the first's id; its repair is then recorded."""
    queue = service(slots=2)
    await queue.offer([passage(1)])
    one, two = await queue.lease("c", 2, 1)
    first, second = await queue.settle([accepted(one, "When?"), accepted(two, "When?")])
    assert isinstance(first, Recorded)
    assert isinstance(second, Duplicate)
    assert isinstance((await queue.settle([rejected(two)]))[0], Recorded)


async def test_stopping_wakes_whoever_waits() -> None:
    """Ctrl-C: a waiting conductor comes back empty at once, a waiting reader is told to stop."""
    queue = service(capacity=1)
    await queue.offer([passage(1)])
    (_,) = await queue.lease("c", 1, 1)
    leasing = asyncio.ensure_future(queue.lease("c", 1, 3600))
    offering = asyncio.ensure_future(queue.offer([passage(2)]))
    await asyncio.sleep(0.01)
    queue.stop_leasing()
    assert await asyncio.wait_for(leasing, 5) == []
    assert await asyncio.wait_for(offering, 5) is False
    assert queue.finished()


async def test_a_spent_budget_ends_the_run_with_every_order_counted() -> None:
    """One attempt's tokens allowed, three orders: one accepted, two end as budget, the reader is told to stop."""
    queue = service(tokens=TOKENS_PER_ATTEMPT)
    await queue.offer([passage(number) for number in range(3)])
    (lease,) = await queue.lease("c", 1, 1)
    await queue.settle([accepted(lease)])
    assert await queue.lease("c", 1, 0.01) == []
    assert queue.finished()
    counts = queue.snapshot().counts
    assert (counts.accepted, counts.dead_lettered, counts.outstanding) == (1, 2, 0)
    assert await queue.offer([passage(9)]) is False


async def test_a_cost_that_is_reached_ends_the_run_like_spent_tokens() -> None:
    """Who waits for a lease gets none, and what is leased ends as it does."""
    queue = service()
    await queue.offer([passage(number) for number in range(3)])
    (lease,) = await queue.lease("c", 1, 1)
    queue.spend_no_more()
    assert await queue.lease("c", 1, 0) == []
    await queue.settle([accepted(lease)])
    assert queue.finished()
    summary = queue.snapshot().summary
    assert (summary.counts.accepted, summary.counts.outstanding) == (1, 0)
    assert summary.ends == (EndCount(EndReason.BUDGET, 2),)
    assert await queue.offer([passage(9)]) is False
