"""Where the next rollouts go. Law: a strategy is a pure function of the tallies; it remembers nothing.

`full` asks for what is expected to tell most about the first pit, anywhere. `binary` halves, and then checks the steps
before what it found: Q need not fall from step to step, so what halving skipped may hold an earlier pit. With
`check_steps` 0 it is the plain search, which trusts that it does.
"""

from collections.abc import Sequence

from msgspec import Struct

from actors.credit.chain import StepChain, evidences, first_bad, gains
from actors.credit.posterior import at_most
from schemas.credit import RolloutTally


class Look(Struct, frozen=True):
    """What the tallies say. `wanted`: how much a rollout of each step, from 1, would tell; empty when decided.

    `pit` is None when it is likeliest that there is none."""

    pit: int | None
    probability: float
    wanted: dict[int, float]


class Demand(Struct, frozen=True):
    """`confidence`: that the first pit is right. `minimum`: rollouts of every step (full). `check_steps`: binary."""

    confidence: float
    minimum: int = 0
    check_steps: int = 0


def full(tallies: Sequence[RolloutTally], chain: StepChain, demand: Demand) -> Look:
    """What narrows the first pit down most, then every step its minimum. `tallies[i - 1]` is of step i."""
    pit, probability = _likeliest(first_bad(evidences(tallies, chain), chain))
    free = range(1, len(tallies) + 1 - chain.wrong)
    if not free or probability >= demand.confidence:
        return Look(pit, probability, {step: 1.0 for step in free if tallies[step - 1].n < demand.minimum})
    return Look(pit, probability, gains(tallies, chain))


def binary(tallies: Sequence[RolloutTally], chain: StepChain, demand: Demand) -> Look:
    """Halves between the last good step and the first bad one; a step is one or the other when it is as sure as asked.

    Each step is judged by its own rollouts. The probability is of the steps it looked at: of what it skipped it only
    supposes that it is good.
    """
    bad = [at_most(chain.bound, tally, chain.prior) for tally in tallies]
    if chain.wrong:
        bad[-1] = 1.0
    search = _Search(bad, chain)
    undecided = search.halve(demand.confidence) or search.check(demand.confidence, demand.check_steps)
    probability = search.probability()
    pit = search.bad if search.bad <= len(tallies) else None
    if pit is None and chain.exists:
        pit = max(range(len(bad)), key=bad.__getitem__) + 1
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


def _likeliest(chances: Sequence[float]) -> tuple[int | None, float]:
    none = max(0.0, 1 - sum(chances))
    best = max(range(len(chances)), key=chances.__getitem__)
    return (None, none) if none > chances[best] else (best + 1, chances[best])
