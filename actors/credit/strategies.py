"""Where the next rollouts go. Law: a strategy is a pure function of the tallies; it remembers nothing.

`FULL` asks for what is expected to tell most about the first pit, anywhere. It is what runs use; a study brings others
(`studies/stepwise/halving.py`: binary search, which finds fewer first pits at the same cost).
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from actors.credit.chain import StepChain, evidences, first_bad, gains
from schemas.credit import RolloutTally, StrategyName


class Look(Struct, frozen=True):
    """What the tallies say. `wanted`: how much a rollout of each step, from 1, would tell; empty when decided.

    `pit` is None when it is likeliest that there is none."""

    pit: int | None
    probability: float
    wanted: dict[int, float]


class Demand(Struct, frozen=True):
    """`confidence`: that the first pit is right. `minimum`: rollouts of every step."""

    confidence: float
    minimum: int = 0


class Strategy(Struct, frozen=True):
    """`look(tallies, chain, demand)` says what the tallies say; `tallies[i - 1]` is of step i. Labels hold the name."""

    name: StrategyName
    look: Callable[[Sequence[RolloutTally], StepChain, Demand], Look]


def _full(tallies: Sequence[RolloutTally], chain: StepChain, demand: Demand) -> Look:
    """What narrows the first pit down most, then every step its minimum."""
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
