"""One attempt of a task, for every order of its lease.

Law: each order has what was made of it as soon as it stands, the last one when the task is done. A call is paid for
once: by the first order that something was made of after it, or by one that nothing was made of. So what an attempt
took is known whatever becomes of it.
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
    """Nothing was made of an order; the calls that it pays for were answered before `error`."""

    def __init__(self, calls: Sequence[ModelCall], error: Exception) -> None:
        super().__init__(calls, error)
        self.calls = tuple(calls)
        self.error = error


class Written(Struct, frozen=True):
    """What was made of an order, and the calls before the one that its candidate is of."""

    candidate: Candidate
    earlier: tuple[ModelCall, ...]
    probed: Probed | None = None


class Making:
    """Call `run` once, and `of` for each order of the lease."""

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
        """What was made of the order. Raises NotMade."""
        return await self._made[order_id]

    async def run(self) -> None:
        """Makes the attempt; what fails in it is told to the orders that it leaves unmade."""
        last: Made | None = None
        try:
            with ungrouped():  # a maker may make its calls side by side
                async for made in self._maker.attempt(self._lease, self._asker):
                    last = self._taken(made, last)
        except asyncio.CancelledError:
            for future in self._unmade.values():
                future.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - whoever waits for an order is told, and decides
            self._fail(error)
            return
        if last is not None:
            self._give(last)
        self._fail(GleanerError("the task made nothing of the order"))

    def _taken(self, made: Made, last: Made | None) -> Made | None:
        """Gives away everything but what is made last, which is told."""
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
        """Those that nobody has paid for yet."""
        calls = self._asker.calls[self._paid :]
        self._paid = len(self._asker.calls)
        return calls
