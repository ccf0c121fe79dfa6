"""One order's life, read back from its ledger records.

Law: a life is told by records alone, in their order; an order has at most one end, and it comes last. An end that was
undone (`gleaner replay`) is told where it stood, among the attempts before and after it.
"""

from collections.abc import Sequence

from msgspec import Struct

from actors.ledger.attempts import generation_cost
from schemas.corpus import Passage
from schemas.credit import CreditLabel
from schemas.errors import LedgerError
from schemas.ids import OrderId
from schemas.injection import Injected
from schemas.ledger import AcceptedEnd, Credited, DeadLetteredEnd, Planned, Record, Rejoined, Reopened, Rescored
from schemas.order_kinds import POLICIES
from schemas.orders import Attempt, DeadLetter, Order
from schemas.recovery import FailureMode, RepairKind
from schemas.samples import Cost, Draft


class PutBack(Struct, frozen=True):
    """The order was a dead letter after so many attempts, and came back. `changed`: of the configuration, with it."""

    at: float
    attempts_before: int
    end: DeadLetter
    changed: tuple[str, ...] = ()


class Life(Struct, frozen=True):
    """An order from issue to now. `accepted_at` and `end` are both None while it is outstanding."""

    order: Order
    passage: Passage
    attempts: tuple[Attempt, ...]
    accepted_at: float | None = None
    end: DeadLetter | None = None
    put_back: tuple[PutBack, ...] = ()
    credits: tuple[CreditLabel, ...] = ()
    """Of its rejected solutions, by attempt."""

    @property
    def injected(self) -> Injected | None:
        """The tag of its first attempt, if it was made bad on purpose. Law: then nothing of it is ever exported."""
        return next((attempt.injected for attempt in self.attempts if attempt.injected is not None), None)

    @property
    def exportable(self) -> bool:
        """Whether any of it may reach a file that something is trained on."""
        return self.injected is None and POLICIES[self.order.kind].exported

    @property
    def draft(self) -> Draft | None:
        """What the last attempt that could be read says."""
        candidates = [attempt.candidate for attempt in self.attempts if attempt.candidate is not None]
        return next((candidate.draft for candidate in reversed(candidates) if candidate.draft is not None), None)

    @property
    def failure_modes(self) -> tuple[FailureMode, ...]:
        """The diagnosis of each rejected attempt, oldest first."""
        return tuple(attempt.diagnosis.mode for attempt in self.attempts if attempt.diagnosis is not None)

    @property
    def repairs(self) -> tuple[RepairKind, ...]:
        """The repair that each later attempt was made under, oldest first."""
        return tuple(attempt.repair.kind for attempt in self.attempts if attempt.repair is not None)

    @property
    def generator_cost(self) -> Cost:
        """Of all attempts together."""
        return sum(map(generation_cost, self.attempts), Cost())

    @property
    def gates_cost(self) -> Cost:
        """Of all gates in all attempts together."""
        return sum((verdict.cost for attempt in self.attempts for verdict in attempt.verdicts), Cost())


def life_of(order_id: OrderId, records: Sequence[Record]) -> Life:
    """The life that an order's records tell. Raises LedgerError when they do not tell one."""
    planned = next((record for record in records if isinstance(record, Planned)), None)
    if planned is None:
        raise LedgerError(f"order {order_id} has no plan among its {len(records)} records")
    order = next((order for order in planned.orders if order.id == order_id), None)
    if order is None:
        raise LedgerError(f"order {order_id} is not among the orders planned with its passage")
    attempts: list[Attempt] = []
    put_back: list[PutBack] = []
    accepted_at, end = None, None
    for record in records:
        if isinstance(record, Reopened) and record.order_id == order_id:
            put_back.append(PutBack(record.at, record.attempts_before, record.end, record.changed))
            end = None
        if not isinstance(record, Rejoined | AcceptedEnd | Rescored | DeadLetteredEnd) or record.order_id != order_id:
            continue
        if isinstance(record, Rescored):  # the attempt is told as it is judged now
            attempts.pop()
        if record.attempt is not None:
            attempts.append(record.attempt)
        if isinstance(record, AcceptedEnd | Rescored):
            accepted_at = record.at
        elif isinstance(record, DeadLetteredEnd):
            end = record.end
    labels = [record.label for record in records if isinstance(record, Credited) and record.order_id == order_id]
    credited = tuple(sorted(labels, key=lambda label: label.attempt))
    return Life(order, planned.passage, tuple(attempts), accepted_at, end, tuple(put_back), credited)
