"""The repair that pays, learnt while a run goes on: Thompson sampling over accepted samples per token.

For each repair a chance of acceptance is drawn from its posterior and divided by an attempt's cost. The repair with the
highest value is chosen, or none if that value is below a share of the first attempts' yield (Thompson 1933; with costs:
Ding et al. 2013, budgeted bandits). The policy is how often each repair is the highest in `DRAWS` such draws, mixed
with a floor of even exploration. One draw, seeded by the order, then decides. So the logged probability is exactly the
probability of the choice, and the same experience always gives the same choice.
"""

from collections import OrderedDict
from collections.abc import Sequence
from random import Random

import numpy as np
from msgspec import Struct

from actors.recovery.posterior import expected, fresh_value
from schemas.ids import derived_seed
from schemas.recovery import Experience, FailureMode, RepairKind, RepairTurn

DRAWS = 1000
"""Without the floor a probability is a multiple of 1/DRAWS: fine enough, as the floor keeps its inverse below
1/floor."""
KEPT = 512
"""The number of situations whose probabilities are cached until the experience changes."""


class Arm(Struct, frozen=True):
    """A repair that can be tried, and the turn at which it would be."""

    repair: RepairKind
    turn: RepairTurn


class Propensities(Struct, frozen=True):
    """The probability of each arm, and of stopping. They add up to 1."""

    arms: tuple[Arm, ...]
    probabilities: tuple[float, ...]
    stop: float


class Weighing(Struct, frozen=True):
    """`stop_below`: an attempt whose yield is below this share of the first attempts' yield is not worth it.
    `exploration`: the share of the repairs that is spread evenly. Both are in [0, 1]."""

    stop_below: float
    exploration: float


USUAL = Weighing(stop_below=0.25, exploration=0.05)
"""What runs use. A quarter: passages have a value too, so a repair may yield less per token than a fresh order. A
twentieth: enough exploration to estimate other policies from, at almost no cost."""


def propensities(experience: Experience, mode: FailureMode, arms: Sequence[Arm], weighing: Weighing) -> Propensities:
    """The policy in one situation. It depends only on its arguments. Raises ValueError without arms."""
    if not arms:
        raise ValueError("there is nothing to choose from")
    found = [expected(experience, mode, arm.repair, arm.turn) for arm in arms]
    names = [f"{arm.repair}/{arm.turn.value}" for arm in arms]
    rng = np.random.default_rng(derived_seed("adaptive", experience.attempts, mode, *names))
    chances = rng.beta([each.alpha for each in found], [each.beta for each in found], size=(DRAWS, len(arms)))
    values = chances / np.array([each.tokens for each in found])
    best = values.argmax(axis=1)
    worth_it = values.max(axis=1) >= weighing.stop_below * fresh_value(experience)
    wins = np.bincount(best[worth_it], minlength=len(arms)) / DRAWS
    floor = weighing.exploration / len(arms)
    mixed = (1 - weighing.exploration) * wins + floor
    stop = (1 - weighing.exploration) * (1 - float(worth_it.mean()))
    return Propensities(tuple(arms), tuple(mixed.tolist()), stop)


def draw(policy: Propensities, random: Random) -> tuple[Arm | None, float]:
    """An arm, or None for stop, and its probability."""
    left = random.random()
    for arm, probability in zip(policy.arms, policy.probabilities, strict=True):
        left -= probability
        if left < 0:
            return arm, probability
    return (None, policy.stop) if policy.stop > 0 else (policy.arms[-1], policy.probabilities[-1])


class Learner:
    """Keeps the latest experience and the probabilities computed from it. It is a cache and can be made again."""

    def __init__(self, weighing: Weighing) -> None:
        self._weighing = weighing
        self._known: OrderedDict[tuple[FailureMode, tuple[Arm, ...]], Propensities] = OrderedDict()
        self.experience = Experience()

    def learn(self, experience: Experience) -> None:
        """Takes a run's experience. One that is older than the present one changes nothing."""
        if experience.attempts > self.experience.attempts:
            self.experience = experience
            self._known.clear()

    def propensities(self, mode: FailureMode, arms: Sequence[Arm]) -> Propensities:
        """The result of the function of this name, cached."""
        key = (mode, tuple(arms))
        if key not in self._known:
            if len(self._known) >= KEPT:
                self._known.popitem(last=False)
            self._known[key] = propensities(self.experience, mode, arms, self._weighing)
        return self._known[key]
