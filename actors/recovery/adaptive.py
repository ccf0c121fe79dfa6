"""The repair that pays, learnt while a run goes on: Thompson sampling over accepted samples per token.

For each repair the chance of acceptance is drawn from its posterior and divided by what an attempt costs; the highest
is chosen, or none, when it stays below a share of what first attempts yield (Thompson 1933; with costs: Ding et al.
2013, budgeted bandits). How often each is the highest over `DRAWS` draws *is* the policy, mixed with a floor of even
exploration; one draw by the order's own seed then decides. So a logged probability is the one that the choice was
made with, exactly, and whoever has the same experience makes the same choice.
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
"""A probability is a multiple of 1/DRAWS before the floor: fine enough for its inverse to stay below 1/floor."""
KEPT = 512
"""Situations whose probabilities are remembered until the experience changes."""


class Arm(Struct, frozen=True):
    """A repair that could be tried, and when."""

    repair: RepairKind
    turn: RepairTurn


class Propensities(Struct, frozen=True):
    """With which probability each arm is chosen, and that none is. They add up to 1."""

    arms: tuple[Arm, ...]
    probabilities: tuple[float, ...]
    stop: float


class Weighing(Struct, frozen=True):
    """`stop_below`: share of the first attempts' yield below which an attempt is not worth it; `exploration`: share
    of the repairs that is spread evenly. Both in [0, 1]."""

    stop_below: float
    exploration: float


USUAL = Weighing(stop_below=0.25, exploration=0.05)
"""What runs use. A quarter: passages are worth something too, so a repair may yield less by token than a fresh order. A
twentieth: enough for estimates of other policies to rest on, and little enough to cost next to nothing."""


def propensities(experience: Experience, mode: FailureMode, arms: Sequence[Arm], weighing: Weighing) -> Propensities:
    """The policy in one situation. Depends on its arguments alone. Raises ValueError without arms."""
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
    """An arm, or None for stop, and the probability that it had."""
    left = random.random()
    for arm, probability in zip(policy.arms, policy.probabilities, strict=True):
        left -= probability
        if left < 0:
            return arm, probability
    return (None, policy.stop) if policy.stop > 0 else (policy.arms[-1], policy.probabilities[-1])


class Learner:
    """The latest experience told, and the probabilities worked out from it. Holds no truth: it can be made anew."""

    def __init__(self, weighing: Weighing) -> None:
        self._weighing = weighing
        self._known: OrderedDict[tuple[FailureMode, tuple[Arm, ...]], Propensities] = OrderedDict()
        self.experience = Experience()

    def learn(self, experience: Experience) -> None:
        """Takes in what a run has shown; what is older than what is known changes nothing."""
        if experience.attempts > self.experience.attempts:
            self.experience = experience
            self._known.clear()

    def propensities(self, mode: FailureMode, arms: Sequence[Arm]) -> Propensities:
        """As the function of that name, worked out once."""
        key = (mode, tuple(arms))
        if key not in self._known:
            if len(self._known) >= KEPT:
                self._known.popitem(last=False)
            self._known[key] = propensities(self.experience, mode, arms, self._weighing)
        return self._known[key]
