"""Records of the ledger as the folds get them: each record with the state of its order before it.

Law: memory grows with outstanding orders, not with the run. A record that ends or repairs an order that is not
outstanding is refused.
"""

from msgspec import Struct
from msgspec.structs import replace

from schemas.distributions import AttemptEnd
from schemas.errors import LedgerError
from schemas.ids import OrderId, PassageId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, NotNeededEnd, Planned, Record, Rejoined, Reopened, Rescored
from schemas.orders import Attempt, Order, OrderKind
from schemas.recovery import FailureMode
from schemas.verdicts import Errored, Rejected


class OrderSoFar(Struct, frozen=True):
    """An outstanding order. `ready_at`: when it last became ready; `diagnosed`: its last diagnosis."""

    kind: OrderKind
    passage_id: PassageId
    planned_at: float
    ready_at: float
    diagnosed: FailureMode | None = None
    rejected: bool = False


class Entry(Struct, frozen=True):
    """A record. `order`: its order before the record, if it ends or repairs one; `end`: how its attempt ended."""

    record: Record
    order: OrderSoFar | None = None
    attempt: Attempt | None = None
    end: AttemptEnd | None = None


class OutstandingOrders:
    """Makes entries. It gets every record in order."""

    def __init__(self) -> None:
        self._orders: dict[OrderId, OrderSoFar] = {}

    def entry(self, record: Record) -> Entry:
        """The record as an entry. Raises LedgerError if its order is not outstanding."""
        match record:
            case Planned():
                self._orders.update({order.id: _planned(order, record.at) for order in record.orders})
            case Rejoined():
                order = self._ended(record.order_id)
                self._orders[record.order_id] = _rejoined(order, record)
                return Entry(record, order, record.attempt, _failed_as(record.attempt))
            case AcceptedEnd():
                return Entry(record, self._ended(record.order_id), record.attempt, AttemptEnd.ACCEPTED)
            case DeadLetteredEnd():
                end = None if record.attempt is None else _failed_as(record.attempt)
                return Entry(record, self._ended(record.order_id), record.attempt, end)
            case NotNeededEnd():
                end = None if record.attempt is None else AttemptEnd.NOT_NEEDED
                return Entry(record, self._ended(record.order_id), record.attempt, end)
            case Rescored():
                return Entry(record, self._ended(record.order_id))
            case Reopened():
                self._orders[record.order_id] = _reopened(record)
            case _:
                pass
        return Entry(record)

    def _ended(self, order_id: OrderId) -> OrderSoFar:
        order = self._orders.pop(order_id, None)
        if order is None:
            raise LedgerError(f"the ledger ends or repairs order {order_id}, which is not outstanding")
        return order


def was_rejected(attempt: Attempt) -> bool:
    """Whether a gate rejected the attempt, whatever other gates said."""
    return any(isinstance(verdict, Rejected) for verdict in attempt.verdicts)


def _planned(order: Order, at: float) -> OrderSoFar:
    return OrderSoFar(order.kind, order.passage_id, at, at)


def _rejoined(order: OrderSoFar, record: Rejoined) -> OrderSoFar:
    attempt = record.attempt
    diagnosed = order.diagnosed if attempt.diagnosis is None else attempt.diagnosis.mode
    rejected = order.rejected or was_rejected(attempt)
    return replace(order, ready_at=record.at, diagnosed=diagnosed, rejected=rejected)


def _reopened(record: Reopened) -> OrderSoFar:
    """The order with its times set anew; its diagnosis and rejection are kept."""
    diagnosed = [FailureMode(past.mode) for past in record.history if past.mode]
    last = diagnosed[-1] if diagnosed else None
    return OrderSoFar(record.order.kind, record.passage.id, record.at, record.at, last, rejected=record.rejected)


def _failed_as(attempt: Attempt) -> AttemptEnd:
    """How an attempt ended that was not accepted."""
    errored = attempt.candidate is None or any(isinstance(verdict, Errored) for verdict in attempt.verdicts)
    return AttemptEnd.ERRORED if errored else AttemptEnd.REJECTED
