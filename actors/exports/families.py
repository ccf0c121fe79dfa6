"""Reads a ledger for exports: passage by passage, the orders that have ended.

Law: only one passage's orders are in memory at a time. An order that may not be exported leaves this module only as a
count, so later code cannot export any part of it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from actors.exports.advantages import SMALLEST_FALL, critical_steps
from actors.ledger.draws import rollouts_from
from actors.ledger.history import Life, life_of
from schemas.corpus import Passage
from schemas.credit import CreditLabel, prefix_id
from schemas.exports import LeftOut
from schemas.ids import OrderId, PoolName
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Reconfigured, Record, Rejoined, Rescored, Rolled
from schemas.orders import Attempt, Order
from schemas.verdicts import GateName

PAGE = 64
"""The most plans in memory at once, without their orders' records."""
_GATES = ("gates.", "judging.")


class FamilyLedger(Protocol):
    """The part of a ledger that exports read."""

    def planned(self, after_seq: int, limit: int) -> Sequence[tuple[int, Planned]]:
        """The next plans with their sequence numbers, ascending; at most `limit`."""
        ...

    def story(self, order_id: OrderId) -> Sequence[Record]:
        """Every record of one order, oldest first, its plan included."""
        ...

    def reconfigured(self) -> Sequence[tuple[int, Reconfigured]]:
        """Every replacement of the configuration with its sequence number, oldest first."""
        ...


class Told(Struct, frozen=True):
    """An attempt with its order's life and the model that wrote it."""

    life: Life
    attempt: Attempt
    model: str | None
    gates_changed: bool
    """Whether gates were reconfigured after they judged this attempt."""
    kinds: Mapping[GateName, GateName] = {}
    """The built-in kind of each gate of the configuration."""

    @property
    def key(self) -> str:
        """A key that is the same in every export of the ledger."""
        return f"{self.life.order.id}:{self.attempt.number}"


class Child(Struct, frozen=True):
    """An ended order of a family, with its attempts in order."""

    life: Life
    attempts: tuple[Told, ...]

    @property
    def accepted(self) -> Told | None:
        """The attempt that became the sample."""
        return self.attempts[-1] if self.life.accepted_at is not None else None

    @property
    def rejected(self) -> tuple[Told, ...]:
        """The attempts that did not become the sample."""
        return self.attempts if self.life.accepted_at is None else self.attempts[:-1]


class Family(Struct, frozen=True):
    """A passage with its ended, exportable orders. `left` counts the orders that are not exportable or not ended."""

    passage: Passage
    children: tuple[Child, ...]
    left: tuple[LeftOut, ...] = ()
    rollouts: tuple[Rolled, ...] = ()
    """Right rollouts of its credited attempts from the prefix before the first pit (math)."""
    before_critical: tuple[Rolled, ...] = ()
    """Right rollouts from the prefixes before earlier critical steps, however small their loss."""


class Eras:
    """The configuration under which an attempt was made and judged. `models`: each pool's model now. `kinds`: each
    gate's kind now.

    The queue and `gleaner replay` stamp their records on one machine, never at the same time, so a record's `at`
    decides which configuration was in force.
    """

    def __init__(
        self,
        earlier: Sequence[Reconfigured],
        models: Mapping[PoolName, str],
        kinds: Mapping[GateName, GateName],
    ) -> None:
        self._earlier = earlier
        self._models = models
        self.kinds = kinds

    def models_at(self, at: float) -> Mapping[PoolName, str]:
        """The models of that time."""
        return next((era.models for era in self._earlier if at < era.at), self._models)

    def gates_changed_since(self, at: float) -> bool:
        """Whether a gate was reconfigured after that time."""
        return any(at < era.at and any(key.startswith(_GATES) for key in era.changed) for era in self._earlier)


def families(
    ledger: FamilyLedger, models: Mapping[PoolName, str], kinds: Mapping[GateName, GateName] | None = None
) -> Iterator[Family]:
    """Every passage of a ledger, in the order of the plans. `kinds`: each configured gate's kind."""
    eras = Eras([era for _, era in ledger.reconfigured()], models, kinds or {})
    after = 0
    while page := ledger.planned(after, PAGE):
        for _, planned in page:
            if not planned.follows:
                yield _family(ledger, planned, eras)
        after = page[-1][0]


def _family(ledger: FamilyLedger, planned: Planned, eras: Eras) -> Family:
    children: list[Child] = []
    left: list[LeftOut] = []
    for order in (*planned.orders, *_further(ledger, planned)):
        records = ledger.story(order.id)
        life = life_of(order.id, records)
        if not life.exportable:
            left.append(LeftOut.MEASURED)
        elif life.accepted_at is None and life.end is None:
            left.append(LeftOut.OUTSTANDING)
        else:
            children.append(Child(life, tuple(_told(life, records, eras))))
    rollouts = {rolled.order_id: rolled for child in children for rolled in _rollouts(ledger, child, _pit)}
    earlier = {rolled.order_id: rolled for child in children for rolled in _rollouts(ledger, child, _falls)}
    before = tuple(rolled for order_id, rolled in earlier.items() if order_id not in rollouts)
    return Family(planned.passage, tuple(children), tuple(left), tuple(rollouts.values()), before)


def _further(ledger: FamilyLedger, planned: Planned) -> Iterator[Order]:
    """The orders that followed those of a plan because its passage still gave: they are of its family."""
    if planned.until is None:
        return
    last = planned.orders[-1]
    while True:
        story = ledger.story(Order.fresh(last.passage_id, last.task, last.slot + 1).id)
        plan = next((record for record in story if isinstance(record, Planned)), None)
        if plan is None or not plan.follows:
            return
        yield from plan.orders
        last = plan.orders[-1]


def _pit(label: CreditLabel) -> list[int]:
    return [] if label.first_pit is None else [label.first_pit]


def _falls(label: CreditLabel) -> list[int]:
    return critical_steps(label, SMALLEST_FALL, before=label.first_pit or 1)


def _rollouts(ledger: FamilyLedger, child: Child, steps_of: Callable[[CreditLabel], list[int]]) -> Iterator[Rolled]:
    """The right rollouts from the prefixes before the given steps of a child's credited solutions."""
    for told in child.attempts:
        draft = told.attempt.candidate.draft if told.attempt.candidate is not None else None
        labels = (each for each in child.life.credits if each.attempt == told.attempt.number)
        for label in labels if draft is not None else ():
            for step in steps_of(label):
                prefix = draft.answer[: label.values[step - 1].end] if draft is not None else ""
                drawn = rollouts_from(ledger, prefix_id(child.life.passage.id, prefix, label.policy))
                yield from (rolled for rolled in drawn if rolled.right)


def _told(life: Life, records: Sequence[Record], eras: Eras) -> list[Told]:
    told: list[Told] = []
    for record in records:
        if not isinstance(record, Rejoined | AcceptedEnd | Rescored | DeadLetteredEnd) or record.attempt is None:
            continue
        if isinstance(record, Rescored):  # the new verdicts replace the old ones
            told.pop()
        candidate = record.attempt.candidate
        model = None if candidate is None else eras.models_at(record.at).get(candidate.pool)
        told.append(Told(life, record.attempt, model, eras.gates_changed_since(record.at), eras.kinds))
    return told
