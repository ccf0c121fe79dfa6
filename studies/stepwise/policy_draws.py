"""What an SFT policy drew of its base's problems, and what credit said of its wrong solutions: made once for all arms.

Law: kept as token ids, so that a part that is run again reads them and draws nothing twice.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct

from schemas.credit import CreditLabel
from studies.arithmetic.world import Problem
from studies.stepwise import arms
from studies.stepwise.arms import Cell
from studies.stepwise.credits import Credited, Rollouts, target
from studies.stepwise.lab import Lab, Solution
from studies.stepwise.net import Net

Ids = tuple[int, ...]


class HeldDraws(Struct, frozen=True):
    """The same as ids. `rollouts`: the problem's number, the prefix, and the whole solutions."""

    solutions: list[Ids]
    more: list[Ids]
    rollouts: list[tuple[int, str, list[Ids]]]
    labels: list[CreditLabel]


@dataclass(frozen=True)
class PolicyDraws:
    """`solutions`: what RFT and credit are made of; `more`: further ones, for the arm with more data."""

    solutions: list[Solution]
    more: list[Solution]
    rollouts: Rollouts
    labels: list[Credited]


def held(cell: Cell, policy: Net, *, many: int, seed: int) -> HeldDraws:
    """Draws and credits. `many`: solutions of each problem with the further ones."""
    solutions = arms.drawn(cell, policy)
    asked = [one for one in cell.problems for _ in range(many - cell.plan.samples)]
    more = cell.lab.solutions(policy, asked, seed=seed)
    rollouts, labels = arms.credit(cell, policy, solutions)
    numbers = {one.text: number for number, one in enumerate(cell.problems)}
    drawn = [(numbers[text], prefix, [one.ids for one in found]) for (text, prefix), found in rollouts.drawn.items()]
    return HeldDraws([one.ids for one in solutions], [one.ids for one in more], drawn, [one.label for one in labels])


def read(cell: Cell, policy: Net, found: HeldDraws) -> PolicyDraws:
    """From ids to solutions."""
    solutions = _solutions(cell.lab, cell.problems, found.solutions)
    rollouts = Rollouts(cell.lab, policy, cell.seed, drawn=defaultdict(list))
    for number, prefix, drawn in found.rollouts:
        problem = cell.problems[number]
        rollouts.drawn[problem.text, prefix] = [cell.lab.read(problem, ids) for ids in drawn]
    wrong = arms.negatives(solutions, cell.plan.kept_wrong)
    labels = [
        Credited(one, target(one, number), label)
        for number, (one, label) in enumerate(zip(wrong, found.labels, strict=True))
    ]
    return PolicyDraws(solutions, _solutions(cell.lab, cell.problems, found.more), rollouts, labels)


def _solutions(lab: Lab, problems: Sequence[Problem], drawn: Sequence[Ids]) -> list[Solution]:
    """As `arms.drawn` asks: all draws of a problem together, as many of each."""
    each = len(drawn) // len(problems)
    return [lab.read(problems[number // each], ids) for number, ids in enumerate(drawn)]
