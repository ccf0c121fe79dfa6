"""One attempt of a task, for every order of its lease.

Law: each order gets its draft as soon as it is made, the last order when the task is done. A call is charged once: to
the next order that gets a draft, or else to an order that gets none. So the cost of an attempt is known even if it
fails.
"""

import asyncio
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from actors.calls.asker import Asker
from actors.protocols import Maker
from schemas.errors import GleanerError, ungrouped
from schemas.flaws import Probed
from schemas.ids import OrderId
from schemas.orders import Lease
from schemas.samples import Candidate, Cost, Made, ModelCall


class NotMade(Exception):
    """An order got no draft. `calls`: those charged to it, answered before `error`."""

    def __init__(self, calls: Sequence[ModelCall], error: Exception) -> None:
        super().__init__(calls, error)
        self.calls = tuple(calls)
        self.error = error


class Written(Struct, frozen=True):
    """An order's candidate, and the calls charged to the order that were made before the candidate's own."""

    candidate: Candidate
    earlier: tuple[ModelCall, ...]
    probed: Probed | None = None


class Making:
    """One attempt. Call `run` once, and `of` for each order of the lease."""

    def __init__(self, maker: Maker, lease: Lease, asker: Asker) -> None:
        self._maker = maker
        self._lease = lease
        self._asker = asker
        self._paid = 0
        self._payer = lease.order.id
        loop = asyncio.get_running_loop()
        self._made: dict[OrderId, asyncio.Future[Written]] = {order.id: loop.create_future() for order in lease.orders}
        self._unmade = dict(self._made)

    async def of(self, order_id: OrderId) -> Written:
        """The candidate of the order, when it is made. Raises NotMade."""
        return await self._made[order_id]

    async def run(self) -> None:
        """Makes the attempt. An error in it goes to the orders that have no draft yet."""
        last: Made | None = None
        try:
            with ungrouped():  # a maker may make its calls side by side
                async for made in self._maker.attempt(self._lease, self._asker):
                    last = self._taken(made, last)
        except asyncio.CancelledError:
            for future in self._unmade.values():
                future.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - the caller that waits for an order gets it, and decides
            self._fail(error)
            return
        if last is not None:
            self._give(last)
        self._fail(GleanerError("the task made nothing of the order"))

    def _taken(self, made: Made, last: Made | None) -> Made | None:
        """Gives each order its draft, but returns the last one. Raises GleanerError for an order that has one already
        or is not of this lease."""
        if made.order_id not in self._unmade or last is not None:
            raise GleanerError(f"the task made something of order {made.order_id}, twice or unasked")
        if len(self._unmade) == 1:
            return made
        self._give(made)
        return None

    def _give(self, made: Made) -> None:
        asides, calls = self._asker.taken_aside(), self._new_calls()
        candidate = self._asker.candidate(made)
        if calls:
            self._payer = made.order_id
        elif self._asker.calls:
            candidate = replace(candidate, cost=Cost(), paid_by=self._payer)
        self._unmade.pop(made.order_id).set_result(Written(candidate, (*asides, *calls[:-1]), made.probed))

    def _fail(self, error: Exception) -> None:
        for future in self._unmade.values():
            future.set_exception(NotMade([*self._asker.taken_aside(), *self._new_calls()], error))
        self._unmade.clear()

    def _new_calls(self) -> list[ModelCall]:
        """The calls that are charged to no order yet."""
        calls = self._asker.calls[self._paid :]
        self._paid = len(self._asker.calls)
        return calls
