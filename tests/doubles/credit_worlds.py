"""Simulated wrong solutions whose true Q of every prefix is known, and rollouts from them, seeded.

A step is good or bad. Q of the policy's own solutions follows from the chances of a step to break and to mend, exactly;
so it is a martingale, as it is for a real policy. A foreign solution (another policy wrote it) need not be one.
"""

from collections.abc import Callable, Sequence
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from actors.credit.plan import CreditPlan, RolloutOwner
from actors.credit.strategies import FULL, Strategy
from schemas.config_credit import Credit
from schemas.credit import CreditLabel, CreditTarget, PolicyVersion
from schemas.ids import OrderId, PassageId

SOURCE = RolloutOwner(PolicyVersion("simulated"), 0)
TRUTH_ROLLOUTS = 256


class World(Struct, frozen=True):
    """Solutions of 3 to 10 steps. `breaks`, `mends`: chances of a step, spread about these means. `dips`: share of
    solutions with a step of Q near 0 before Q recovers, as only a foreign solution has it."""

    breaks: float
    mends: float
    dips: float = 0.0


WORLDS = {
    "fatal: no step is ever mended": World(0.1, 0.0),
    "seldom mended": World(0.1, 0.01),
    "often mended": World(0.2, 0.2),
    "foreign: half dip to 0 and recover": World(0.1, 0.0, dips=0.5),
}


def wrong_solution(world: World, random: Random) -> list[float]:
    """True Q of the prefixes 0, 1, … of a solution that ends wrong."""
    steps = random.randint(3, 10)
    breaks = [world.breaks * random.uniform(0.3, 2) for _ in range(steps)]
    mends = [world.mends * random.uniform(0, 2) for _ in range(steps)]
    good, bad = [1.0] * (steps + 1), [0.0] * (steps + 1)
    for step in reversed(range(steps)):
        good[step] = (1 - breaks[step]) * good[step + 1] + breaks[step] * bad[step + 1]
        bad[step] = mends[step] * good[step + 1] + (1 - mends[step]) * bad[step + 1]
    while True:
        fine, values = True, [good[0]]
        for step in range(steps):
            fine = random.random() >= breaks[step] if fine else random.random() < mends[step]
            values.append(good[step + 1] if fine else bad[step + 1])
        if not fine:
            return _dipped(values, random) if random.random() < world.dips else values


def _dipped(values: list[float], random: Random) -> list[float]:
    """One of the good steps that others follow is near 0, and the next is as it was."""
    followed = [step for step in range(1, len(values) - 1) if values[step + 1] > 0.2]
    if followed:
        values[random.choice(followed)] = 0.01
    return values


def pit_of(shares: Sequence[float], tolerance: float) -> int:
    """The first step, from 1, whose share of right rollouts is at most the tolerance; `shares[0]` is the problem's."""
    return next(step for step, share in enumerate(shares) if step and share <= tolerance)


def counted(values: Sequence[float], rollouts: int, random: Random) -> list[float]:
    """Shares of right ones among so many rollouts of each prefix; the solution itself is wrong."""
    shares = [sum(random.random() < q for _ in range(rollouts)) / rollouts for q in values]
    return [*shares[:-1], 0.0]


def label_of(values: Sequence[float], config: Credit, random: Random, strategy: Strategy = FULL) -> CreditLabel:
    """What a plan finds of it, drawing as it asks."""
    steps = len(values) - 1
    target = CreditTarget(PassageId("p"), OrderId("o"), 1, "." * steps, tuple(range(1, steps + 1)))
    plan = CreditPlan(target, config, {}, strategy=strategy)
    while not plan.done:
        for ask in plan.next():
            plan.learn(ask, random.random() < values[ask.steps])
    return plan.label(SOURCE)


class Score(Struct, frozen=True):
    """Over `solutions`: how often the first pit was that of 256 rollouts a step; rollouts against 16 a step."""

    solutions: int
    agreed: int
    rollouts: int
    fixed: int

    @property
    def agreement(self) -> float:
        return self.agreed / self.solutions

    @property
    def cost(self) -> float:
        return self.rollouts / self.fixed


Method = Callable[[list[float], Random], tuple[int | None, int]]
"""A solution's true values to the pit that is found, and the rollouts it took."""


def by_plan(config: Credit, strategy: Strategy = FULL, *, share: float = 0.4) -> Method:
    """The plan of a configuration, at most `share` of 16 rollouts a step."""

    def method(values: list[float], random: Random) -> tuple[int | None, int]:
        free = len(values) - 2
        label = label_of(values, replace(config, max_rollouts=max(1, int(share * 16 * free))), random, strategy)
        return label.first_pit, label.asked

    return method


def by_number(rollouts: int, tolerance: float) -> Method:
    """So many rollouts of each step."""

    def method(values: list[float], random: Random) -> tuple[int | None, int]:
        return pit_of(counted(values, rollouts, random), tolerance), rollouts * (len(values) - 2)

    return method


def score(world: World, method: Method, tolerance: float, *, solutions: int, seed: int = 0) -> Score:
    """The same solutions and the same truth for every method of one seed."""
    random, drawn = Random(seed), Random(seed + 1)
    agreed = rollouts = fixed = 0
    for _ in range(solutions):
        values = wrong_solution(world, random)
        truth = pit_of(counted(values, TRUTH_ROLLOUTS, random), tolerance)
        pit, paid = method(values, drawn)
        agreed += pit == truth
        rollouts += paid
        fixed += 16 * (len(values) - 2)
    return Score(solutions, agreed, rollouts, fixed)
