"""One order's life, read from its ledger records.

Law: a life follows from records alone, in their order. An order has at most one end, and it comes last. An end that
was undone (`gleaner replay`) keeps its place among the attempts before and after it.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from actors.ledger.attempts import generation_cost
from schemas.corpus import Passage
from schemas.credit import CreditLabel
from schemas.errors import LedgerError
from schemas.flaws import Worth
from schemas.ids import OrderId
from schemas.ledger import (
    AcceptedEnd,
    Credited,
    DeadLetteredEnd,
    NotNeededEnd,
    Planned,
    ProbeEnded,
    ProbeIssued,
    ProbeRejoined,
    Record,
    Rejoined,
    Reopened,
    Rescored,
)
from schemas.order_kinds import POLICIES
from schemas.orders import Attempt, DeadLetter, Order, OrderKind
from schemas.probes import Probe, ProbeEnd, ProbeFacts
from schemas.recovery import FailureMode, RepairKind
from schemas.samples import Cost, Draft

SampleMove = Rejoined | AcceptedEnd | Rescored | DeadLetteredEnd | NotNeededEnd
"""A record that moves an order of a sample."""


class PutBack(Struct, frozen=True):
    """A dead letter that was put back after so many attempts. `changed`: configuration keys changed at that time."""

    at: float
    attempts_before: int
    end: DeadLetter
    changed: tuple[str, ...] = ()


class Life(Struct, frozen=True):
    """An order from issue to now. While it is outstanding, it has neither an end nor a time of one."""

    order: Order
    passage: Passage
    attempts: tuple[Attempt, ...]
    accepted_at: float | None = None
    end: DeadLetter | None = None
    put_back: tuple[PutBack, ...] = ()
    credits: tuple[CreditLabel, ...] = ()
    """Credit of its rejected solutions, ordered by attempt."""
    not_needed_at: float | None = None
    """When it ended because the run wanted no more samples."""
    probed: "ProbeLife | None" = None
    """Only for a probe, which has no `accepted_at` or `end`."""

    @property
    def exportable(self) -> bool:
        """Whether its content may be written to training data."""
        return POLICIES[self.order.kind].exported

    @property
    def draft(self) -> Draft | None:
        """The draft of the last attempt that had a readable one."""
        candidates = [attempt.candidate for attempt in self.attempts if attempt.candidate is not None]
        return next((candidate.draft for candidate in reversed(candidates) if candidate.draft is not None), None)

    @property
    def failure_modes(self) -> tuple[FailureMode, ...]:
        """The diagnosis of each rejected attempt, oldest first."""
        return tuple(attempt.diagnosis.mode for attempt in self.attempts if attempt.diagnosis is not None)

    @property
    def repairs(self) -> tuple[RepairKind, ...]:
        """The repair that each later attempt carried out, oldest first."""
        return tuple(attempt.repair.kind for attempt in self.attempts if attempt.repair is not None)

    @property
    def generator_cost(self) -> Cost:
        """Generators' cost of all attempts."""
        return sum(map(generation_cost, self.attempts), Cost())

    @property
    def gates_cost(self) -> Cost:
        """Gates' cost of all attempts."""
        return sum((verdict.cost for attempt in self.attempts for verdict in attempt.verdicts), Cost())


class ProbeLife(Struct, frozen=True):
    """What the ledger knows of a probe. `facts`: one for each attempt. `end`: None while the probe is outstanding."""

    label: Worth
    origin: str
    facts: tuple[ProbeFacts, ...]
    end: ProbeEnd | None = None
    detail: str = ""


def life_of(order_id: OrderId, records: Sequence[Record]) -> Life:
    """The order's life from its records. Raises LedgerError when the records are not one order's life."""
    if records and isinstance(records[0], ProbeIssued):
        return _probe_life(records[0].probe, records)
    return _sample_life(order_id, records)


def _sample_life(order_id: OrderId, records: Sequence[Record]) -> Life:
    planned = next((record for record in records if isinstance(record, Planned)), None)
    if planned is None:
        raise LedgerError(f"order {order_id} has no plan among its {len(records)} records")
    order = next((order for order in planned.orders if order.id == order_id), None)
    if order is None:
        raise LedgerError(f"order {order_id} is not among the orders planned with its passage")
    attempts: list[Attempt] = []
    put_back: list[PutBack] = []
    for record in records:
        if isinstance(record, Reopened) and record.order_id == order_id:
            put_back.append(PutBack(record.at, record.attempts_before, record.end, record.changed))
        if not isinstance(record, SampleMove) or record.order_id != order_id:
            continue
        if isinstance(record, Rescored):  # the new verdicts replace the old ones
            attempts.pop()
        if record.attempt is not None:
            attempts.append(record.attempt)
    labels = [record.label for record in records if isinstance(record, Credited) and record.order_id == order_id]
    credited = tuple(sorted(labels, key=lambda label: label.attempt))
    life = Life(order, planned.passage, tuple(attempts), put_back=tuple(put_back), credits=credited)
    return _ended(life, [each for each in records if isinstance(each, SampleMove | Reopened)])


def _ended(life: Life, moves: Sequence[SampleMove | Reopened]) -> Life:
    """The life with the end that its last record gives it."""
    own = [move for move in moves if move.order_id == life.order.id]
    match own[-1] if own else None:
        case AcceptedEnd(at=at) | Rescored(at=at):
            return replace(life, accepted_at=at)
        case DeadLetteredEnd(end=end):
            return replace(life, end=end)
        case NotNeededEnd(at=at):
            return replace(life, not_needed_at=at)
        case _:
            return life


def _probe_life(probe: Probe, records: Sequence[Record]) -> Life:
    moves = [record for record in records if isinstance(record, ProbeRejoined | ProbeEnded)]
    attempted = [record for record in moves if record.attempt is not None]
    ended = next((record for record in moves if isinstance(record, ProbeEnded)), None)
    known = ProbeLife(
        probe.label,
        probe.origin,
        tuple(record.facts for record in attempted),
        None if ended is None else ended.end,
        "" if ended is None else ended.detail,
    )
    order = Order(probe.id, probe.passage.id, OrderKind.PROBE.value, 0, OrderKind.PROBE)
    return Life(order, probe.passage, tuple(record.attempt for record in attempted if record.attempt), probed=known)
