"""Chooses the dead letters that go back into the queue, and what each takes along.

Law: an order goes back only if its last end is a dead letter. So a second replay puts nothing back twice, and an
accepted order never goes back. What it takes along follows from the ledger alone. Its attempt number continues. Its
next repair is the one that the diagnoser chose last. It knows the accepted drafts of its passage, so that it does not
repeat them, and the rollouts of its passage, so that none is paid for twice.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import count
from typing import Protocol

from msgspec import Struct

from actors.ledger.attempts import asked_before, summary
from actors.ledger.draws import MISSED_DRAWS, known_draws, known_starts
from actors.ledger.history import Life, life_of
from schemas.errors import LedgerError
from schemas.ids import OrderId, PoolName
from schemas.ledger import (
    AcceptedEnd,
    CreditBegun,
    DeadLetteredEnd,
    Record,
    Refused,
    Rejoined,
    Reopened,
    Rescored,
    ShardKind,
)
from schemas.orders import EndReason, Order
from schemas.recovery import FailureMode, Repair
from schemas.verdicts import Rejected

PAGE = 256


class DeadLetterLedger(Protocol):
    """The part of a ledger that reads dead letters."""

    def ends(
        self, kind: ShardKind, after_seq: int, limit: int
    ) -> Sequence[tuple[int, AcceptedEnd | Rescored | DeadLetteredEnd | Refused]]:
        """The next ends of a kind with their sequence numbers, ascending; at most `limit`."""
        ...

    def story(self, order_id: OrderId) -> Sequence[Record]:
        """Every record of one order, oldest first, its plan included."""
        ...

    def reopened(self) -> Sequence[int]:
        """Sequence numbers of the ends that no longer hold."""
        ...


class ReplayRequest(Struct, frozen=True):
    """Selects dead letters by end reason and by last failure mode. An empty set selects all."""

    reasons: frozenset[EndReason] = frozenset()
    modes: frozenset[FailureMode] = frozenset()


class Found(Struct, frozen=True):
    """A dead letter: its last record, that record's sequence number, all its records, and the life they describe."""

    seq: int
    end: DeadLetteredEnd
    records: Sequence[Record]
    life: Life

    @property
    def mode(self) -> FailureMode | None:
        """The last diagnosis; None when no attempt was diagnosed."""
        return self.life.failure_modes[-1] if self.life.failure_modes else None


class Terms(Struct, frozen=True):
    """What is the same for all orders of one replay. `pools`: those of the configuration from now on. `missed_draws`:
    at least as many as the rollouts of one solution that were ever under way together."""

    at: float
    pools: Collection[PoolName]
    changed: tuple[str, ...] = ()
    missed_draws: int = MISSED_DRAWS


def dead_letters(ledger: DeadLetterLedger, wanted: ReplayRequest) -> Iterator[Found]:
    """Every selected order that is a dead letter now, oldest end first."""
    undone = frozenset(ledger.reopened())
    after = 0
    while page := ledger.ends(ShardKind.DEAD_LETTERS, after, PAGE):
        after = page[-1][0]
        for seq, end in page:
            if not isinstance(end, DeadLetteredEnd) or seq in undone:
                continue
            if wanted.reasons and end.end.reason not in wanted.reasons:
                continue
            records = ledger.story(end.order_id)
            found = Found(seq, end, records, life_of(end.order_id, records))
            if not wanted.modes or found.mode in wanted.modes:
                yield found


def reopened(found: Found, ledger: DeadLetterLedger, terms: Terms) -> Reopened:
    """The record that puts a dead letter back. Raises LedgerError when its order was accepted."""
    life = found.life
    if life.accepted_at is not None:
        raise LedgerError(f"order {life.order.id} is accepted and cannot be put back")
    chosen = [attempt.choice.repair for attempt in life.attempts if attempt.choice and attempt.choice.repair]
    requeued = [record.attempt.choice for record in found.records if isinstance(record, Rejoined)]
    stories = list(_stories(ledger, life))
    credited = any(isinstance(record, CreditBegun) for story in stories for record in story)
    first = next((choice.repair.kind for choice in requeued if choice and choice.repair), None)
    return Reopened(
        at=terms.at,
        order=life.order,
        passage=life.passage,
        end_seq=found.seq,
        end=found.end.end,
        rejected=any(isinstance(said, Rejected) for attempt in life.attempts for said in attempt.verdicts),
        history=tuple(summary(attempt) for attempt in life.attempts),
        times=len(life.put_back) + 1,
        repair=_possible(chosen[-1], terms.pools) if chosen else None,
        first_repair=first,
        asked=asked_before(record for story in stories for record in story),
        drawn=known_draws(ledger, life.passage, stories, missed_draws=terms.missed_draws) if credited else (),
        starts=known_starts(stories) if credited else (),
        changed=terms.changed,
    )


def _possible(repair: Repair, pools: Collection[PoolName]) -> Repair | None:
    """The repair; None (a fresh attempt) when the pool that it escalates to no longer exists."""
    return repair if repair.pool is None or repair.pool in pools else None


def _stories(ledger: DeadLetterLedger, life: Life) -> Iterator[Sequence[Record]]:
    """The records of each order of the passage, by slots, which have no gap."""
    for slot in count():
        story = ledger.story(Order.fresh(life.passage.id, life.order.task, slot).id)
        if not story:
            return
        yield story
