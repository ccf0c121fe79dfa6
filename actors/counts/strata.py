"""What came of the orders that were given each value of each variable (`task.vary`).

Law: a variable of more than `MOST_VALUES` values is not counted, so memory grows with the outstanding orders and not
with what is drawn for them.
"""

from collections import Counter
from collections.abc import Mapping

from actors.counts.entries import Entry
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, NotNeededEnd, Planned, Reopened, Rescored
from schemas.orders import Order
from schemas.progress import StratumCount, Summary

MOST_VALUES = 64


class StrataFold:
    """The fold."""

    def __init__(self) -> None:
        self._open: dict[OrderId, Mapping[str, str]] = {}
        self._counts: dict[str, dict[str, Counter[str]]] = {}
        """Of each value of each variable: what StratumCount counts, by its field."""

    def apply(self, entry: Entry) -> None:
        """Counts one record."""
        match entry.record:
            case Planned(orders=orders):
                for order in orders:
                    self._count(order.vary, "issued")
                    self._opened(order)
            case AcceptedEnd(order_id=order_id) | Rescored(order_id=order_id):
                self._count(self._open.pop(order_id, {}), "accepted")
            case DeadLetteredEnd(order_id=order_id):
                self._count(self._open.pop(order_id, {}), "dead_lettered")
            case NotNeededEnd(order_id=order_id):
                self._count(self._open.pop(order_id, {}), "not_needed")
            case Reopened(order=order):
                self._count(order.vary, "dead_lettered", -1)
                self._opened(order)
            case _:
                pass

    def tables(self) -> Summary:
        """Everything counted so far."""
        return Summary(
            strata=tuple(
                StratumCount(name, value, **{field: counts[field] for field in _FIELDS})
                for name, values in self._counts.items()
                if len(values) <= MOST_VALUES
                for value, counts in sorted(values.items())
            )
        )

    def _opened(self, order: Order) -> None:
        if order.vary:
            self._open[order.id] = order.vary

    def _count(self, vary: Mapping[str, str], field: str, more: int = 1) -> None:
        for name, value in vary.items():
            values = self._counts.setdefault(name, {})
            if value in values or len(values) <= MOST_VALUES:
                values.setdefault(value, Counter())[field] += more


_FIELDS = ("issued", "accepted", "dead_lettered", "not_needed")
