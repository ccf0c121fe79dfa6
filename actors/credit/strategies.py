"""Where the next rollouts go. Law: a strategy is a pure function of the tallies and keeps no state.

`FULL` asks for the rollout that is expected to narrow the first pit most, at any step. Runs use it; studies bring
others (`studies/stepwise/halving.py`: binary search, which finds fewer first pits at the same cost).
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from actors.credit.chain import StepChain, evidences, first_bad, gains
from schemas.credit import RolloutTally, StrategyName


class Look(Struct, frozen=True):
    """What the tallies say. `wanted`: the gain of a rollout from each step (from 1); empty when decided.

    `pit`: None when most likely there is none."""

    pit: int | None
    probability: float
    wanted: dict[int, float]


class Demand(Struct, frozen=True):
    """`confidence`: the required chance that the first pit is right. `minimum`: the required rollouts of every step."""

    confidence: float
    minimum: int = 0


class Strategy(Struct, frozen=True):
    """`look(tallies, chain, demand)` evaluates the tallies; `tallies[i - 1]` belongs to step i. `name`: for labels."""

    name: StrategyName
    look: Callable[[Sequence[RolloutTally], StepChain, Demand], Look]


def _full(tallies: Sequence[RolloutTally], chain: StepChain, demand: Demand) -> Look:
    """First the rollouts that narrow the first pit most, then the minimum for every step."""
    pit, probability = _likeliest(first_bad(evidences(tallies, chain), chain))
    free = range(1, len(tallies) + 1 - chain.wrong)
    if not free or probability >= demand.confidence:
        return Look(pit, probability, {step: 1.0 for step in free if tallies[step - 1].n < demand.minimum})
    return Look(pit, probability, gains(tallies, chain))


FULL = Strategy(StrategyName("full"), _full)


def _likeliest(chances: Sequence[float]) -> tuple[int | None, float]:
    none = max(0.0, 1 - sum(chances))
    best = max(range(len(chances)), key=chances.__getitem__)
    return (None, none) if none > chances[best] else (best + 1, chances[best])
