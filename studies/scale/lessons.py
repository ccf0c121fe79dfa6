"""What each arm learns from, where it begins and for how many optimizer steps: plan 2's definitions, on texts.

Law: all arms share problems, the SFT policy's draws and their credit. RFT and what is compared with it take one number
of steps; all arms after RFT take another. The plan fills a step by tokens, TRL by rows: a step has as many rows or
pairs in every arm, and the tokens that it took are told.
"""

import math
import random
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from msgspec import Struct

from deployments.engines.chat import ChatTokenizer
from deployments.engines.pretrained import describe, load_tokenizer, rows_of
from deployments.engines.roles import EngineRole
from schemas.config import TransformersEngine
from schemas.errors import ConfigError
from studies.scale.draws import Draws
from studies.scale.policy import math_task, prompt_of
from studies.scale.problems import WorkedProblem
from studies.scale.settings import Rates, Settings
from studies.scale.texts import END, LETTERS, WORDS, parted
from studies.stepwise import arms, grid
from studies.stepwise.preferences import Pair
from studies.stepwise.rows import Row
from studies.stepwise.trainer import BASE, KINDS

ARMS = (
    grid.SFT, grid.LONGER, grid.RFT, grid.MORE, grid.COMPLETED, grid.CHOSEN, grid.WHOLE, grid.PIT, grid.CRITICAL,
    grid.RANDOM,
)  # fmt: skip
"""In an order in which each stands after the one that it begins from."""
FROM_BASE = (grid.SFT, grid.LONGER, grid.RFT)
Ids = list[int]
TAKEN = "taken.json"
"""Beside the weights of an arm: what it took."""


class Learnt(Struct, frozen=True, array_like=True):
    """A prompt and its completion as the model's ids."""

    prompt: Ids
    completion: Ids


class Preferred(Struct, frozen=True, array_like=True):
    """Two completions of one prompt."""

    prompt: Ids
    chosen: Ids
    rejected: Ids


class Lesson(Struct, frozen=True):
    """All that the training process reads. `begins`: a model's folder or name. One of `rows` and `pairs` is empty."""

    arm: str
    begins: str
    steps: int
    rate: float
    rates: Rates
    rows_a_step: int
    at_once: int
    longest: int
    seed: int
    rows: list[Learnt] = []
    pairs: list[Preferred] = []

    @property
    def items(self) -> int:
        return len(self.rows) or len(self.pairs)


class ModelIds:
    """Texts as the ids that the engine reads and writes: the task's prompt, and a completion behind it."""

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigError for a tokenizer without an end; ModelError where the model is not there."""
        model = settings.model
        tokenizer = load_tokenizer(model, EngineRole.GENERATOR)
        rows = rows_of(describe(model, EngineRole.GENERATOR, tokenizer))
        self._chats = ChatTokenizer.of(TransformersEngine(model=model), tokenizer, rows=rows)
        self._task = math_task(settings)
        if tokenizer.eos_token_id is None:
            raise ConfigError(f"{model}: its tokenizer names no token that ends a turn")
        self._end: int = tokenizer.eos_token_id

    def prompt(self, problem: WorkedProblem, prefix: str) -> Ids:
        return self._chats.chat(prompt_of(self._task, problem, prefix).messages)

    def completion(self, letters: Sequence[int]) -> Ids:
        """A text given in letters, with the end of the turn where it has one."""
        ids = self._chats.text(LETTERS.text(letters))
        return [*ids, self._end] if END in letters else ids


class Lessons:
    """The lessons of a run's arms."""

    def __init__(self, settings: Settings, problems: Sequence[WorkedProblem], draws: Callable[[], Draws]) -> None:
        """`draws`: asked for by the first arm that needs them."""
        self._settings, self._problems = settings, problems
        self._by_text = {one.text: one for one in problems}
        self._ask = draws

    def lesson(self, arm: str, begins: str | Path) -> Lesson:
        """What the arm learns from there."""
        settings = self._settings
        rows, pairs = self._learnt(arm)
        rate = settings.rates.pairs if arm in KINDS else settings.rates.likelihood
        return Lesson(
            arm, str(begins), self.steps(arm), rate, settings.rates, settings.rows, settings.at_once, settings.longest,
            settings.seed, [self._row(one) for one in rows], [self._pair(one) for one in pairs],
        )  # fmt: skip

    def steps(self, arm: str) -> int:
        """Optimizer steps of an arm."""
        if arm == grid.SFT:
            return self._passes(self._settings.passes, len(self._problems))
        if arm in FROM_BASE:
            return self._passes(self._settings.passes, len(self._own_right))
        return self._passes(self._settings.passes_after, len(self._draws.labels))

    def _learnt(self, arm: str) -> tuple[Sequence[Row], Sequence[Pair]]:
        match arm:
            case grid.SFT | grid.LONGER:
                return [Row(LETTERS.asked(one.text), (*LETTERS.ids(one.worked), END)) for one in self._problems], ()
            case grid.RFT | grid.MORE:
                return self._own_right, ()
            case grid.COMPLETED:
                rollouts = self._draws.rollouts
                found = arms.completed(rollouts, sum(map(len, rollouts.drawn.values())))
                return arms.solution_rows(WORDS, found), ()
            case grid.CHOSEN:
                return arms.chosen_rows(self._pairs(grid.CRITICAL)), ()
            case _:
                return (), self._pairs(arm)

    def _pairs(self, arm: str) -> list[Pair]:
        """An arm's pairs, the same at each call."""
        dice = random.Random(f"pairs {arm} {self._settings.seed}")
        return arms.pairs(KINDS[arm], WORDS, self._draws.rollouts, self._draws.labels, dice)

    @cached_property
    def _draws(self) -> Draws:
        return self._ask()

    @cached_property
    def _own_right(self) -> list[Row]:
        return arms.solution_rows(WORDS, arms.positives(self._draws.solutions, self._settings.kept))

    @cached_property
    def _ids(self) -> ModelIds:
        return ModelIds(self._settings)

    def _passes(self, passes: float, count: int) -> int:
        return max(self._settings.least, math.ceil(passes * count / self._settings.rows))

    def _row(self, row: Row) -> Learnt:
        return Learnt(self._prompt(row.prompt), self._ids.completion(row.completion))

    def _pair(self, pair: Pair) -> Preferred:
        ids = self._ids
        return Preferred(self._prompt(pair.prompt), ids.completion(pair.chosen), ids.completion(pair.rejected))

    def _prompt(self, letters: Sequence[int]) -> Ids:
        question, prefix = parted(letters)
        return self._ids.prompt(self._by_text[question], prefix)


def begins(arm: str) -> str:
    """The arm, or the base, that it goes on from."""
    return BASE if arm in FROM_BASE else grid.RFT


def needed(wanted: Sequence[str]) -> list[str]:
    """These arms and those that they begin from or learn from, in order. Raises ConfigError for another name."""
    if unknown := [one for one in wanted if one not in ARMS]:
        raise ConfigError(f"--arms: there is no arm {unknown[0]!r}; there are {', '.join(ARMS)}")
    more = {grid.SFT, *wanted, *(begins(one) for one in wanted)}
    return [one for one in ARMS if one in more]
