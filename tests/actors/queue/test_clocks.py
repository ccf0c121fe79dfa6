"""A queue on a machine whose clock is set while it runs: leases and waits take the time that passes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from actors.calls.clocks import Clocks, Steady
from actors.credit.desk import CreditDesk
from actors.credit.plan import RolloutOwner
from actors.ledger.sqlite import MemoryLedger
from actors.queue.credits import Credits, CreditTerms
from actors.queue.machine import QueueLimits, RegenerationQueue
from actors.queue.service import QueueService, ServiceSettings
from schemas.config_credit import Credit
from schemas.credit import PolicyVersion
from schemas.ledger import AcceptedEnd, Planned, Rejoined
from schemas.orders import Accept, Attempt, Lease, OrderKind, Outcome, Requeue
from schemas.recovery import Choice, Repair, Repairs
from tests.doubles.passages import passage_of
from tests.doubles.solutions import problem, solution, wrong

LEASE_S = 60.0
EPOCH = 1_700_000_000.0


class Machine:
    """Its two clocks: `pass_s` moves both, `jump` the wall's alone."""

    def __init__(self) -> None:
        self.up_s = 1000.0
        self.ahead = EPOCH

    def wall(self) -> float:
        return self.up_s + self.ahead

    @property
    def clocks(self) -> Clocks:
        return Clocks(self.wall, lambda: self.up_s)


@asynccontextmanager
async def queue_on(machine: Machine, ledger: MemoryLedger, passages: int = 2) -> AsyncIterator[QueueService]:
    limits = QueueLimits(max_attempts=3, lease_s=LEASE_S, fresh_share=0.25)
    queue = RegenerationQueue(limits, lambda one, other: 0.0)
    service = QueueService(queue, ledger, ServiceSettings("t", 1, 1000), now=Steady(machine.clocks))
    await service.offer([passage_of(f"Passage {number} is here.") for number in range(passages)])
    await service.corpus_ended(passages, passages)
    yield service
    await service.close()


def attempt(lease: Lease) -> Attempt:
    return Attempt(lease.attempt, lease.repair, candidate=None)


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0])
async def test_a_clock_that_jumps_leases_nothing_twice_and_delays_nothing(jump_s: float) -> None:
    """A laptop wakes up, or NTP steps: what is in flight stays leased for its time, comes back after it, and a lease
    call without work answers in its own."""
    machine, ledger = Machine(), MemoryLedger()
    async with queue_on(machine, ledger) as service:
        first = await service.lease("a", 2, 0.0)
        assert len(first) == 2
        machine.ahead += jump_s
        assert await service.lease("b", 2, 0.0) == []
        machine.up_s += LEASE_S - 1
        assert await service.lease("b", 2, 0.0) == []
        machine.up_s += 2
        again = await service.lease("b", 2, 0.0)
        assert {lease.order.id for lease in again} == {lease.order.id for lease in first}


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0])
async def test_a_lease_call_waits_its_time_whatever_the_wall_says(jump_s: float) -> None:
    """The clock is set back by an hour while a conductor waits a second for work: it is answered after that second."""
    machine, ledger = Machine(), MemoryLedger()
    async with queue_on(machine, ledger) as service:
        await service.lease("a", 2, 0.0)
        waiting = asyncio.ensure_future(service.lease("b", 2, 1.0))
        await asyncio.sleep(0)
        machine.ahead += jump_s
        machine.up_s += 1.0
        service._changed.set()
        async with asyncio.timeout(5):
            assert await waiting == []


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0])
async def test_records_and_snapshots_tell_the_walls_time(jump_s: float) -> None:
    """After the jump, what is recorded carries the time that a person's watch shows; ages are of time that passed."""
    machine, ledger = Machine(), MemoryLedger()
    async with queue_on(machine, ledger, passages=3) as service:
        one, other = await service.lease("a", 2, 0.0)
        machine.ahead += jump_s
        machine.up_s += 10.0
        repair = Repair(Repairs.RESAMPLE, 0.7)
        rejected = Attempt(1, None, candidate=None, choice=Choice("t", repair))
        await service.settle(
            [
                Outcome(order_id=one.order.id, attempt=attempt(one), decision=Accept()),
                Outcome(order_id=other.order.id, attempt=rejected, decision=Requeue(repair=repair)),
            ]
        )
        at = {type(record): record.at for record in ledger.kept}
        assert at[Planned] == EPOCH + 1000.0
        assert at[AcceptedEnd] == at[Rejoined] == machine.wall()
        snapshot = service.snapshot()
        assert (snapshot.at, snapshot.oldest_s) == (machine.wall(), 10.0)


def crediting() -> RegenerationQueue:
    """A queue whose wrong solutions wait 30 s for their credit."""
    config = Credit(token_share=1.0)
    limits = QueueLimits(max_attempts=3, lease_s=LEASE_S, fresh_share=0.25)
    desk = CreditDesk(config, RolloutOwner(PolicyVersion("double"), seed=0))
    credits = Credits(desk, CreditTerms(config, 0.7, restart=True, wait_s=30.0))
    return RegenerationQueue(limits, lambda one, other: 0.0, listener=credits)


async def test_a_queue_that_is_made_again_goes_on_from_recorded_times() -> None:
    """The ledger's times are the wall's: a wait that was recorded before the process died ends when it would have."""
    machine, ledger = Machine(), MemoryLedger()
    settings = ServiceSettings("math", 1, 1000)
    service = QueueService(crediting(), ledger, settings, now=Steady(machine.clocks))
    await service.offer([problem(1)])
    (lease,) = await service.lease("a", 1, 0.0)
    await service.settle([wrong(lease, solution(5))])
    await service.close()
    machine.up_s, machine.ahead = 0.0, machine.wall() + 20.0
    again = QueueService(crediting(), ledger, settings, now=Steady(machine.clocks))
    rollouts = await again.lease("b", 100, 0.0)
    assert rollouts and all(other.order.kind is OrderKind.ROLLOUT for other in rollouts)
    assert await again.lease("b", 1, 0.0) == []
    machine.up_s += 11.0
    (restarted,) = await again.lease("b", 100, 0.0)
    assert (restarted.order.id, restarted.attempt) == (lease.order.id, 2)
    await again.close()
