"""The credit of one solution as a state machine: `next` gives rollouts, `learn` takes results, until `done`; then
`label`.

Law: pure. What it asks for depends only on what it was given, so a stream, a study and a test use it in the same way. A
known draw is never asked for again: `known` gives it at the start, also for shared prefixes and resumed runs.
"""

from collections.abc import Mapping

from msgspec import Struct

from actors.credit.chain import StepChain
from actors.credit.posterior import PRIOR, START_PRIOR, Prior, interval, mean, plain_tolerance
from actors.credit.strategies import FULL, Demand, Look, Strategy
from schemas.config_credit import Credit
from schemas.credit import (
    Ask,
    CreditLabel,
    CreditTarget,
    PitRule,
    PolicyVersion,
    PrefixValue,
    RolloutTally,
    Stop,
)
from schemas.errors import GleanerError
from schemas.samples import Cost

Draws = Mapping[int, bool | None]
"""Draw number to whether it was right; None for a draw that failed and says nothing."""


class RolloutOwner(Struct, frozen=True):
    """The policy that makes the rollouts. `seed`: the run's."""

    policy: PolicyVersion
    seed: int


class CreditPlan:
    """Decides where the rollouts of one solution go. `known`: draws that were made already, by the number of steps in
    their prefix. `strategy`: the one that runs use, unless a study compares it with another."""

    def __init__(
        self,
        target: CreditTarget,
        config: Credit,
        known: Mapping[int, Draws],
        *,
        prior: Prior = PRIOR,
        strategy: Strategy = FULL,
    ) -> None:
        self.target = target
        self._config = config
        self._prior = prior
        self._strategy = strategy
        self._tolerance = plain_tolerance(config.tolerance, config.best_of)
        self._chain = StepChain(self._tolerance, target.wrong, prior=prior)
        self._demand = Demand(config.confidence, config.min_rollouts)
        self._tallies = [RolloutTally() for _ in range(target.steps + 1)]
        self._drawn: list[set[int]] = [set() for _ in self._tallies]
        self._pending: set[Ask] = set()
        self._asked = 0
        self._cost = Cost()
        self._seen: Look | None = None
        for steps, draws in known.items():
            for draw, right in draws.items():
                self._count(Ask(steps, draw), right)

    @property
    def done(self) -> bool:
        """Whether the label is final: either the strategy wants nothing more, or the budget is spent and nothing is
        pending."""
        return not self._look().wanted or (self._spent and not self._pending)

    @property
    def pending(self) -> frozenset[Ask]:
        """Draws that were asked for and have no result yet."""
        return frozenset(self._pending)

    def next(self, limit: int | None = None) -> tuple[Ask, ...]:
        """The next draws: at most `limit`, and no more than may be under way together. Empty when done."""
        asks: list[Ask] = []
        room = self._config.at_once - len(self._pending)
        for _ in range(room if limit is None else min(room, limit)):
            ask = None if self._spent else self._best()
            if ask is None:
                break
            self._pending.add(ask)
            self._drawn[ask.steps].add(ask.draw)
            self._asked += 1
            asks.append(ask)
        return tuple(asks)

    def learn(self, ask: Ask, right: bool | None, cost: Cost = Cost()) -> None:  # noqa: B008 - frozen
        """Takes a draw's result, in any order; None when it failed and says nothing. Raises GleanerError for a draw
        that is not pending."""
        if ask not in self._pending:
            raise GleanerError(f"{ask} of {self.target.order_id} was not asked for, or has its result already")
        self._pending.remove(ask)
        self._cost += cost
        self._count(ask, right)

    def recall(self, steps: int, draws: Draws) -> None:
        """Takes draws that other credits asked for."""
        for draw, right in draws.items():
            if draw not in self._drawn[steps]:
                self._count(Ask(steps, draw), right)

    def label(self, source: RolloutOwner) -> CreditLabel:
        """The label, from what is known so far."""
        look, config = self._look(), self._config
        return CreditLabel(
            order_id=self.target.order_id,
            attempt=self.target.attempt,
            values=tuple(self._value(steps) for steps in range(len(self._tallies))),
            first_pit=look.pit,
            probability=look.probability,
            rule=PitRule.ZERO,
            tolerance=self._tolerance,
            strategy=self._strategy.name,
            stopped=Stop.DECIDED if look.probability >= config.confidence else Stop.BUDGET,
            confidence=config.confidence,
            policy=source.policy,
            seed=source.seed,
            asked=self._asked - len(self._pending),
            cost=self._cost,
        )

    @property
    def _spent(self) -> bool:
        return self._asked >= self._config.max_rollouts

    def _look(self) -> Look:
        if self._seen is None:
            self._seen = self._strategy.look(self._tallies[1:], self._chain, self._demand)
        return self._seen

    def _best(self) -> Ask | None:
        """The draw with the largest gain. A step's gain counts less the more of its draws are under way."""
        under_way = [0] * len(self._tallies)
        for ask in self._pending:
            under_way[ask.steps] += 1
        wanted = {step: weight / (1 + under_way[step]) for step, weight in self._look().wanted.items()}
        if not wanted:
            return None
        step = max(wanted, key=wanted.__getitem__)
        draw = next(number for number in range(len(self._drawn[step]) + 1) if number not in self._drawn[step])
        return Ask(step, draw)

    def _count(self, ask: Ask, right: bool | None) -> None:
        self._drawn[ask.steps].add(ask.draw)
        if right is not None:
            self._tallies[ask.steps] = self._tallies[ask.steps].plus(right=right)
            self._seen = None

    def _value(self, steps: int) -> PrefixValue:
        end = self.target.ends[steps - 1] if steps else 0
        tally = self._tallies[steps]
        if self.target.wrong and steps == self.target.steps:
            return PrefixValue(steps, end, tally.n, tally.k, q=0.0, low=0.0, high=0.0)
        if not tally.n:
            return PrefixValue(steps, end)
        prior = self._prior if steps else START_PRIOR
        low, high = interval(tally, self._config.confidence, prior)
        return PrefixValue(steps, end, tally.n, tally.k, mean(tally, prior), low, high)
