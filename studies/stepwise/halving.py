"""Binary search for the first pit, the strategy that lost: at the same cost it finds fewer first pits than
`actors.credit.strategies.FULL` (docs/credit.md, docs/studies/stepwise.md).

It halves, and then checks the steps before what it found: Q need not fall from step to step, so what halving skipped
may hold an earlier pit. With no steps to check it is the plain search, which trusts that it does.
"""

from collections.abc import Sequence

from actors.credit.chain import StepChain
from actors.credit.posterior import at_most
from actors.credit.strategies import Demand, Look, Strategy
from schemas.credit import RolloutTally, StrategyName


def binary(check_steps: int = 2) -> Strategy:
    """Binary search that then looks at so many steps before what it found, which must be good."""

    def look(tallies: Sequence[RolloutTally], chain: StepChain, demand: Demand) -> Look:
        return _look(tallies, chain, demand, check_steps)

    return Strategy(StrategyName("binary"), look)


def _look(tallies: Sequence[RolloutTally], chain: StepChain, demand: Demand, check_steps: int) -> Look:
    """Halves between the last good step and the first bad one; a step is one or the other when it is as sure as asked.

    Each step is judged by its own rollouts. The probability is of the steps it looked at: of what it skipped it only
    supposes that it is good.
    """
    bad = [at_most(chain.bound, tally, chain.prior) for tally in tallies]
    if chain.wrong:
        bad[-1] = 1.0
    search = _Search(bad, chain)
    undecided = search.halve(demand.confidence) or search.check(demand.confidence, check_steps)
    probability = search.probability()
    pit = search.bad if search.bad <= len(tallies) else None
    if undecided is None and probability < demand.confidence:
        undecided = search.least_sure()
    return Look(pit, probability, {} if undecided is None else {undecided: 1.0})


class _Search:
    """One pass over the tallies as they are. Between calls, `bad` is the first step known to be bad so far."""

    def __init__(self, chances: Sequence[float], chain: StepChain) -> None:
        self._chances = chances
        self._free = len(chances) - chain.wrong
        self._seen: set[int] = set()
        self.bad = len(chances) if chain.wrong else len(chances) + 1

    def halve(self, confidence: float) -> int | None:
        """The step that must be decided first; None when good and bad meet."""
        good = 0
        while self.bad - good > 1:
            middle = (good + self.bad) // 2
            chance = self._look(middle)
            if 1 - confidence < chance < confidence:
                return middle
            if chance >= confidence:
                self.bad = middle
            else:
                good = middle
        return None

    def check(self, confidence: float, window: int) -> int | None:
        """The same for the steps before the first bad one; an earlier bad step takes its place."""
        step = self.bad - 1
        while step >= max(1, self.bad - window):
            chance = self._look(step)
            if 1 - confidence < chance < confidence:
                return step
            if chance >= confidence:
                self.bad = step
            step -= 1
        return None

    def probability(self) -> float:
        """That the steps looked at are what they seem: bad the found one, good those before it."""
        probability = self._chances[self.bad - 1] if self.bad <= len(self._chances) else 1.0
        for step in self._seen:
            if step < self.bad:
                probability *= 1 - self._chances[step - 1]
        return probability

    def least_sure(self) -> int | None:
        """Of the steps looked at that can be drawn from and bear on the answer, the one nearest to a coin's toss."""
        bearing = [step for step in self._seen if step <= min(self.bad, self._free)]
        return min(bearing, key=lambda step: abs(self._chances[step - 1] - 0.5), default=None)

    def _look(self, step: int) -> float:
        self._seen.add(step)
        return self._chances[step - 1]
