"""RegenerationQueue: owns every outstanding order. A pure state machine: facts and `now` in, records out.

Law: an order is ready, leased or waiting until it ends, once, as accepted or dead-lettered; then it is forgotten.
Issued = accepted + dead-lettered + outstanding, after every call. Only the ledger brings a dead letter back: its record
carries the order's past, so that its attempts count on while it has a whole budget of attempts again.

A lease is a hint, the attempt number is the truth. A lease that ends or whose conductor dies puts its order back under
the *same* attempt number. The first report on an attempt number moves the order on; any other is stale and changes
nothing. So a late result is used or dropped, never both, and no clock decides what is true. What a dropped one took was
spent all the same: it is charged, once for each time that its attempt was leased beyond the first.

Repairs go ahead of fresh orders, so that what was rejected is mended at once however long the backlog is. While both
wait, `fresh_share` of the leases are fresh ones, so that neither starves. Within a kind the oldest goes first.
"""

from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import count

from actors.ledger.attempts import cost, summary, tokens
from actors.queue.held import AskedQuestions, Depth, Held, OrderState, QueueLimits, Similarity
from schemas.corpus import Passage
from schemas.errors import LedgerError
from schemas.ids import OrderId, PassageId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Record, Rejoined, Reopened, StaleReport
from schemas.orders import (
    Accept,
    DeadLetter,
    EndReason,
    Holding,
    Lease,
    Order,
    OrderKind,
    Outcome,
    Recorded,
    Requeue,
    Settlement,
    Stale,
)
from schemas.verdicts import Rejected

Heap = list[tuple[float, int, OrderId]]
MOST_OWED = 10_000
"""Attempts with reports still to come that are remembered: more than any outage leaves behind."""


class RegenerationQueue:
    """`similarity` compares two samples of one passage, in [0, 1]."""

    def __init__(self, limits: QueueLimits, similarity: Similarity) -> None:
        self._limits = limits
        self._asked = AskedQuestions(similarity, limits.similarity_threshold)
        self._held: dict[OrderId, Held] = {}
        self._known: set[bytes] = set()
        self._open: dict[PassageId, int] = {}
        self._by_state = dict.fromkeys(OrderState, 0)
        self._fresh: Heap = []
        self._repairs: Heap = []
        self._fresh_due = 0.0
        self._leases: Heap = []
        self._waiting: Heap = []
        self._stamps = count(1)
        self._followed: list[Record] = []
        self._owed: dict[tuple[OrderId, int], int] = {}
        """Attempts that are over and were leased more often than reported, and how often: each may still be reported by
        who made it in vain. A message that is sent twice is no second making."""
        self.issued = self.accepted = self.dead_lettered = self.stale = self.spent = 0

    @property
    def outstanding(self) -> int:
        return len(self._held)

    @property
    def idle(self) -> bool:
        """Nothing is left to be done."""
        return not self._held

    @property
    def exhausted(self) -> bool:
        """The token budget is spent."""
        return self._limits.tokens is not None and self.spent >= self._limits.tokens

    def knows(self, passage_id: PassageId) -> bool:
        """Whether the passage was planned, ever."""
        return bytes.fromhex(passage_id) in self._known

    def plan(self, passage: Passage, orders: Sequence[Order], now: float) -> Planned | None:
        """Takes in a passage and its orders; None when it is known already."""
        if self.knows(passage.id):
            return None
        planned = Planned(at=now, passage=passage, orders=tuple(orders))
        self._add(planned)
        return planned

    def lease(self, now: float, conductor: str, limit: int) -> list[Lease]:
        """Up to `limit` leases, most urgent first. Nothing once the budget is spent."""
        self._wake(now)
        leases: list[Lease] = []
        while len(leases) < limit and not self.exhausted and (heap := self._next_heap()) is not None:
            order_id = heappop(heap)[2]
            held = self._held[order_id]
            expires_at = self._lend(held, conductor, now)
            before = held.attempts_before
            leases.append(Lease(held.order, held.passage, held.attempt, expires_at, held.repair, held.history, before))
        return leases

    def hold(self, conductor: str, holdings: Sequence[Holding], now: float) -> int:
        """Leases to a conductor what it works on since before this queue was made again; gives how many."""
        count = 0
        for holding in holdings:
            held = self._held.get(holding.order_id)
            if held is not None and held.attempt == holding.attempt and held.state is OrderState.READY:
                self._lend(held, conductor, now)
                count += 1
        return count

    def release(self, conductor: str, now: float) -> int:
        """Puts back what a dead conductor had leased; gives how many."""
        lost = [held for held in self._held.values() if held.state is OrderState.LEASED and held.conductor == conductor]
        for held in lost:
            self._make_ready(held, now)
        return len(lost)

    def settle(self, outcome: Outcome, now: float) -> tuple[Settlement, Record | None]:
        """What becomes of an outcome, and the record that must be durable before anyone is told.

        So is an attempt number ahead of ours, which nobody was given: a lease is told when what it rests on is durable.
        """
        held = self._held.get(outcome.order_id)
        if held is None or outcome.attempt.number != held.attempt:
            self.stale += 1
            self._charge_stale(outcome, now)
            return Stale(outcome.order_id), None
        if isinstance(outcome.decision, Accept):
            duplicate = self._asked.again(held.order, outcome.attempt)
            if duplicate is not None:
                return duplicate, None
        record = self._record(held, outcome, now)
        self._apply(held, record)
        return Recorded(outcome.order_id), record

    def followed(self) -> list[Record]:
        """Records that followed from the last calls, beside those they gave: to be made durable with them."""
        records, self._followed = self._followed, []
        return records

    def end_unleased(self, now: float, end: DeadLetter) -> list[Record]:
        """Dead-letters every order of a sample that nobody works on (a spent budget). What was never planned as one,
        as rollouts are not, has no end of this kind."""
        idle = [held for held in self._held.values() if _is_of_sample(held) and held.state is not OrderState.LEASED]
        records: list[Record] = [DeadLetteredEnd(now, held.order.id, None, end) for held in idle]
        for held, record in zip(idle, records, strict=True):
            self._apply(held, record)
        return records

    def replay(self, record: Record) -> None:
        """One record of the ledger, in order. Leases are not recorded: whatever was leased is ready again."""
        if isinstance(record, Planned):
            self._add(record)
        elif isinstance(record, Reopened):
            self._reopen(record)
        elif isinstance(record, Rejoined | AcceptedEnd | DeadLetteredEnd):
            held = self._held.get(record.order_id)
            if held is None or not _is_of_sample(held):
                raise LedgerError(f"the ledger ends or repairs order {record.order_id}, which is not outstanding")
            self._apply(held, record)
        elif isinstance(record, StaleReport):
            self.spent += record.cost.tokens

    def charge(self, tokens: int) -> None:
        """Tokens of the budget that were spent beside orders: on canaries."""
        self.spent += tokens

    def _charge_stale(self, outcome: Outcome, now: float) -> None:
        key = (outcome.order_id, outcome.attempt.number)
        owed = self._owed.pop(key, 0)
        if owed > 1:
            self._owed[key] = owed - 1
        if owed:
            report = StaleReport(now, outcome.order_id, outcome.attempt.number, cost(outcome.attempt))
            self.spent += report.cost.tokens
            self._followed.append(report)

    def _owe(self, held: Held, *, reported: bool) -> None:
        """The present attempt is over: who else made it has not reported yet."""
        owed, held.lent = held.lent - reported, 0
        if owed > 0:
            key = (held.order.id, held.attempt)
            self._owed[key] = self._owed.get(key, 0) + owed
            if len(self._owed) > MOST_OWED:
                del self._owed[next(iter(self._owed))]

    def next_wake(self) -> float | None:
        """When a waiting order becomes ready or a lease ends; None when neither can happen."""
        return min((heap[0][0] for heap in (self._waiting, self._leases) if heap), default=None)

    def depth(self) -> Depth:
        """How many orders are in which state."""
        fronts = [heap[0][0] for heap in (self._fresh, self._repairs) if self._has_front(heap)]
        ready, leased, waiting = (
            self._by_state[state] for state in (OrderState.READY, OrderState.LEASED, OrderState.WAITING)
        )
        return Depth(ready=ready, leased=leased, waiting=waiting, oldest_since=min(fronts, default=None))

    def check(self) -> None:
        """Raises AssertionError when an invariant does not hold. For tests: it looks at every order."""
        assert self.issued == self.accepted + self.dead_lettered + self.outstanding
        for state in OrderState:
            assert self._by_state[state] == sum(held.state is state for held in self._held.values()), state
        live = {(stamp, order_id) for heap in self._heaps() for _, stamp, order_id in heap}
        for order_id, held in self._held.items():
            assert (held.stamp, order_id) in live, f"{held.told()} is in no heap"
            assert 1 <= held.attempt - held.attempts_before <= self._limits.max_attempts, held.told()
            assert (held.conductor is not None) == (held.state is OrderState.LEASED), held.told()
        assert self._asked.passages <= set(self._open)
        assert sum(self._open.values()) == self.outstanding

    def _add(self, planned: Planned) -> None:
        self._known.add(bytes.fromhex(planned.passage.id))
        if planned.orders:
            self._open[planned.passage.id] = len(planned.orders)
        for order in planned.orders:
            if order.id in self._held:
                raise LedgerError(f"order {order.id} is issued twice")
            self._add_held(Held(order, planned.passage, 1, 0, OrderState.READY, planned.at))
            self.issued += 1

    def _reopen(self, record: Reopened) -> None:
        passage = record.passage
        if record.order_id in self._held or not self.knows(passage.id) or not self.dead_lettered:
            raise LedgerError(f"the ledger puts back order {record.order_id}, which is no dead letter")
        if passage.id not in self._open:
            self._asked.remember(passage.id, record.asked)
        self._open[passage.id] = self._open.get(passage.id, 0) + 1
        self.dead_lettered -= 1
        before = record.attempts_before
        held = Held(record.order, passage, before + 1, 0, OrderState.READY, record.at, record.repair)
        held.history, held.attempts_before = record.history, before
        self._add_held(held)

    def _add_held(self, held: Held) -> None:
        self._held[held.order.id] = held
        self._by_state[OrderState.READY] += 1
        self._make_ready(held, held.since)

    def _lend(self, held: Held, conductor: str, now: float) -> float:
        expires_at = now + self._limits.lease_s
        self._move(held, OrderState.LEASED, now)
        held.conductor = conductor
        held.lent += 1
        heappush(self._leases, (expires_at, held.stamp, held.order.id))
        return expires_at

    def _record(self, held: Held, outcome: Outcome, now: float) -> Record:
        attempt, decision = outcome.attempt, outcome.decision
        match decision:
            case Accept():
                return AcceptedEnd(now, held.order.id, attempt)
            case DeadLetter():
                return DeadLetteredEnd(now, held.order.id, attempt, decision)
            case Requeue() if held.attempt - held.attempts_before >= self._limits.max_attempts:
                gates = tuple(verdict.gate for verdict in attempt.verdicts if isinstance(verdict, Rejected))
                made = held.attempt - held.attempts_before
                end = DeadLetter(EndReason.REJECTED, f"all {made} attempts were rejected", gates)
                return DeadLetteredEnd(now, held.order.id, attempt, end)
            case Requeue() if self._limits.tokens is not None and self.spent + tokens(attempt) >= self._limits.tokens:
                return DeadLetteredEnd(now, held.order.id, attempt, BUDGET_SPENT)
            case Requeue():
                return Rejoined(now, held.order.id, attempt)

    def _apply(self, held: Held, record: Record) -> None:
        if isinstance(record, Rejoined):
            self._rejoin(held, record)
            return
        assert isinstance(record, AcceptedEnd | DeadLetteredEnd)
        self._owe(held, reported=record.attempt is not None)
        if record.attempt is not None:
            self.spent += tokens(record.attempt)
        passage_id = held.order.passage_id
        if isinstance(record, AcceptedEnd):
            self.accepted += 1
            self._asked.add(held.order, record.attempt)
        else:
            self.dead_lettered += 1
        self._by_state[held.state] -= 1
        del self._held[held.order.id]
        self._open[passage_id] -= 1
        if not self._open[passage_id]:
            del self._open[passage_id]
            self._asked.forget(passage_id)

    def _rejoin(self, held: Held, record: Rejoined) -> None:
        choice = record.attempt.choice
        self.spent += tokens(record.attempt)
        self._owe(held, reported=True)
        held.attempt = record.attempt.number + 1
        held.repair = None if choice is None else choice.repair
        held.history = (*held.history, summary(record.attempt))
        self._make_ready(held, record.at)

    def _wake(self, now: float) -> None:
        for heap in (self._leases, self._waiting):
            while heap and (self._is_old(heap[0]) or heap[0][0] <= now):
                entry = heappop(heap)
                if not self._is_old(entry):
                    self._make_ready(self._held[entry[2]], now)

    def _is_old(self, entry: tuple[float, int, OrderId]) -> bool:
        held = self._held.get(entry[2])
        return held is None or held.stamp != entry[1]

    def _make_ready(self, held: Held, now: float) -> None:
        self._move(held, OrderState.READY, now)
        heappush(self._fresh if held.attempt == 1 else self._repairs, (now, held.stamp, held.order.id))

    def _heaps(self) -> tuple[Heap, ...]:
        return self._fresh, self._repairs, self._leases, self._waiting

    def _next_heap(self) -> Heap | None:
        """Where the next lease comes from; None when nothing is ready."""
        fresh, repairs = self._has_front(self._fresh), self._has_front(self._repairs)
        if not (fresh and repairs):
            return self._fresh if fresh else self._repairs if repairs else None
        self._fresh_due += self._limits.fresh_share
        if self._fresh_due < 1:
            return self._repairs
        self._fresh_due -= 1
        return self._fresh

    def _has_front(self, heap: Heap) -> bool:
        """Whether anything live is in the heap; then it is in front."""
        while heap and self._is_old(heap[0]):
            heappop(heap)
        return bool(heap)

    def _move(self, held: Held, state: OrderState, now: float) -> None:
        self._by_state[held.state] -= 1
        self._by_state[state] += 1
        held.state, held.since, held.stamp, held.conductor = state, now, next(self._stamps), None


def _is_of_sample(held: Held) -> bool:
    return held.order.kind is OrderKind.FRESH


BUDGET_SPENT = DeadLetter(EndReason.BUDGET, "the token budget is spent")
