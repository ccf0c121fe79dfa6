"""One attempt for several orders: each has its own as soon as it stands, and a call is paid for once."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from actors.calls.asker import Asker, Way
from actors.calls.making import Making, NotMade, Written
from actors.protocols import AskModel
from schemas.errors import EngineError, ErrorKind, GleanerError
from schemas.ids import PoolName
from schemas.orders import Lease, Order
from schemas.samples import Completion, FinishReason, GenerationRequest, Made, Message, Prompt, Sampling, answered
from tests.doubles.conductors import PASSAGE, AskAndRead

POOL = PoolName("generator")
FIRST, SECOND, THIRD = orders = tuple(Order.fresh(PASSAGE.id, "qa", slot) for slot in range(3))
LEASE = Lease(FIRST, PASSAGE, 1, expires_at=1e9, beside=(SECOND, THIRD))
ASK = Prompt((Message("user", "Ask."),), Sampling())


async def generate(pool: PoolName, request: GenerationRequest) -> Completion:
    return Completion(request.id, f"said to {request.id[-2:]}", FinishReason.STOP, 10, 5)


def making(task: AskAndRead) -> Making:
    return Making(task, LEASE, Asker(LEASE, Way(generate, POOL, POOL, 0, lambda: 0.0)))


def made(order: Order) -> Made:
    return Made(order.id, answered(f"Question {order.slot}?", "1623"))


async def all_of(task: AskAndRead) -> list[Written | NotMade]:
    attempt = making(task)
    await attempt.run()
    return [_told(each) for each in await asyncio.gather(*(attempt.of(o.id) for o in orders), return_exceptions=True)]


def _told(each: Written | BaseException) -> Written | NotMade:
    assert isinstance(each, Written | NotMade)
    return each


async def test_each_order_goes_on_as_soon_as_it_stands() -> None:
    """The second is still to be written when the first is read; the last waits for what the task does afterwards."""
    goes_on = asyncio.Event()

    class InTurn(AskAndRead):
        async def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
            await ask(ASK)
            yield made(FIRST)
            await goes_on.wait()
            yield made(SECOND)
            yield made(THIRD)
            await ask(ASK)

    attempt = making(InTurn())
    running = asyncio.create_task(attempt.run())
    first = await attempt.of(FIRST.id)
    assert first.candidate.draft == answered("Question 0?", "1623") and not running.done()
    goes_on.set()
    await running
    second, third = await attempt.of(SECOND.id), await attempt.of(THIRD.id)
    assert (first.candidate.cost.tokens, second.candidate.cost.tokens, third.candidate.cost.tokens) == (15, 0, 15)
    assert (first.candidate.paid_by, second.candidate.paid_by, third.candidate.paid_by) == (None, FIRST.id, None)
    assert first.candidate.text == second.candidate.text != third.candidate.text


async def test_what_fails_is_told_to_those_that_are_unmade() -> None:
    """One stands; of the others nothing was made. The call in between is paid by the first of them, once."""

    class Breaks(AskAndRead):
        async def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
            await ask(ASK)
            yield made(FIRST)
            await ask(ASK)
            raise EngineError(ErrorKind.PERMANENT, "the second call")

    first, second, third = await all_of(Breaks())
    assert isinstance(first, Written) and isinstance(second, NotMade) and isinstance(third, NotMade)
    assert str(second.error) == str(third.error) == "permanent: the second call"
    assert (len(second.calls), len(third.calls)) == (1, 0)


async def test_an_order_that_nothing_was_made_of_is_an_error_of_its_own() -> None:
    """The others have theirs."""

    class Forgets(AskAndRead):
        async def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
            await ask(ASK)
            yield made(SECOND)
            yield made(FIRST)

    first, second, third = await all_of(Forgets())
    assert isinstance(first, Written) and isinstance(second, Written) and isinstance(third, NotMade)
    assert isinstance(third.error, GleanerError)


@pytest.mark.parametrize("again", [FIRST, Order.fresh(PASSAGE.id, "qa", 9)])
async def test_what_was_not_asked_for_is_the_tasks_mistake(again: Order) -> None:
    """An order twice, or one of nobody's: what is left of the lease is told so."""

    class Repeats(AskAndRead):
        async def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
            await ask(ASK)
            yield made(FIRST)
            yield made(again)

    first, second, _ = await all_of(Repeats())
    assert isinstance(first, Written) and isinstance(second, NotMade)
    assert "twice or unasked" in str(second.error)


async def test_who_waits_for_a_cancelled_attempt_is_cancelled() -> None:
    """Nobody waits for ever."""

    class Sleeps(AskAndRead):
        async def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
            yield made(FIRST)
            await asyncio.Event().wait()

    attempt = making(Sleeps())
    running = asyncio.create_task(attempt.run())
    await attempt.of(FIRST.id)
    waiting = asyncio.create_task(attempt.of(THIRD.id))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert running.cancelled() or running.cancelling()
