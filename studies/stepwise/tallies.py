"""From what a part of plan 2 measured to its tallies: errors of arms, restarts, first pits.

Law: arms bear the plan's names; a base is a unit, whatever is counted inside it.
"""

from collections.abc import Iterator, Mapping, Sequence

from schemas.config_credit import Credit
from studies.frame.statistics import Tally
from studies.stepwise.credit_cost import FIXED, Replay, early_exit, sequential
from studies.stepwise.lab import Marks
from studies.stepwise.restarts import Spent


def of_errors(setting: str, unit: str, marks: Mapping[str, Marks]) -> Iterator[Tally]:
    """Of every arm's exam."""
    for arm, one in marks.items():
        solved = one.sampled.count("0")
        yield Tally(setting, arm, "error", unit, one.wrong.count("1"), len(one.wrong))
        yield Tally(setting, arm, "sampled_error", unit, one.sampled.count("1"), len(one.sampled))
        yield Tally(setting, arm, "spurious_rate", unit, round(one.spurious_rate * solved), solved)


def of_restarts(setting: str, unit: str, spent: Mapping[str, Spent]) -> Iterator[Tally]:
    """Of every way of recovery."""
    for way, one in spent.items():
        yield Tally(setting, way, "recovered_per_1000", unit, one.recovered, one.tokens / 1000)


def of_pits(setting: str, unit: str, replays: Sequence[Replay]) -> Iterator[Tally]:
    """Of the product's defaults and the baseline that stops, against the rollouts that are the truth."""
    config = Credit()
    ways = {
        "pits_product": [sequential(one, config) for one in replays],
        "pits_early_exit": [early_exit(one, FIXED, config.tolerance) for one in replays],
    }
    truth = [one.pit(config.tolerance) for one in replays]
    for arm, found in ways.items():
        right = sum(pit == where for (pit, _), where in zip(found, truth, strict=True))
        yield Tally(setting, arm, "agreement", unit, right, len(replays))
        yield Tally(setting, arm, "rollouts", unit, sum(paid for _, paid in found), len(replays))
