"""Who listens to the queue: hears each record that was applied, and answers with what the queue is to do.

Law: a listener moves no order itself. What it answers follows from the records that it heard, so a replay comes to the
same state as the life that it replays.
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
    """The queue at a record. `held`: the order that the record is about, as the record leaves it; None for one that the
    queue does not hold. `open_passages`: those with outstanding orders of samples; `spent`: tokens."""

    held: Held | None
    open_passages: Container[PassageId]
    spent: int
    exhausted: bool


class Wanted(Struct, frozen=True):
    """An order to be issued, without a record of its own."""

    order: Order
    passage: Passage
    repair: Repair


class Wait(Struct, frozen=True):
    """A ready order is not to be leased before `until`, or before it is told to go on."""

    order_id: OrderId
    until: float


class GoOn(Struct, frozen=True):
    """An order that waits before this attempt is ready. `repair`: in place of its own; None keeps that."""

    order_id: OrderId
    attempt: int
    repair: Repair | None


class Instructions(Struct, frozen=True):
    """What the queue is to do, in this order. `take_back`: orders that nothing waits for any more; one that somebody
    works on goes when his lease ends. `records`: what follows, to be made durable."""

    wait: Sequence[Wait] = ()
    issue: Sequence[Wanted] = ()
    take_back: Sequence[OrderId] = ()
    records: Sequence[Record] = ()
    go_on: Sequence[GoOn] = ()


class Listener(Protocol):
    """What the queue needs of one."""

    def hear(self, record: Record, view: QueueView) -> Instructions:
        """A record was applied, live or replayed."""
        ...

    def begin(self, record: Record, view: QueueView) -> Record | None:
        """What begins with a record that was applied just now, not replayed: it is recorded, and heard next."""
        ...

    def end(self, held: Held, outcome: Outcome, now: float) -> EndRecord:
        """What a report on an order that was issued for the listener becomes."""
        ...

    def close(self, now: float) -> Instructions:
        """The budget is spent: everything that was begun ends with what is known."""
        ...

    def awaits(self, order_id: OrderId) -> bool:
        """Whether what comes of an issued order is still needed."""
        ...

    def dropped(self, order_id: OrderId) -> None:
        """An order that nothing waited for was forgotten before anybody reported on it."""
        ...

    def check(self, issued: Sequence[Held]) -> None:
        """Raises AssertionError when an invariant does not hold. `issued`: the orders that the queue holds for it."""
        ...
