"""The results of a run's repairs: one fold over the ledger's records.

Law: the ledger is the truth. The same records in the same order give the same experience, so a resumed run counts
nothing twice and forgets nothing. An attempt that errored says nothing about its repair. A probe's attempt is not
counted, because its draft is not a sample of the stream.

Where solutions are credited, the choice `resample` gets the value of its attempt, even if the credit queue made it a
restart. The tokens of the rollouts that found the place belong to no attempt and are not in its price (docs/credit.md).
"""

from msgspec import Struct
from msgspec.structs import replace

from actors.ledger.attempts import tokens
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, NotNeededEnd, Planned, Record, Rejoined, Reopened, Rescored
from schemas.orders import Attempt, OrderKind
from schemas.recovery import Experience, FailureMode, RepairCount, RepairKind, RepairTurn
from schemas.verdicts import Errored

Cell = tuple[FailureMode, RepairKind, RepairTurn]


class _Mending(Struct, frozen=True):
    """An outstanding order that was rejected: the repair under way, and the repairs tried so far."""

    cell: Cell | None
    tried: frozenset[RepairKind]


def turn_of(kind: RepairKind, tried: frozenset[RepairKind], *, first: bool) -> RepairTurn:
    """The turn of a repair on an order on which others were tried."""
    if first:
        return RepairTurn.FIRST
    return RepairTurn.AGAIN if kind in tried else RepairTurn.LATER


class ExperienceFold:
    """Folds records. Memory grows with the outstanding rejected orders, not with the run."""

    def __init__(self) -> None:
        self._cells: dict[Cell, RepairCount] = {}
        self._mending: dict[OrderId, _Mending] = {}
        self._aside: set[OrderId] = set()
        self._attempts = 0
        self._fresh = (0, 0, 0)

    @property
    def attempts(self) -> int:
        """The number of attempts counted so far."""
        return self._attempts

    def apply(self, record: Record) -> None:
        """Counts one record."""
        match record:
            case Planned():
                self._aside |= {order.id for order in record.orders if order.kind is not OrderKind.FRESH}
            case Reopened():
                self._reopened(record)
            case Rejoined() | AcceptedEnd() | DeadLetteredEnd() if record.attempt is not None:
                self._attempted(record.order_id, record.attempt, record)
        if isinstance(record, AcceptedEnd | Rescored | DeadLetteredEnd | NotNeededEnd):
            self._mending.pop(record.order_id, None)
            self._aside.discard(record.order_id)

    def experience(self) -> Experience:
        """The experience so far."""
        cells = sorted(self._cells.values(), key=lambda cell: (cell.mode, cell.repair, cell.turn.value))
        tried, accepted, spent = self._fresh
        return Experience(self._attempts, tuple(cells), tried, accepted, spent)

    def _attempted(self, order_id: OrderId, attempt: Attempt, record: Rejoined | AcceptedEnd | DeadLetteredEnd) -> None:
        self._attempts += 1
        before = self._mending.pop(order_id, None)
        if is_judged(attempt):
            self._count(order_id, attempt, before, accepted=isinstance(record, AcceptedEnd))
        if not isinstance(record, Rejoined):
            return
        tried = frozenset() if before is None else before.tried
        if attempt.repair is not None:
            tried |= {attempt.repair.kind}
        choice, diagnosis = attempt.choice, attempt.diagnosis
        if choice is None or choice.repair is None or diagnosis is None:
            return
        kind = choice.repair.kind
        cell = (diagnosis.mode, kind, turn_of(kind, tried, first=attempt.number == 1))
        self._mending[order_id] = _Mending(cell, tried)

    def _count(self, order_id: OrderId, attempt: Attempt, before: _Mending | None, *, accepted: bool) -> None:
        spent = tokens(attempt)
        if before is not None and before.cell is not None:
            counted = self._cells.get(before.cell) or RepairCount(*before.cell, tried=0, accepted=0, tokens=0)
            self._cells[before.cell] = replace(
                counted,
                tried=counted.tried + 1,
                accepted=counted.accepted + accepted,
                tokens=counted.tokens + spent,
            )
        elif attempt.number == 1 and order_id not in self._aside:
            tried, good, paid = self._fresh
            self._fresh = (tried + 1, good + accepted, paid + spent)

    def _reopened(self, record: Reopened) -> None:
        if record.order.kind is not OrderKind.FRESH:
            self._aside.add(record.order_id)
        tried = frozenset(RepairKind(past.repair) for past in record.history if past.repair)
        diagnosed = [past.mode for past in record.history if past.mode]
        cell = None
        if record.repair is not None and diagnosed:
            kind = record.repair.kind
            cell = (FailureMode(diagnosed[-1]), kind, turn_of(kind, tried, first=len(record.history) == 1))
        self._mending[record.order_id] = _Mending(cell, tried)


def is_judged(attempt: Attempt) -> bool:
    """Whether the attempt has a candidate and no gate errored."""
    errored = any(isinstance(verdict, Errored) for verdict in attempt.verdicts)
    return attempt.candidate is not None and not errored
