"""What the queue tells for its metrics: every order accounted for at every moment, and how long commits take."""

import asyncio
import threading
from collections.abc import Sequence

from actors.counts.tally import Tally
from actors.ledger.sqlite import MemoryLedger
from actors.queue.commits import Ledger
from actors.queue.machine import QueueLimits, RegenerationQueue
from actors.queue.service import QueueService, ServiceSettings
from schemas.ledger import AcceptedEnd, Record
from tests.doubles.attempts import accepted, given_up, passage, rejected


class Gated(MemoryLedger):
    """A disk that takes its time: each append waits until it is let through."""

    def __init__(self) -> None:
        super().__init__()
        self.let = threading.Semaphore(0)

    def append(self, records: Sequence[Record]) -> int:
        self.let.acquire()
        return super().append(records)


class Forgetful(Tally):
    """A bug: accepted orders are not counted."""

    def apply(self, record: Record) -> None:
        if not isinstance(record, AcceptedEnd):
            super().apply(record)


def service(ledger: Ledger, tally: Tally | None = None) -> QueueService:
    queue = RegenerationQueue(QueueLimits(max_attempts=3, lease_s=60, fresh_share=0.25), lambda a, b: 0.0)
    settings = ServiceSettings("grounded_answer", samples_per_passage=3, capacity=100)
    return QueueService(queue, ledger, settings, now=lambda: 1000.0, tally=tally)


async def test_every_order_is_accounted_for_while_commits_are_under_way() -> None:
    """A scrape falls between a transition and its transaction: memory is ahead of the disk, and the sum is 0 all the
    same; 2 records wait for the disk and 2 are on their way when it looks."""
    ledger = Gated()
    queue = service(ledger)
    ledger.let.release()
    await queue.offer([passage(1)])
    leases = await queue.lease("c", 10, 0.1)
    told = [queue.snapshot()]
    offering = asyncio.ensure_future(queue.offer([passage(2)]))
    await asyncio.sleep(0.01)
    told.append(queue.snapshot())
    settling = asyncio.ensure_future(queue.settle([accepted(leases[0]), given_up(leases[1]), rejected(leases[2])]))
    await asyncio.sleep(0.01)
    told.append(queue.snapshot())
    ledger.let.release(2)
    await asyncio.gather(offering, settling)
    told.append(queue.snapshot())
    assert [snapshot.unaccounted for snapshot in told] == [0, 0, 0, 0]
    assert [snapshot.counts.outstanding for snapshot in told] == [3, 3, 3, 4]
    assert [snapshot.ready + snapshot.leased for snapshot in told] == [3, 6, 4, 4]


async def test_an_order_that_is_not_counted_is_seen() -> None:
    """The metric can move: a count that loses an accepted order makes it 1."""
    queue = service(MemoryLedger(), Forgetful())
    await queue.offer([passage(1)])
    leases = await queue.lease("c", 10, 0.1)
    await queue.settle([accepted(leases[0]), given_up(leases[1])])
    assert queue.snapshot().unaccounted == 1


async def test_commits_are_timed() -> None:
    """As many times as there were transactions, one for all who waited together."""
    queue = service(MemoryLedger())
    await queue.offer([passage(1)])
    leases = await queue.lease("c", 10, 0.1)
    await asyncio.gather(*(queue.settle([accepted(lease)]) for lease in leases))
    assert 2 <= queue.snapshot().commits.count <= 4
