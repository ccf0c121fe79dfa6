"""What every arm of the study is made from: problems, the base, the sampler, and how solutions are measured.

Law: training, development and test problems are drawn from different seeds; nothing but `Exam` ever reads the test's.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

from studies.arithmetic.truth import right, spurious
from studies.arithmetic.world import BEYOND, Problem, problems
from studies.stepwise.net import Net
from studies.stepwise.rows import Words
from studies.stepwise.sample import Sampler


@dataclass(frozen=True)
class Lab:
    """The base that every arm starts from, and how it is sampled."""

    base: Net
    words: Words
    sampler: Sampler
    greedy: Sampler

    def fresh(self) -> Net:
        """A copy of the base to train."""
        return copy.deepcopy(self.base)

    def solutions(self, net: Net, asked: Sequence[Problem], *, seed: int) -> list["Solution"]:
        """One sampled solution for each of the problems."""
        found = self.sampler.completions(net, [self.words.asked(one.text) for one in asked], seed=seed)
        return [self.read(one, ids) for one, ids in zip(asked, found, strict=True)]

    def read(self, problem: Problem, ids: tuple[int, ...]) -> "Solution":
        """A completion as a solution."""
        text = self.words.text(ids)
        ended = ids == (*self.words.ids(text), self.words.end)
        return Solution(problem, ids, text, ended, ended and right(problem, text))


@dataclass(frozen=True)
class Solution:
    """A model's solution of a problem. `ended`: it was not cut off, and `ids` are those of
    the text, so that its prefixes are cut alike in both."""

    problem: Problem
    ids: tuple[int, ...]
    text: str
    ended: bool
    right: bool


@dataclass(frozen=True)
class Marks:
    """How an exam went; the study's errors are of the likeliest solutions, where nothing else is said."""

    wrong: str
    """One letter for each problem, `1` where the likeliest solution is wrong."""
    sampled: str
    """The same of one sampled solution of each problem."""
    spurious_rate: float
    """Of the right ones among the sampled solutions, those with a step that is useless or wrong."""

    @property
    def error(self) -> float:
        """Share of the problems whose likeliest solution is wrong."""
        return self.wrong.count("1") / len(self.wrong)

    @property
    def sampled_error(self) -> float:
        """Share of the problems whose sampled solution is wrong."""
        return self.sampled.count("1") / len(self.sampled)


@dataclass(frozen=True)
class Exam:
    """Problems that no arm has seen."""

    problems: tuple[Problem, ...]

    @classmethod
    def of(cls, name: str, count: int) -> "Exam":
        """`name`: "test", or "dev" for choosing settings."""
        return cls(tuple(problems(BEYOND, count, seed=f"exam {name}")))

    def marks(self, lab: Lab, net: Net, *, seed: int) -> Marks:
        """Greedy and sampled once for each problem."""
        asked = [lab.words.asked(one.text) for one in self.problems]
        likeliest = lab.greedy.completions(net, asked, seed=seed)
        wrong = "".join("01"[not lab.read(one, ids).right] for one, ids in zip(self.problems, likeliest, strict=True))
        drawn = lab.solutions(net, self.problems, seed=seed)
        solved = [one for one in drawn if one.right]
        beside = sum(spurious(one.problem, one.text) for one in solved)
        return Marks(wrong, "".join("01"[not one.right] for one in drawn), beside / max(1, len(solved)))
