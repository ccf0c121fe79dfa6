"""Which orders a passage gets.

Law: it follows from the configuration and the queue's fold over the ledger. A passage has a fixed number of orders; or
it gets further ones when its last order has ended, until it is dry (`schemas.until_dry`). So a queue that is made again
issues what the one before it would have issued.
"""

from collections.abc import Callable, Sequence

from actors.queue.machine import RegenerationQueue
from schemas.corpus import Passage
from schemas.ids import PassageId
from schemas.ledger import AskedBefore, Planned
from schemas.orders import Order
from schemas.until_dry import UntilDry


class Planning:
    """Issues the orders of passages. `until`: the rule, where there is no fixed number."""

    def __init__(
        self, queue: RegenerationQueue, task: str, orders: int | UntilDry, vary: Callable[[int], dict[str, str]]
    ) -> None:
        """`orders`: of each passage; `vary`: the variables of an order, by the number of orders issued before it."""
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
        known, issued = self._queue.passages.standing(passage.id).orders, self._queue.issued
        orders = [
            Order.fresh(passage.id, self._task, known + each, self._vary(issued + each))
            for each in range(self.lacking(passage.id))
        ]
        return self._queue.plan(passage, orders, now, asked, until=self.until, follows=follows)

    @property
    def reserved(self) -> int:
        """The outstanding orders of samples, or as many as they will be when each open passage gets its next ones."""
        outstanding = self._queue.outstanding
        if self.until is None:
            return outstanding
        return max(outstanding, self.until.at_first * len(self._queue.orders.open_passages))
