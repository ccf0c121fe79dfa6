"""A listener gets each record that the queue applied, and returns instructions to the queue.

Law: a listener moves no order itself. Its instructions follow from the records that it got, so a replay reaches the
same state as the run that it replays.
"""

from collections.abc import Container, Sequence
from typing import Protocol

from msgspec import Struct

from actors.queue.ends import EndRecord
from actors.queue.held import Held
from schemas.corpus import Passage
from schemas.ids import OrderId, PassageId
from schemas.ledger import Record
from schemas.orders import Order, Outcome
from schemas.recovery import Repair


class QueueView(Struct, frozen=True):
    """The queue after a record. `held`: the record's order, as the record leaves it; None if the queue does not hold
    it. `open_passages`: those with outstanding orders of samples; `spent`: in tokens; `exhausted`: the budget is
    spent."""

    held: Held | None
    open_passages: Container[PassageId]
    spent: int
    exhausted: bool


class Wanted(Struct, frozen=True):
    """An order to issue, without a record of its own."""

    order: Order
    passage: Passage
    repair: Repair


class Wait(Struct, frozen=True):
    """A ready order must not be leased before `until`, or before a `GoOn` for it."""

    order_id: OrderId
    until: float


class GoOn(Struct, frozen=True):
    """An order that waits before this attempt becomes ready. `repair`: in place of its own; None: it keeps its own."""

    order_id: OrderId
    attempt: int
    repair: Repair | None


class Instructions(Struct, frozen=True):
    """What the queue must do, in this order. `take_back`: orders whose results are not needed any more; a leased one is
    forgotten when its lease ends. `records`: to be made durable."""

    wait: Sequence[Wait] = ()
    issue: Sequence[Wanted] = ()
    take_back: Sequence[OrderId] = ()
    records: Sequence[Record] = ()
    go_on: Sequence[GoOn] = ()


class Listener(Protocol):
    """A listener, as the queue calls it."""

    def hear(self, record: Record, view: QueueView) -> Instructions:
        """A record was applied, live or in a replay."""
        ...

    def begin(self, record: Record, view: QueueView) -> Record | None:
        """A record that must follow one that was applied live (not in a replay): it is written, and heard next."""
        ...

    def end(self, held: Held, outcome: Outcome, now: float) -> EndRecord:
        """The record of a report on an order that was issued for the listener."""
        ...

    def close(self, now: float) -> Instructions:
        """The budget is spent: everything that was begun ends with the results so far."""
        ...

    def awaits(self, order_id: OrderId) -> bool:
        """Whether the result of an issued order is still needed."""
        ...

    def dropped(self, order_id: OrderId) -> None:
        """An issued order was forgotten before a report on it came."""
        ...

    def check(self, issued: Sequence[Held]) -> None:
        """Raises AssertionError when an invariant does not hold. `issued`: the orders that the queue holds for it."""
        ...
