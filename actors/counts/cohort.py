"""The orders that were issued first and have all ended, and what they took: a fair sample of a run that goes on.

Law: memory grows with outstanding orders. An order that `OVERTAKEN` others have passed is not waited for, and counts
nowhere: one sample that waits for its credit holds nothing up.
"""

from msgspec import Struct

from actors.counts.entries import Entry
from schemas.distributions import AttemptEnd
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, NotNeededEnd, Planned, Rejoined
from schemas.orders import Attempt, OrderKind, cost_of
from schemas.outlook import Cohort
from schemas.progress import Summary

OVERTAKEN = 10_000


class _InLine(Struct):
    """An order in line: its tokens so far, and its end, if it has one."""

    tokens: int = 0
    end: AttemptEnd | None = None


class CohortFold:
    """The fold. An order counts as it first ended."""

    def __init__(self) -> None:
        self._line: dict[OrderId, _InLine] = {}
        """In the order in which they were issued."""
        self._ended = 0
        """How many in line have ended."""
        self._cohort = Cohort()

    def apply(self, entry: Entry) -> None:
        """Counts one record."""
        match entry.record:
            case Planned(orders=orders):
                self._line.update({order.id: _InLine() for order in orders if order.kind is OrderKind.FRESH})
            case Rejoined(order_id=order_id, attempt=attempt):
                self._pay(order_id, attempt)
            case AcceptedEnd(order_id=order_id, attempt=attempt):
                self._end(order_id, attempt, AttemptEnd.ACCEPTED)
            case DeadLetteredEnd(order_id=order_id, attempt=attempt):
                self._end(order_id, attempt, AttemptEnd.REJECTED)
            case NotNeededEnd(order_id=order_id, attempt=attempt):
                self._end(order_id, attempt, AttemptEnd.NOT_NEEDED)
            case _:
                pass

    def tables(self) -> Summary:
        """Everything counted so far."""
        return Summary(cohort=self._cohort)

    def _pay(self, order_id: OrderId, attempt: Attempt | None) -> _InLine | None:
        """Adds what the attempt took. None for an order that is not in line, or has ended."""
        order = self._line.get(order_id)
        if order is None or order.end is not None:
            return None
        order.tokens += 0 if attempt is None else cost_of(attempt).tokens
        return order

    def _end(self, order_id: OrderId, attempt: Attempt | None, end: AttemptEnd) -> None:
        order = self._pay(order_id, attempt)
        if order is None:
            return
        order.end = end
        self._ended += 1
        while self._line:
            first_id, first = next(iter(self._line.items()))
            if first.end is None and self._ended <= OVERTAKEN:
                return
            del self._line[first_id]
            if first.end is not None:
                self._ended -= 1
                self._count(first.tokens, first.end)

    def _count(self, tokens: int, end: AttemptEnd) -> None:
        if end is not AttemptEnd.NOT_NEEDED:
            before = self._cohort
            accepted = before.accepted + (end is AttemptEnd.ACCEPTED)
            squares = before.squares + float(tokens) ** 2
            self._cohort = Cohort(before.orders + 1, accepted, before.tokens + tokens, squares)
