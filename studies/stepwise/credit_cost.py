"""What finding the first pit costs, and how often it is right: replays of real rollouts, no model in the loop.

Law: the truth (many rollouts of each prefix) and the draws that strategies see are different rollouts. A strategy pays
for each draw it sees; the end of a wrong solution costs nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from actors.counts.rates import wilson
from actors.credit.plan import CreditPlan, RolloutOwner
from actors.credit.strategies import FULL, Strategy
from schemas.config_credit import Credit
from schemas.credit import PolicyVersion
from studies.stepwise.credits import target
from studies.stepwise.halving import binary
from studies.stepwise.lab import Lab, Solution
from studies.stepwise.net import Net

FIXED = 16
"""Rollouts of each prefix that sequential stopping is compared with."""
SURER = 0.95
"""A confidence beside the configuration's own at which sequential stopping is tried."""


@dataclass(frozen=True)
class Replay:
    """One wrong solution. `truth[i]`: share of right rollouts from the prefix of i + 1 steps; `draws[i]`: others."""

    solution: Solution
    truth: tuple[float, ...]
    draws: tuple[tuple[bool, ...], ...]

    def pit(self, tolerance: float) -> int:
        """The first step with Q at most `tolerance`; the last one has Q = 0 by definition."""
        return next((n for n, q in enumerate(self.truth, start=1) if q <= tolerance), len(self.truth) + 1)


@dataclass(frozen=True)
class Cost:
    """A strategy over all solutions. `near`: at most one step from the truth."""

    agreement: float
    low: float
    high: float
    """Of the agreement, 95% by Wilson."""
    near: float
    rollouts: float
    """A solution, on average."""


@dataclass(frozen=True)
class CostTable:
    """Every strategy on the same solutions."""

    solutions: int
    truth_rollouts: int
    tolerance: float
    clear: float
    """Share of the solutions whose first pit is beyond doubt: no prefix with Q within 0.05 of the tolerance."""
    strategies: dict[str, Cost]
    rising: float
    """Share of the solutions in which Q rises by more than 0.1 after it was at most `tolerance`."""


def replays(lab: Lab, policy: Net, wrong: Sequence[Solution], *, truth: int, draws: int, seed: int) -> list[Replay]:
    """Rolls every prefix out `truth + draws` times."""
    words, found = lab.words, list[Replay]()
    for number, one in enumerate(wrong):
        aim = target(one, number)
        prompts = [
            words.asked(one.problem.text) + words.ids(aim.prefix(steps))
            for steps in range(1, aim.steps)
            for _ in range(truth + draws)
        ]
        ended = lab.sampler.completions(policy, prompts, seed=seed + number) if prompts else []
        right = [
            lab.read(one.problem, prompt[len(words.asked(one.problem.text)) :] + ids).right
            for prompt, ids in zip(prompts, ended, strict=True)
        ]
        rows = [right[at : at + truth + draws] for at in range(0, len(right), truth + draws)]
        shares = tuple(sum(row[:truth]) / truth for row in rows)
        found.append(Replay(one, shares, tuple(tuple(row[truth:]) for row in rows)))
    return found


def sequential(replay: Replay, config: Credit, strategy: Strategy = FULL) -> tuple[int, int]:
    """The first pit that a plan finds, and how many rollouts it paid for."""
    plan = CreditPlan(target(replay.solution, 0), config, {}, strategy=strategy)
    paid = 0
    while asks := plan.next():
        for ask in asks:
            paid += 1
            plan.learn(ask, _draw(replay, ask.steps, ask.draw))
    label = plan.label(RolloutOwner(PolicyVersion("study"), 0))
    return label.first_pit or len(replay.truth) + 1, paid


def _draw(replay: Replay, steps: int, number: int) -> bool:
    """The draw of that number; there are enough for every budget used here."""
    return replay.draws[steps - 1][number] if steps <= len(replay.draws) else False


def fixed(replay: Replay, rollouts: int, tolerance: float) -> tuple[int, int]:
    """So many rollouts of every prefix."""
    for number, draws in enumerate(replay.draws, start=1):
        if sum(draws[:rollouts]) / rollouts <= tolerance:
            return number, rollouts * len(replay.draws)
    return len(replay.draws) + 1, rollouts * len(replay.draws)


def early_exit(replay: Replay, rollouts: int, tolerance: float) -> tuple[int, int]:
    """So many rollouts of each prefix from the first on, as far as the pit: the baseline that pays for nothing behind
    it."""
    pit, _ = fixed(replay, rollouts, tolerance)
    return pit, rollouts * min(pit, len(replay.draws))


def table(found: Sequence[Replay], config: Credit, *, truth: int) -> CostTable:
    """Fixed numbers of rollouts, sequential stopping, halving with a check and halving alone."""
    tolerance = config.tolerance
    ways = {
        f"fixed {FIXED}": lambda one: fixed(one, FIXED, tolerance),
        "fixed 4": lambda one: fixed(one, 4, tolerance),
        "sequential": lambda one: sequential(one, config),
        f"sequential, {SURER:.0%} sure": lambda one: sequential(one, replace(config, confidence=SURER)),
        "binary search, checked": lambda one: sequential(one, config, binary()),
        "binary search, monotone": lambda one: sequential(one, config, binary(check_steps=0)),
    }
    costs: dict[str, Cost] = {}
    for name, way in ways.items():
        pits, paid = zip(*(way(one) for one in found), strict=True)
        off = [abs(pit - one.pit(tolerance)) for pit, one in zip(pits, found, strict=True)]
        low, high = wilson(off.count(0), len(off)) or (0.0, 1.0)
        near = sum(n <= 1 for n in off) / len(off)
        costs[name] = Cost(off.count(0) / len(off), low, high, near, sum(paid) / len(paid))
    clear = sum(all(abs(q - tolerance) > 0.05 for q in one.truth) for one in found) / len(found)
    rising = sum(_rises(one.truth, tolerance) for one in found) / len(found)
    return CostTable(len(found), truth, tolerance, clear, costs, rising)


def _rises(values: Sequence[float], tolerance: float) -> bool:
    low = next((n for n, q in enumerate(values) if q <= tolerance), len(values))
    return any(q > tolerance + 0.1 for q in values[low:])
