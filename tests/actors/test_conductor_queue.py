"""A conductor whose queue dies and is made again: what it asks for until then, and what it says that it holds."""

import asyncio
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from actors.calls.health import HealthLimits
from schemas.errors import ErrorKind, HopError
from schemas.orders import (
    Holding,
    Lease,
    Outcome,
    Settlement,
)
from schemas.samples import Completion, GenerationRequest
from tests.doubles.conductors import SETTINGS, Book, Model, conductor, lease, until


async def test_a_queue_that_is_made_again_is_waited_for() -> None:
    """Its process dies under a lease call and under a report: both are asked again, and no sample is made again."""

    class Dying(Book):
        def __init__(self, *leases: Lease) -> None:
            super().__init__(*leases)
            self.deaths = [HopError(ErrorKind.CRASHED, "the actor died") for _ in range(4)]

        async def lease(self, conductor: str, limit: int) -> Sequence[Lease] | None:
            if len(self.deaths) > 2:
                raise self.deaths.pop()
            return await super().lease(conductor, limit)

        async def settle(self, outcome: Outcome) -> Settlement:
            if self.deaths:
                raise self.deaths.pop()
            return await super().settle(outcome)

    book, model = Dying(lease(0)), Model()
    await conductor(book, model).run()
    assert len(book.outcomes) == 1
    assert not book.deaths


async def test_a_conductor_says_what_it_holds() -> None:
    """A queue that was made again asks: the sample that is being made is told, the one that is done is not."""
    asked, go_on = asyncio.Event(), asyncio.Event()

    class SecondIsSlow(Model):
        async def generate(self, request: GenerationRequest) -> Completion:
            if request.id == f"{lease(1).order.id}:1":
                asked.set()
                await go_on.wait()
            return await super().generate(request)

    book = Book(lease(0), lease(1))
    conducting = conductor(book, SecondIsSlow())
    running = asyncio.ensure_future(conducting.run())
    await asked.wait()
    await until(lambda: len(book.outcomes) == 1)
    await conducting.rejoin()
    assert list(book.joined) == [Holding(lease(1).order.id, 1)]
    go_on.set()
    await running


async def test_an_order_is_held_anew_before_its_last_settlement_arrives() -> None:
    """One commit tells the settlement and the next lease of an order, in either sequence: what is left is the first
    attempt, and the second stays in hand."""
    told, done, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()

    class LeaseFirst(Book):
        async def lease(self, conductor: str, limit: int) -> Sequence[Lease] | None:
            leases = await super().lease(conductor, limit)
            return leases if leases or done.is_set() else await self._next()

        async def _next(self) -> Sequence[Lease]:
            await until(lambda: len(self.outcomes) == 1)
            done.set()
            return [lease(0, attempt=2)]

        async def settle(self, outcome: Outcome) -> Settlement:
            settlement = await super().settle(outcome)
            if outcome.attempt.number == 1:
                await told.wait()
            return settlement

    class SecondIsSlow(Model):
        async def generate(self, request: GenerationRequest) -> Completion:
            if self.requests:
                told.set()
                await go_on.wait()
            return await super().generate(request)

    book = LeaseFirst(lease(0))
    conducting = conductor(book, SecondIsSlow())
    running = asyncio.ensure_future(conducting.run())
    await until(lambda: told.is_set() and conducting.status().in_flight == 1)
    await conducting.rejoin()
    assert list(book.joined) == [Holding(lease(0).order.id, 2)]
    go_on.set()
    await running


async def test_a_lost_queue_ends_the_conductor_with_its_error() -> None:
    """The queue does not come back within the longest outage: the conductor says so to whoever watches it."""

    class Gone(Book):
        async def lease(self, conductor: str, limit: int) -> Sequence[Lease] | None:
            raise HopError(ErrorKind.CRASHED, "the actor died")

    with pytest.raises(HopError, match="the actor died"):
        await conductor(Gone(), Model(), settings=replace(SETTINGS, health=HealthLimits(outage_s=0))).run()
