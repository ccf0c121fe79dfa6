"""Orders as the queue holds them when they are issued, or put back. Law: the stratum of an order follows from what was
drawn for it, so from the record that issued it."""

from actors.queue.held import Held
from schemas.corpus import Passage
from schemas.ledger import Reopened
from schemas.order_kinds import POLICIES
from schemas.orders import Order
from schemas.recovery import Repair
from schemas.stop import WHOLE


def held_order(
    order: Order, passage: Passage, at: float, axis: str | None = None, *, repair: Repair | None = None
) -> Held:
    """An order that is ready for its first attempt. `axis`: the variable whose values are the strata."""
    stratum = WHOLE if axis is None else order.vary.get(axis, WHOLE)
    return Held(order, POLICIES[order.kind], passage, at, stratum=stratum, repair=repair)


def held_again(record: Reopened, axis: str | None) -> Held:
    """An order that is put back from the dead letters, with its history."""
    held = held_order(record.order, record.passage, record.at, axis, repair=record.repair)
    held.attempt, held.history, held.attempts_before = (
        record.attempts_before + 1,
        record.history,
        record.attempts_before,
    )
    return held
