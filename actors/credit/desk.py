"""All solutions that are being credited, and the rollouts that they need. A pure state machine: facts in, moves out.

Law: a draw from a prefix is made once, however many credits ask for it; credits that ask while it is under way wait for
the same result. A credit that has begun ends in one label. Facts about a problem are kept as long as it has orders or
credits, so memory is bounded by the queue.
"""

from collections.abc import Sequence

from msgspec import Struct

from actors.credit.plan import CreditPlan, RolloutOwner
from schemas.config_credit import Credit
from schemas.corpus import Passage
from schemas.credit import (
    Ask,
    CreditLabel,
    CreditTarget,
    KnownDraws,
    KnownStart,
    PrefixId,
    RolloutId,
    prefix_id,
    rollout_id,
)
from schemas.ids import OrderId, PassageId
from schemas.samples import Cost

Key = tuple[OrderId, int]
"""The order and attempt of a solution."""


class Rollout(Struct, frozen=True):
    """One draw from one prefix of a problem's solution."""

    id: RolloutId
    passage: Passage
    prefix: str
    draw: int


class Finished(Struct, frozen=True):
    """A label, and the solution's text before its first pit, from which a restart continues; "" without a pit."""

    label: CreditLabel
    good: str


class Moves(Struct):
    """What follows from a fact: rollouts to make, rollouts that no credit needs any more, and labels, in order."""

    issue: list[Rollout]
    idle: list[RolloutId]
    labels: list[Finished]


class Result(Struct, frozen=True):
    """The result of a draw. `right`: None when it failed and says nothing."""

    right: bool | None
    cost: Cost = Cost()


class CreditDesk:
    """`source`: the policy and seed of the rollouts."""

    def __init__(self, config: Credit, source: RolloutOwner) -> None:
        self._config = config
        self.source = source
        self._plans: dict[Key, CreditPlan] = {}
        self._prefixes: dict[Key, list[PrefixId]] = {}
        self._passages: dict[PassageId, Passage] = {}
        self._open: dict[PassageId, int] = {}
        self._leaving: set[PassageId] = set()
        """Problems without orders that still have an open credit."""
        self._draws: dict[PassageId, dict[PrefixId, dict[int, bool | None]]] = {}
        self._starts: dict[PassageId, dict[OrderId, bool]] = {}
        self._waiting: dict[RolloutId, list[tuple[Key, Ask]]] = {}
        """Every rollout that was issued and has not ended, with the credits that wait for it (none for an idle one)."""

    @property
    def open(self) -> int:
        """The number of solutions being credited."""
        return len(self._plans)

    def is_open(self, order_id: OrderId, attempt: int) -> bool:
        """Whether this solution is being credited."""
        return (order_id, attempt) in self._plans

    def begin(self, target: CreditTarget, passage: Passage) -> Moves:
        """Begins a solution's credit. A credit that needs no rollout ends at once."""
        key = (target.order_id, target.attempt)
        self._plans[key] = CreditPlan(target, self._config, {})
        policy = self.source.policy
        self._prefixes[key] = [prefix_id(passage.id, target.prefix(steps), policy) for steps in range(target.steps + 1)]
        self._passages[passage.id] = passage
        self._open[passage.id] = self._open.get(passage.id, 0) + 1
        moves = Moves([], [], [])
        self._advance([key], moves)
        return moves

    def rolled(self, passage_id: PassageId, prefix: str, draw: int, result: Result) -> Moves:
        """Takes a draw's result, requested or not. A draw that is known already changes nothing."""
        moves = Moves([], [], [])
        prefix_is = prefix_id(passage_id, prefix, self.source.policy)
        draws = self._draws.setdefault(passage_id, {}).setdefault(prefix_is, {})
        if draw in draws:
            return moves
        draws[draw] = result.right
        waiting = self._waiting.pop(rollout_id(prefix_is, draw), [])
        for place, (key, ask) in enumerate(waiting):
            self._plans[key].learn(ask, result.right, Cost() if place else result.cost)
        self._advance([key for key, _ in waiting], moves)
        return moves

    def started(self, passage_id: PassageId, order_id: OrderId, *, right: bool) -> None:
        """Takes an order's judged first attempt: a draw from the problem itself, at no cost to the credits."""
        self._starts.setdefault(passage_id, {})[order_id] = right

    def remember(self, passage_id: PassageId, drawn: Sequence[KnownDraws], starts: Sequence[KnownStart]) -> None:
        """Takes back the draws known of a problem that has orders again."""
        self._leaving.discard(passage_id)
        draws = self._draws.setdefault(passage_id, {})
        for known in drawn:
            draws[known.prefix] = {**known.draws, **draws.get(known.prefix, {})}
        for start in starts:
            self._starts.setdefault(passage_id, {}).setdefault(start.order_id, start.right)

    def drop(self, rollout: RolloutId) -> None:
        """Forgets an idle rollout that was withdrawn before a conductor made it."""
        del self._waiting[rollout]

    def is_awaited(self, rollout: RolloutId) -> bool:
        """Whether a credit still needs the rollout's result."""
        return bool(self._waiting.get(rollout))

    def close(self, *keys: Key) -> Moves:
        """Ends these credits with what is known. A credit that has ended is skipped."""
        moves = Moves([], [], [])
        for key in keys:
            if key in self._plans:
                self._end(key, moves)
        return moves

    def close_all(self) -> Moves:
        """Ends every credit with what is known."""
        return self.close(*self._plans)

    def forget(self, passage_id: PassageId) -> None:
        """The problem has no orders left: forgets it when its last credit has ended."""
        if passage_id in self._open:
            self._leaving.add(passage_id)
            return
        self._leaving.discard(passage_id)
        self._draws.pop(passage_id, None)
        self._starts.pop(passage_id, None)
        self._passages.pop(passage_id, None)

    def _recall(self, key: Key, plan: CreditPlan) -> None:
        """Gives the plan all known draws from its prefixes, whichever credit asked for them, so that none is made
        again.

        For the problem itself, first attempts of *other* orders count. A solution is credited because it is wrong, so
        its own order's attempts would bias the estimate down.
        """
        draws = self._draws.get(plan.target.passage_id, {})
        for steps, prefix in enumerate(self._prefixes[key]):
            plan.recall(steps, draws.get(prefix, {}))
        starts = self._starts.get(plan.target.passage_id, {})
        plan.recall(0, {draw: right for draw, (order, right) in enumerate(starts.items()) if order != key[0]})

    def _advance(self, keys: Sequence[Key], moves: Moves) -> None:
        for key in keys:
            plan = self._plans[key]
            self._recall(key, plan)
            for ask in plan.next():
                self._ask(key, plan.target, ask, moves)
            if plan.done:
                self._end(key, moves)

    def _ask(self, key: Key, target: CreditTarget, ask: Ask, moves: Moves) -> None:
        rollout = rollout_id(self._prefixes[key][ask.steps], ask.draw)
        if rollout not in self._waiting:
            passage = self._passages[target.passage_id]
            moves.issue.append(Rollout(rollout, passage, target.prefix(ask.steps), ask.draw))
            self._waiting[rollout] = []
        elif rollout in moves.idle:  # another credit that ended in this move left it
            moves.idle.remove(rollout)
        self._waiting[rollout].append((key, ask))

    def _end(self, key: Key, moves: Moves) -> None:
        plan = self._plans.pop(key)
        self._recall(key, plan)
        del self._prefixes[key]
        label = plan.label(self.source)
        good = "" if label.first_pit is None else plan.target.prefix(label.first_pit - 1)
        moves.labels.append(Finished(label, good))
        for rollout, waiting in self._waiting.items():
            if any(who == key for who, _ in waiting):
                waiting[:] = [each for each in waiting if each[0] != key]
                if not waiting:
                    moves.idle.append(rollout)
        passage_id = plan.target.passage_id
        self._open[passage_id] -= 1
        if not self._open[passage_id]:
            del self._open[passage_id]
            if passage_id in self._leaving:
                self.forget(passage_id)
