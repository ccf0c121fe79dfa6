"""The arms of plan 2 on one base: what each learns from, where it begins, for how many steps.

Law: all arms share the base's problems, its SFT policy's draws and their credit. A step of any arm sees as many tokens
of completions. The nets are kept in the scratch folder under arm and recipe, and made once.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TypeVar

from schemas.errors import ConfigError
from studies.stepwise import arms, grid, policy_draws
from studies.stepwise.arms import Cell
from studies.stepwise.fit import Tuning, batches
from studies.stepwise.grid import GRID, Recipe
from studies.stepwise.lab import Exam, Marks, Solution
from studies.stepwise.net import Net
from studies.stepwise.parts import Parts
from studies.stepwise.policy_draws import HeldDraws, PolicyDraws
from studies.stepwise.preferences import Pair, preferred
from studies.stepwise.rows import Row
from studies.stepwise.sizes import Sizes

T = TypeVar("T")
BASE = "base"
KINDS = {
    grid.WHOLE: arms.WHOLE, grid.PIT: arms.FIRST_PIT, grid.CRITICAL: arms.STEPS, grid.RANDOM: arms.RANDOM,
}  # fmt: skip
"""The plan's names to those of the first study's pairs."""


@dataclass(frozen=True)
class Lesson:
    """What an arm does. `begins`: whose net it goes on from: an arm's, the base. One of `rows` and `pairs` is empty."""

    begins: str
    steps: int
    rows: Sequence[Row] = ()
    pairs: Sequence[Pair] = ()


@dataclass(frozen=True)
class Taken:
    """What an arm took, as it was."""

    items: int
    steps: int
    seen: int
    """Rows or pairs, each time they were seen."""
    tokens: int
    """Of completions, a pair's both sides."""


class Trainer:
    """All arms of one base in one setting."""

    def __init__(
        self, cell: Cell, taught: Sequence[Row], sizes: Sizes, parts: Parts, chosen: Mapping[str, int]
    ) -> None:
        """`taught`: the teacher's solutions, the arms' problems first. `chosen`: each arm's recipe; tuning adds to it
        as it goes."""
        self.cell, self.sizes, self.chosen = cell, sizes, chosen
        self._taught, self._parts = taught, parts
        own = taught[: sizes.problems]
        self.tokens = round(sizes.rows * sum(len(row.completion) for row in own) / len(own))
        """Of completions in a step."""

    def best(self, arm: str) -> Net:
        """The base, or an arm's net by the recipe that was chosen."""
        return self.cell.lab.base if arm == BASE else self.net(arm, self.chosen[arm])

    def net(self, arm: str, number: int) -> Net:
        """An arm's net by that recipe of the grid."""
        return self._parts.net(f"{arm}-{number}", self.cell.lab.base.config, lambda: self._trained(arm, number))

    def developed(self, arm: str, number: int, exam: Exam) -> Marks:
        """How that net does on development problems; kept, since tuning asks once for each try."""
        made = self._parts.made(f"marks-{arm}-{number}", Marks, lambda: self._marks(self.net(arm, number), exam))
        return _alone(made)

    @cached_property
    def draws(self) -> PolicyDraws:
        """The SFT policy's, credited."""
        policy = self.best(grid.SFT)
        made = self._parts.made(
            f"draws-{self.chosen[grid.SFT]}", HeldDraws,
            lambda: policy_draws.held(self.cell, policy, many=self.sizes.many, seed=self.cell.seed + 1),
        )  # fmt: skip
        return policy_draws.read(self.cell, policy, _alone(made))

    def lesson(self, arm: str, recipe: Recipe) -> Lesson:
        """What the arm learns from by this recipe."""
        own = self._taught[: self.sizes.problems]
        match arm:
            case grid.SFT:
                return Lesson(BASE, self._steps(own), own)
            case _ if arm in grid.CURVE:
                rows = self._taught[: self.sizes.curve[arm]]
                return Lesson(BASE, self._steps(rows), rows)
            case grid.LONGER:
                return Lesson(BASE, self.first, own)
            case grid.LOW:
                return Lesson(BASE, self.first, [*own, *arms.held_rows(self.cell.lab.words, self._of_base, recipe.kl)])
            case grid.RFT | grid.MORE:
                begins, steps = (BASE, self.first) if arm == grid.RFT else (grid.RFT, self.second)
                return Lesson(begins, steps, self._own_right)
            case grid.MANY:
                found = arms.positives([*self.draws.solutions, *self.draws.more], self.sizes.kept_many)
                return Lesson(BASE, self.first, arms.solution_rows(self.cell.lab.words, found))
            case grid.COMPLETED:
                found = arms.completed(self.draws.rollouts, sum(map(len, self.draws.rollouts.drawn.values())))
                return Lesson(grid.RFT, self.second, arms.solution_rows(self.cell.lab.words, found))
            case grid.CHOSEN:
                return Lesson(grid.RFT, self.second, arms.chosen_rows(self.pairs(grid.CRITICAL)))
            case grid.ADVANTAGE:
                right = arms.positives(self.draws.solutions, self.sizes.kept)
                rows = arms.weighted_rows(self.cell.lab.words, right, self.draws.labels, recipe.sharpness)
                return Lesson(grid.SFT, self.first + self.second, rows)
            case _:
                return Lesson(grid.RFT, self.second, pairs=self.pairs(arm))

    def pairs(self, arm: str) -> list[Pair]:
        """An arm's pairs, the same at each call."""
        dice, draws = self.cell.dice(f"pairs {arm}"), self.draws
        return arms.pairs(KINDS[arm], self.cell.lab.words, draws.rollouts, draws.labels, dice)

    def taken(self, arm: str, number: int) -> Taken:
        """What the arm took: its batches once more, counted."""
        recipe = GRID[arm][number]
        lesson = self.lesson(arm, recipe)
        tuning, dice = self._tuning(lesson, recipe), self.cell.dice(arm)
        sizes = [len(row.completion) for row in lesson.rows] or [pair.tokens for pair in lesson.pairs]
        if not sizes:
            return Taken(0, 0, 0, 0)
        seen = list(islice(batches(sizes, tuning, lambda size: size, dice), lesson.steps))
        return Taken(len(sizes), lesson.steps, sum(map(len, seen)), sum(map(sum, seen)))

    @property
    def first(self) -> int:
        """Optimizer steps of RFT, and of all that is compared with it."""
        return self._steps(self._own_right)

    @property
    def second(self) -> int:
        """Optimizer steps of all arms after RFT: so many passes over the credited wrong solutions."""
        tokens = sum(len(one.solution.ids) for one in self.draws.labels)
        return max(self.sizes.least, math.ceil(self.sizes.passes_after * tokens / self.tokens))

    def _steps(self, rows: Sequence[Row]) -> int:
        """Of so many passes over what is learnt from the base on."""
        tokens = sum(len(row.completion) for row in rows)
        return max(self.sizes.least, math.ceil(self.sizes.passes * tokens / self.tokens))

    @cached_property
    def _own_right(self) -> list[Row]:
        return arms.solution_rows(self.cell.lab.words, arms.positives(self.draws.solutions, self.sizes.kept))

    @cached_property
    def _of_base(self) -> list[Solution]:
        """One draw of each problem by the base itself."""
        return self.cell.lab.solutions(self.cell.lab.base, self.cell.problems, seed=self.cell.seed + 2)

    def _marks(self, net: Net, exam: Exam) -> Marks:
        return exam.marks(self.cell.lab, net, seed=self.cell.seed)

    def _tuning(self, lesson: Lesson, recipe: Recipe) -> Tuning:
        return Tuning(lesson.steps, recipe.rate, tokens=self.tokens)

    def _trained(self, arm: str, number: int) -> Net:
        """The net that it began from, where there is nothing to learn from."""
        recipe = GRID[arm][number]
        lesson = self.lesson(arm, recipe)
        begins, tuning, pad = self.best(lesson.begins), self._tuning(lesson, recipe), self.cell.lab.words.pad
        if lesson.pairs:
            return preferred(begins, lesson.pairs, tuning, recipe.pull, pad=pad, rng=self.cell.dice(arm))
        return arms.going_on(self.cell, begins, lesson.rows, tuning, arm)


def _alone(made: T | None) -> T:
    """What was made. The frame gives a part to one process; without it, another may have the file in hand."""
    if made is None:
        raise ConfigError("another process works on the same base and setting; wait for it, or end it")
    return made
