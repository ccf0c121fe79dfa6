"""A strict run: little is leased until the first calls have been looked at, and nothing more where they are bad."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from actors.counts.advice import advice_of
from actors.ledger.sqlite import MemoryLedger
from actors.queue.machine import QueueLimits, RegenerationQueue
from actors.queue.preflight import IN_HAND, MOST_ATTEMPTS
from actors.queue.service import QueueService, ServiceSettings
from schemas.firsts import Preflight
from schemas.orders import Lease, Outcome
from schemas.samples import MalformedReason
from schemas.verdicts import FAITHFULNESS, FORMAT, Passed, Rejected
from tests.doubles.attempts import accepted, given_up, passage, rejected

PASSAGES = 60
LEASE_S = 60


def strict(
    ledger: MemoryLedger, preflight: Preflight = Preflight.STOP, now: Callable[[], float] = lambda: 1000.0
) -> QueueService:
    limits = QueueLimits(max_attempts=9, lease_s=LEASE_S, fresh_share=0.25, tokens=None)
    settings = ServiceSettings("grounded_answer", samples_per_passage=1, capacity=100, preflight=preflight)
    return QueueService(RegenerationQueue(limits, lambda a, b: 0.0), ledger, settings, now=now)


async def filled(
    ledger: MemoryLedger, preflight: Preflight = Preflight.STOP, now: Callable[[], float] = lambda: 1000.0
) -> QueueService:
    queue = strict(ledger, preflight, now)
    assert await queue.offer([passage(number) for number in range(PASSAGES)])
    return queue


def cut_off(lease: Lease) -> Outcome:
    """The attempt of a model whose token limit is too low."""
    attempt = rejected(lease).attempt
    assert attempt.candidate is not None
    written = replace(attempt.candidate, draft=None, malformed="cut off", malformed_reason=MalformedReason.CUT_OFF)
    attempt = replace(attempt, candidate=written, verdicts=(Rejected(FORMAT, 0.0, 1.0),))
    return replace(rejected(lease), attempt=attempt)


async def test_no_more_is_leased_than_is_looked_at() -> None:
    """Two conductors with room for hundreds get eight orders together, and none before all eight have ended: whatever
    the order in which they end, no ninth is paid before the first eight have been looked at."""
    queue = await filled(MemoryLedger())
    some, more = await queue.lease("a", 5, 0), await queue.lease("b", 500, 0)
    assert (len(some), len(more)) == (5, IN_HAND - 5)
    assert await queue.lease("a", 500, 0) == []
    for lease in (*some, *more[:-1]):
        await queue.settle([cut_off(lease)])
        assert await queue.lease("a", 500, 0) == []
    await queue.settle([cut_off(more[-1])])
    assert await queue.lease("a", 500, 0) == [] and queue.finished()
    assert queue.snapshot().counts.attempts == IN_HAND


async def test_orders_of_a_dead_conductor_go_again() -> None:
    """It died with two of the eight and nobody said so: when their leases are over, two may go again."""
    clock = [1000.0]
    queue = await filled(MemoryLedger(), now=lambda: clock[0])
    leases = await queue.lease("a", 500, 0)
    await queue.settle([accepted(lease) for lease in leases[2:]])
    assert await queue.lease("b", 500, 0) == []
    clock[0] += LEASE_S + 1
    assert len(await queue.lease("b", 500, 0)) == 2


@pytest.mark.parametrize("bad", [cut_off, rejected])
async def test_bad_first_calls_stop_the_run(bad: Callable[[Lease], Outcome]) -> None:
    """Every completion is cut off, or one gate rejects everything: not an order more is leased, all are outstanding."""
    queue = await filled(ledger := MemoryLedger())
    await queue.settle([bad(lease) for lease in await queue.lease("a", 500, 0)])
    assert await queue.lease("a", 500, 0) == [] and queue.finished()
    counts = queue.snapshot().counts
    assert (counts.attempts, counts.outstanding) == (IN_HAND, PASSAGES)
    assert len(advice_of(queue.snapshot().summary)) == 1
    again = strict(ledger)
    assert len(await again.lease("a", 500, 0)) == PASSAGES, "it was looked at, and whoever goes on knows"


async def test_rejections_that_come_first_stop_nothing() -> None:
    """Half of the queries pass, each some seconds after the others were rejected: a good run goes on."""
    queue = await filled(MemoryLedger())
    first = list(await queue.lease("a", 500, 0))
    await queue.settle([given_up(lease) for lease in first[1::2]])
    assert await queue.lease("a", 500, 0) == [] and not queue.finished()
    await queue.settle([accepted(lease) for lease in first[::2]])
    leases = await queue.lease("a", 500, 0)
    assert len(leases) >= IN_HAND and advice_of(queue.snapshot().summary) == ()


async def test_good_first_calls_open_the_queue() -> None:
    """Eight drafts that pass: the rest is leased as in any run."""
    queue = await filled(MemoryLedger())
    await queue.settle([accepted(lease) for lease in await queue.lease("a", 500, 0)])
    assert len(await queue.lease("a", 500, 0)) == PASSAGES - IN_HAND


async def test_a_queue_made_again_goes_on_looking() -> None:
    """Killed in the middle of its first look: five more are needed of eight, and five are leased."""
    queue = await filled(ledger := MemoryLedger())
    await queue.settle([accepted(lease) for lease in (await queue.lease("a", 500, 0))[:3]])
    again = strict(ledger)
    leases = await again.lease("a", 500, 0)
    assert len(leases) == IN_HAND - 3
    await again.settle([accepted(lease) for lease in leases])
    assert len(await again.lease("a", 500, 0)) == PASSAGES - IN_HAND


async def test_a_gate_that_hardly_any_draft_reaches() -> None:
    """One order of four reaches the gate: it is waited for within a bound."""
    queue = await filled(MemoryLedger())
    for _ in range(MOST_ATTEMPTS // IN_HAND):
        leases = list(await queue.lease("a", 500, 0))
        assert len(leases) == IN_HAND
        passed = [(Passed(FAITHFULNESS, 0.9, 0.5),) if number < 2 else () for number in range(IN_HAND)]
        outcomes = [accepted(lease) for lease in leases]
        await queue.settle(
            [
                replace(each, attempt=replace(each.attempt, verdicts=said))
                for each, said in zip(outcomes, passed, strict=True)
            ]
        )
    assert len(await queue.lease("a", 500, 0)) == PASSAGES - MOST_ATTEMPTS


async def test_a_run_that_is_not_strict_leases_at_once() -> None:
    """It is told, and goes on: nothing waits."""
    queue = await filled(MemoryLedger(), Preflight.TELL)
    leases = await queue.lease("a", 500, 0)
    assert len(leases) == PASSAGES
    await queue.settle([cut_off(lease) for lease in leases[:20]])
    assert len(await queue.lease("a", 500, 0)) == 20
    assert len(advice_of(queue.snapshot().summary)) == 1
