"""Credit listens to the queue.

Law: rollouts are orders of their own kind. They are leased like the others, and are in no count of samples. Only the
order whose solution they credit waits for them, for `CreditTerms.wait_s` at most.

A wrong solution begins a credit (`CreditBegun`). If its order would be drawn again, it waits and then restarts from the
last good prefix. Every record is the fact of one transition, so a replay reaches the same state, with the labels that
were not durable yet.
"""

from collections.abc import Sequence

from msgspec import Struct

from actors.credit.desk import CreditDesk, Finished, Moves, Result, Rollout
from actors.credit.targets import target_of
from actors.ledger.draws import is_start
from actors.queue.held import Held, OrderState
from actors.queue.listener import GoOn, Instructions, QueueView, Wait, Wanted
from schemas.config_credit import Credit
from schemas.credit import RolloutId
from schemas.ids import OrderId, PassageId
from schemas.ledger import (
    AcceptedEnd,
    CreditBegun,
    Credited,
    DeadLetteredEnd,
    NotNeededEnd,
    Record,
    Rejoined,
    Reopened,
    Rescored,
    Rolled,
)
from schemas.orders import Accept, Attempt, DeadLetter, EndReason, Order, OrderKind, Outcome, cost_of
from schemas.recovery import Modes, Repair, Repairs

MOST_OPEN = 1_000
"""How many solutions are credited at once: their plans are in memory. Others are drawn again without a label."""
WAIT_S = 600.0
"""The longest time for which a rejected solution waits for its label. A label takes less while pools answer."""


class CreditTerms(Struct, frozen=True):
    """`temperature`: of rollouts and restarts. `restart`: a solution that would be drawn again restarts instead."""

    config: Credit
    temperature: float
    restart: bool
    most_open: int = MOST_OPEN
    wait_s: float = WAIT_S


class Credits:
    """The listener for credit. `desk` plans the rollouts and makes labels from their results."""

    def __init__(self, desk: CreditDesk, terms: CreditTerms) -> None:
        self._desk = desk
        self._terms = terms
        self._closing: PassageId | None = None
        self._rolled_tokens = 0

    def hear(self, record: Record, view: QueueView) -> Instructions:
        """Takes a record into the credits; returns the instructions that follow from it."""
        match record:
            case Rejoined() | AcceptedEnd() | Rescored() | DeadLetteredEnd() | NotNeededEnd():
                self._forget_closing()
                self._judged(record, view)
            case Reopened():
                self._forget_closing()
                self._desk.remember(record.passage.id, record.drawn, record.starts)
            case CreditBegun():
                return self._begun(record, view)
            case Rolled():
                return self._rolled(record, view)
            case Credited():  # if no rollout caused it, a spent budget had closed its credit
                moves = self._desk.close((record.order_id, record.label.attempt))
                return self._instructions(Moves([], moves.idle, []), record.at)
            case _:
                pass
        return Instructions()

    def begin(self, record: Record, view: QueueView) -> CreditBegun | None:
        """The credit that begins with a wrong solution; None for other records, and beyond the limits of solutions and
        tokens."""
        held, config = view.held, self._terms.config
        if not isinstance(record, Rejoined | DeadLetteredEnd) or held is None:
            return None
        attempt = record.attempt
        if attempt is None or not _is_wrong(attempt):
            return None
        if view.exhausted or self._desk.open >= self._terms.most_open:
            return None
        if self._rolled_tokens > config.token_share * view.spent:
            return None
        assert attempt.candidate is not None
        assert attempt.candidate.draft is not None
        solution = attempt.candidate.draft.answer
        target = target_of(held.passage.id, held.order.id, attempt.number, solution)
        return CreditBegun(record.at, held.order.id, target, held.passage)

    def end(self, held: Held, outcome: Outcome, now: float) -> Rolled:
        """The record of a report on a rollout."""
        attempt, decision, candidate = outcome.attempt, outcome.decision, outcome.attempt.candidate
        assert held.repair is not None, held.told()
        right = True if isinstance(decision, Accept) else None
        if isinstance(decision, DeadLetter) and decision.reason is EndReason.REJECTED:
            right = False
        return Rolled(
            at=now,
            order_id=held.order.id,
            passage_id=held.passage.id,
            prefix=held.repair.prefix,
            draw=held.order.slot,
            policy=self._desk.source.policy,
            right=right,
            text="" if candidate is None else candidate.text,
            cost=cost_of(attempt),
        )

    def close(self, now: float) -> Instructions:
        """The budget is spent: every credit ends with the results so far. A leased rollout is recorded when its report
        comes, and forgotten if its lease ends first."""
        return self._instructions(self._desk.close_all(), now)

    def awaits(self, order_id: OrderId) -> bool:
        """Whether a credit still needs the result of a rollout."""
        return self._desk.is_awaited(RolloutId(order_id))

    def dropped(self, order_id: OrderId) -> None:
        """A rollout was taken back before a report on it came."""
        self._desk.drop(RolloutId(order_id))

    def check(self, issued: Sequence[Held]) -> None:
        """Raises AssertionError when an invariant does not hold."""
        assert self._desk.open <= self._terms.most_open
        assert issued or not self._desk.open, "a credit is open, and nothing is drawn for it"

    def _judged(
        self, record: Rejoined | AcceptedEnd | Rescored | DeadLetteredEnd | NotNeededEnd, view: QueueView
    ) -> None:
        """A problem's first attempts count as draws from the problem itself, so its solve rate costs no rollouts."""
        held, attempt = view.held, None if isinstance(record, Rescored | NotNeededEnd) else record.attempt
        assert held is not None, "a sample's record is of an order that the queue held"
        passage_id = held.order.passage_id
        if attempt is not None and held.order.kind is OrderKind.FRESH and is_start(attempt):
            self._desk.started(passage_id, held.order.id, right=isinstance(record, AcceptedEnd))
        if passage_id not in view.open_passages:  # the credit that may begin now still needs its known draws
            self._closing = passage_id

    def _begun(self, begun: CreditBegun, view: QueueView) -> Instructions:
        wait = ()
        if self._terms.restart and _would_resample(view.held, begun.target.attempt):
            wait = (Wait(begun.order_id, begun.at + self._terms.wait_s),)
        return self._instructions(self._desk.begin(begun.target, begun.passage), begun.at, wait)

    def _rolled(self, record: Rolled, view: QueueView) -> Instructions:
        self._rolled_tokens += record.cost.tokens
        result = Result(record.right, record.cost)
        moves = self._desk.rolled(record.passage_id, record.prefix, record.draw, result)
        if record.passage_id not in view.open_passages:
            self._desk.forget(record.passage_id)
        return self._instructions(moves, record.at)

    def _instructions(self, moves: Moves, now: float, wait: Sequence[Wait] = ()) -> Instructions:
        return Instructions(
            issue=[self._wanted(rollout) for rollout in moves.issue],
            wait=wait,
            take_back=[OrderId(rollout) for rollout in moves.idle],
            records=[Credited(now, each.label.order_id, each.label) for each in moves.labels],
            go_on=[self._go_on(each) for each in moves.labels],
        )

    def _wanted(self, rollout: Rollout) -> Wanted:
        order = Order(OrderId(rollout.id), rollout.passage.id, "rollout", rollout.draw, OrderKind.ROLLOUT)
        repair = Repair(Repairs.RESTART_FROM_PREFIX, self._terms.temperature, prefix=rollout.prefix)
        return Wanted(order, rollout.passage, repair)

    def _go_on(self, finished: Finished) -> GoOn:
        """The order restarts after the last good step; if there is none, it is drawn again."""
        label, repair = finished.label, None
        if finished.good:
            kind, temperature = Repairs.RESTART_FROM_PREFIX, self._terms.temperature
            repair = Repair(kind, temperature, prefix=finished.good, origin=label.attempt)
        return GoOn(label.order_id, label.attempt + 1, repair)

    def _forget_closing(self) -> None:
        if self._closing is not None:
            self._desk.forget(self._closing)
            self._closing = None


def _is_wrong(attempt: Attempt) -> bool:
    """Whether a solution is well-formed and its final answer is wrong."""
    diagnosis, candidate = attempt.diagnosis, attempt.candidate
    return (
        diagnosis is not None
        and diagnosis.mode == Modes.WRONG_ANSWER
        and candidate is not None
        and candidate.draft is not None
    )


def _would_resample(held: Held | None, rejected: int) -> bool:
    """Whether the order is about to be drawn again after the attempt `rejected`."""
    if held is None or held.state is not OrderState.READY or held.attempt != rejected + 1:
        return False
    return held.repair is not None and held.repair.kind == Repairs.RESAMPLE
