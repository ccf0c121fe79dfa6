"""The queue of a run whose rejected solutions are credited. Law: rollouts are orders of their own kind, in the same
leases, and in none of the counts of samples; nothing waits for them but the order whose solution they credit, and that
no longer than `wait_s`.

A wrong solution begins a credit (`CreditBegun`); its order, if it would be drawn again, waits and then restarts from
the last good prefix. Every record is the fact of one transition, so a replay comes to the same state, labels that were
not durable included.
"""

from heapq import heappush

from msgspec import Struct

from actors.credit.desk import CreditDesk, Finished, Moves, Result, Rollout
from actors.credit.targets import target_of
from actors.ledger.draws import is_start
from actors.queue.held import Depth, Held, OrderState, QueueLimits, Similarity
from actors.queue.machine import Heap, RegenerationQueue
from schemas.config_credit import Credit
from schemas.credit import RolloutId
from schemas.ids import OrderId, PassageId
from schemas.ledger import AcceptedEnd, CreditBegun, Credited, DeadLetteredEnd, Record, Rejoined, Reopened, Rolled
from schemas.orders import (
    Accept,
    Attempt,
    DeadLetter,
    EndReason,
    Order,
    OrderKind,
    Outcome,
    Recorded,
    Settlement,
)
from schemas.recovery import Modes, Repair, RepairKind
from schemas.samples import Cost


class CreditTerms(Struct, frozen=True):
    """`temperature`: of rollouts, and of restarts. `restart`: a solution that would be drawn again restarts instead."""

    config: Credit
    temperature: float
    restart: bool


class CreditQueue(RegenerationQueue):
    """`desk` knows what is to be drawn and what it says."""

    def __init__(self, limits: QueueLimits, similarity: Similarity, desk: CreditDesk, terms: CreditTerms) -> None:
        super().__init__(limits, similarity)
        self._desk = desk
        self._terms = terms
        self._rolling: dict[OrderId, Rollout] = {}
        self._rollouts: Heap = []
        self._rollouts_due = 0.0
        self._awaiting: set[OrderId] = set()
        self._closing: PassageId | None = None
        self.rolled = self.rolled_tokens = 0

    @property
    def outstanding(self) -> int:
        """Orders of samples; rollouts are none."""
        return len(self._held) - len(self._rolling)

    def settle(self, outcome: Outcome, now: float) -> tuple[Settlement, Record | None]:
        """The same for both kinds: what it becomes, and the record that must be durable before anyone is told."""
        rollout = self._rolling.get(outcome.order_id)
        if rollout is not None:
            record = self._rolled(rollout, outcome, now)
            self._apply_rolled(record)
            return Recorded(outcome.order_id), record
        held = self._held.get(outcome.order_id)
        settlement, record = super().settle(outcome, now)
        if held is not None and isinstance(record, Rejoined | DeadLetteredEnd):
            self._credit(held, record)
        return settlement, record

    def replay(self, record: Record) -> None:
        """One record of the ledger. What follows from it stands further on there, or is still to be made durable."""
        match record:
            case CreditBegun():
                self._apply_begun(record)
            case Rolled():
                self._apply_rolled(record)
            case Credited():
                self._followed = [kept for kept in self._followed if not _same(kept, record)]
                self._apply_credited(record)
            case _:
                super().replay(record)

    def end_unleased(self, now: float, end: DeadLetter) -> list[Record]:
        """Every credit ends with what is known, then every order that nobody works on. A rollout that somebody makes
        is recorded when he reports it, and forgotten when his lease ends."""
        self._follow(self._desk.close_all(), now)
        return super().end_unleased(now, end)

    def depth(self) -> Depth:
        """Of orders of samples alone."""
        depth = super().depth()
        states = [self._held[rolling].state for rolling in self._rolling]
        return Depth(
            ready=depth.ready - states.count(OrderState.READY),
            leased=depth.leased - states.count(OrderState.LEASED),
            waiting=depth.waiting,
            oldest_since=depth.oldest_since,
            rollouts=len(states),
        )

    def check(self) -> None:
        """The same, and of the rollouts too."""
        super().check()
        assert all(self._held[order_id].order.kind is OrderKind.ROLLOUT for order_id in self._rolling)
        assert sum(held.order.kind is OrderKind.ROLLOUT for held in self._held.values()) == len(self._rolling)
        assert self._desk.open <= self._terms.config.max_open
        for order_id, rollout in self._rolling.items():
            leased = self._held[order_id].state is OrderState.LEASED
            assert leased or self._desk.is_awaited(rollout.id), "a rollout is to be made that nothing waits for"
        if self._desk.open:
            assert self._rolling, "a credit is open, and nothing is drawn for it"

    def _credit(self, held: Held, record: Rejoined | DeadLetteredEnd) -> None:
        """Begins the credit of a wrong solution, within the bounds of solutions and tokens."""
        attempt, config = record.attempt, self._terms.config
        if attempt is None or not _is_wrong(attempt) or not _is_sample(held, attempt):
            return
        if self.exhausted or self._desk.open >= config.max_open:
            return
        if self.rolled_tokens > config.token_share * self.spent:
            return
        assert attempt.candidate is not None
        assert attempt.candidate.draft is not None
        solution = attempt.candidate.draft.answer
        target = target_of(held.passage.id, held.order.id, attempt.number, solution)
        begun = CreditBegun(record.at, held.order.id, target, held.passage)
        self._followed.append(begun)
        self._apply_begun(begun)

    def _apply_begun(self, begun: CreditBegun) -> None:
        held = self._held.get(begun.order_id)
        if self._terms.restart and held is not None and _would_resample(held, begun.target.attempt):
            self._move(held, OrderState.WAITING, begun.at)
            heappush(self._waiting, (begun.at + self._terms.config.wait_s, held.stamp, held.order.id))
            self._awaiting.add(held.order.id)
        self._follow(self._desk.begin(begun.target, begun.passage), begun.at)

    def _apply_credited(self, record: Credited) -> None:
        """A label that did not follow from a rollout: a spent budget had closed its credit."""
        moves = self._desk.close((record.order_id, record.label.attempt))
        self._follow(Moves([], moves.idle, []), record.at)

    def _apply_rolled(self, record: Rolled) -> None:
        held = self._held.pop(record.order_id, None)
        if held is not None:
            self._owe(held, reported=True)
            self._by_state[held.state] -= 1
            del self._rolling[record.order_id]
        self.rolled += 1
        self.spent += record.cost.tokens
        self.rolled_tokens += record.cost.tokens
        result = Result(record.right, record.cost)
        self._follow(self._desk.rolled(record.passage_id, record.prefix, record.draw, result), record.at)
        if record.passage_id not in self._open:
            self._desk.forget(record.passage_id)

    def _rolled(self, rollout: Rollout, outcome: Outcome, now: float) -> Rolled:
        attempt, decision = outcome.attempt, outcome.decision
        right = True if isinstance(decision, Accept) else None
        if isinstance(decision, DeadLetter) and decision.reason is EndReason.REJECTED:
            right = False
        candidate = attempt.candidate
        return Rolled(
            at=now,
            order_id=outcome.order_id,
            passage_id=rollout.passage.id,
            prefix=rollout.prefix,
            draw=rollout.draw,
            policy=self._desk.source.policy,
            right=right,
            text="" if candidate is None else candidate.text,
            cost=sum((verdict.cost for verdict in attempt.verdicts), Cost() if candidate is None else candidate.cost),
        )

    def _follow(self, moves: Moves, now: float) -> None:
        for rollout in moves.issue:
            order_id = OrderId(rollout.id)
            order = Order(order_id, rollout.passage.id, "rollout", rollout.draw, OrderKind.ROLLOUT)
            directive = Repair(RepairKind.RESTART_FROM_PREFIX, self._terms.temperature, prefix=rollout.prefix)
            self._rolling[order_id] = rollout
            self._add_held(Held(order, rollout.passage, 1, 0, OrderState.READY, now, directive))
        for idle in moves.idle:
            self._take_back(idle)
        for finished in moves.labels:
            label = finished.label
            self._followed.append(Credited(now, label.order_id, label))
            self._go_on(finished, now)

    def _take_back(self, idle: RolloutId) -> None:
        """A rollout that nothing waits for any more, unless somebody makes it already: then when his lease ends."""
        order_id = OrderId(idle)
        held = self._held.get(order_id)
        if held is not None and held.state is not OrderState.LEASED:
            self._drop(held)

    def _drop(self, held: Held) -> None:
        self._owe(held, reported=False)
        self._by_state[held.state] -= 1
        del self._held[held.order.id]
        self._desk.drop(self._rolling.pop(held.order.id).id)

    def _go_on(self, finished: Finished, now: float) -> None:
        """The order that waited restarts behind the last good step; where that is none, it is drawn again."""
        label = finished.label
        held = self._held.get(label.order_id)
        if label.order_id not in self._awaiting or held is None:
            return
        self._awaiting.discard(label.order_id)
        if held.state is not OrderState.WAITING or held.attempt != label.attempt + 1:
            return
        if finished.good:
            kind, temperature = RepairKind.RESTART_FROM_PREFIX, self._terms.temperature
            held.repair = Repair(kind, temperature, prefix=finished.good, origin=label.attempt)
        self._make_ready(held, now)

    def _apply(self, held: Held, record: Record) -> None:
        """A problem's first attempts are draws from the problem itself: its own solve rate costs nothing."""
        self._forget_closing()
        attempt = record.attempt if isinstance(record, Rejoined | AcceptedEnd | DeadLetteredEnd) else None
        passage_id = held.order.passage_id
        if attempt is not None and held.order.kind is OrderKind.FRESH and is_start(attempt):
            self._desk.started(passage_id, held.order.id, right=isinstance(record, AcceptedEnd))
        super()._apply(held, record)
        if passage_id not in self._open:  # the credit that this record may begin still needs what is known of it
            self._closing = passage_id

    def _reopen(self, record: Reopened) -> None:
        self._forget_closing()
        super()._reopen(record)
        self._desk.remember(record.passage.id, record.drawn, record.starts)

    def _forget_closing(self) -> None:
        if self._closing is not None:
            self._desk.forget(self._closing)
            self._closing = None

    def _make_ready(self, held: Held, now: float) -> None:
        if held.order.kind is not OrderKind.ROLLOUT:
            super()._make_ready(held, now)
            return
        if not self._desk.is_awaited(self._rolling[held.order.id].id):
            self._drop(held)
            return
        self._move(held, OrderState.READY, now)
        heappush(self._rollouts, (now, held.stamp, held.order.id))

    def _heaps(self) -> tuple[Heap, ...]:
        return (*super()._heaps(), self._rollouts)

    def _next_heap(self) -> Heap | None:
        """Rollouts come last, but get their share while others wait, so that no label waits for the corpus's end."""
        if not self._has_front(self._rollouts):
            return super()._next_heap()
        if self._has_front(self._fresh) or self._has_front(self._repairs):
            self._rollouts_due += self._terms.config.lease_share
            if self._rollouts_due < 1:
                return super()._next_heap()
            self._rollouts_due -= 1
        return self._rollouts


def _is_wrong(attempt: Attempt) -> bool:
    """A solution that can be read and ends in another answer."""
    diagnosis, candidate = attempt.diagnosis, attempt.candidate
    return (
        diagnosis is not None
        and diagnosis.mode == Modes.WRONG_ANSWER
        and candidate is not None
        and candidate.draft is not None
    )


def _is_sample(held: Held, attempt: Attempt) -> bool:
    """What was made bad, or is bad on purpose, says nothing of the policy."""
    return held.order.kind is OrderKind.FRESH and attempt.injected is None


def _would_resample(held: Held, rejected: int) -> bool:
    """Whether the order is about to be drawn again, right after its attempt of that number."""
    repair = held.repair
    drawn_again = repair is not None and repair.kind is RepairKind.RESAMPLE
    return held.state is OrderState.READY and held.attempt == rejected + 1 and drawn_again


def _same(kept: Record, credited: Credited) -> bool:
    """Whether both are the label of the same solution."""
    return (
        isinstance(kept, Credited)
        and kept.order_id == credited.order_id
        and kept.label.attempt == credited.label.attempt
    )
