"""How the plan's code, which works on token ids, reads the texts of a real model: an id stands for a character.

Law: only here do a real model's solutions stand in for those of the study's nets. What makes positives, negatives,
credit and pairs (`studies.stepwise.arms`, `credits`) is the plan's own; of the lab it asks for `words`, `sampler` and
`read`, which this module gives.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from actors.text.steps import steps
from studies.scale.policy import Policy, Reply
from studies.scale.problems import WorkedProblem
from studies.stepwise.credits import Drawn, Rollouts
from studies.stepwise.lab import Lab, Solution
from studies.stepwise.net import Net
from studies.stepwise.rows import Words, step_ends

ASKED, END = -1, -2
"""Behind a problem, and behind a solution that was not cut off."""


class Letters:
    """A tokenizer whose tokens are characters."""

    end = END
    newline = ord("\n")

    def ids(self, text: str) -> tuple[int, ...]:
        return tuple(map(ord, text))

    def asked(self, question: str) -> tuple[int, ...]:
        return (*self.ids(question), ASKED)

    def text(self, ids: Sequence[int]) -> str:
        """Without marks."""
        return "".join(chr(one) for one in ids if one >= 0)


LETTERS = Letters()
WORDS = cast(Words, LETTERS)
"""As the plan's code takes it."""


def parted(prompt: Sequence[int]) -> tuple[str, str]:
    """The problem and the steps behind it."""
    at = list(prompt).index(ASKED)
    return LETTERS.text(prompt[:at]), LETTERS.text(prompt[at:])


@dataclass(frozen=True)
class TextSampler:
    """A policy's draws as ids."""

    policy: Policy
    problems: Mapping[str, WorkedProblem]
    temperature: float

    def completions(self, net: object, prompts: Sequence[tuple[int, ...]], *, seed: int) -> list[tuple[int, ...]]:
        """`net` is not looked at: the policy has one checkpoint."""
        asked = [parted(prompt) for prompt in prompts]
        found = self.policy.replies(
            [(self.problems[question], prefix) for question, prefix in asked], temperature=self.temperature, seed=seed
        )
        return [(*LETTERS.ids(one.text), *((END,) if one.ended else ())) for one in found]


@dataclass(frozen=True)
class TextLab:
    """What the plan's code asks of a lab."""

    sampler: TextSampler
    words: Letters = LETTERS

    def solutions(self, asked: Sequence[WorkedProblem], *, seed: int) -> list[Solution]:
        """One draw of each."""
        found = self.sampler.completions(None, [LETTERS.asked(one.text) for one in asked], seed=seed)
        return [self.read(one, ids) for one, ids in zip(asked, found, strict=True)]

    def read(self, problem: Any, ids: tuple[int, ...]) -> Solution:
        """A completion as a solution: as the product reads it, where that is its beginning (an offer to help behind the
        answer is no part of it). What says something else first is right for nobody to learn from."""
        text, ended = LETTERS.text(ids), END in ids
        grade = self.sampler.policy.graded(problem, Reply(text, ended))
        plain = text.startswith(grade.solution)
        return held(problem, grade.solution if plain else text, ended=ended, right=plain and grade.right is True,
                    wrong=grade.right is False)  # fmt: skip


def held(problem: WorkedProblem, text: str, *, ended: bool, right: bool, wrong: bool) -> Solution:
    """A solution of the plan's. It counts as ended where it can be credited: it gives an answer that was compared, and
    the product cuts it into its lines."""
    ids = (*LETTERS.ids(text), END) if ended else LETTERS.ids(text)
    lines = step_ends(LETTERS.ids(text), LETTERS.newline) == [step.end for step in steps(text)]
    return Solution(cast(Any, problem), ids, text, ended and lines and (right or wrong), right)


def rollouts_of(lab: TextLab | None, seed: int, drawn: Drawn | None = None) -> Rollouts:
    """Those given. Without a lab no more can be asked for."""
    return Rollouts(cast(Lab, lab), cast(Net, None), seed, defaultdict(list, drawn or {}))
