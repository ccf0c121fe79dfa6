"""Which orders a passage gets.

Law: it follows from the configuration and the queue's fold over the ledger. A passage has a fixed number of orders; or
it gets further ones when its last order has ended, until it is dry (`schemas.until_dry`). So a queue that is made again
issues what the one before it would have issued.
"""

from collections.abc import Callable, Sequence

from actors.queue.machine import RegenerationQueue
from schemas.corpus import Passage
from schemas.ids import OrderId, PassageId
from schemas.ledger import AskedBefore, Planned
from schemas.orders import Order
from schemas.stop import WHOLE
from schemas.until_dry import UntilDry

Vary = Callable[[int], dict[str, str]]
"""The variables of an order, by the number of orders that were issued before it."""


class Planning:
    """Issues the orders of passages. `until`: the rule, where there is no fixed number."""

    def __init__(self, queue: RegenerationQueue, task: str, orders: int | UntilDry, vary: Vary) -> None:
        """`orders`: of each passage."""
        self._queue = queue
        self._task = task
        self._orders = orders
        self._vary = vary
        self.until = orders if isinstance(orders, UntilDry) else None

    def lacking(self, passage_id: PassageId) -> int:
        """How many orders the passage lacks now. One that goes on until it is dry lacks none while it is open."""
        standing = self._queue.passages.standing(passage_id)
        if isinstance(self._orders, UntilDry):
            return 0 if self._queue.is_open(passage_id) else standing.further(self._orders)
        return max(0, self._orders - standing.orders)

    def issue(
        self, passage: Passage, now: float, asked: Sequence[AskedBefore] = (), *, follows: bool = False
    ) -> Planned | None:
        """Issues the orders that a passage lacks; None if it lacks none. `asked`, `follows`: as in the record."""
        known = self._queue.passages.standing(passage.id).orders
        slots = range(known, known + self.lacking(passage.id))
        orders = fresh_orders(passage.id, self._task, slots, self._vary, issued=self._queue.issued)
        return self._queue.plan(passage, orders, now, asked, until=self.until, follows=follows)

    def known(self, passage_id: PassageId) -> list[OrderId]:
        """The orders that the passage ever had."""
        slots = range(self._queue.passages.standing(passage_id).orders)
        return [Order.fresh(passage_id, self._task, slot).id for slot in slots]

    def is_full(self, capacity: int) -> bool:
        """Whether there are as many outstanding orders of samples as there may be, or as are wanted. An open passage
        that goes on until it is dry counts as many as its next ones will be."""
        wanted, outstanding = self._queue.wanted, self._queue.outstanding
        if self.until is not None:
            outstanding = max(outstanding, self.until.at_first * len(self._queue.orders.open_passages))
        if outstanding >= capacity or wanted is None:
            return outstanding >= capacity
        if WHOLE in wanted:
            return outstanding >= wanted[WHOLE]
        return all(self._queue.outstanding_of(stratum) >= most for stratum, most in wanted.items())


def fresh_orders(passage_id: PassageId, task: str, slots: range, vary: Vary, *, issued: int) -> list[Order]:
    """Orders of a passage by their slots, after so many `issued` ones."""
    return [Order.fresh(passage_id, task, slot, vary(issued + after)) for after, slot in enumerate(slots)]
