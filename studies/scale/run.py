"""A run from the model to the table.

Law: each stage is a file or a folder in the run's own; what is there is not made again, and several processes may make
different arms of one folder. Held-out problems are read when all arms of the process are trained.
"""

import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import msgspec

from schemas.errors import ConfigError, GleanerError
from studies.scale import draws, problems
from studies.scale.draws import Draws, HeldDraws
from studies.scale.lessons import TAKEN, Lessons, begins
from studies.scale.policy import Policy
from studies.scale.problems import WorkedProblem
from studies.scale.results import Exam, Results, arm_results, differences
from studies.scale.settings import Settings
from studies.stepwise import grid
from studies.stepwise.parts import Parts
from studies.stepwise.trainer import BASE, Taken

T = TypeVar("T")


class Run:
    """One model, its problems and its arms, in one folder."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        """Raises ConfigError where the problems are not there, or the folder holds a run of other settings."""
        began = time.monotonic()
        self.settings, self._folder = settings, folder
        self._problems = problems.read(
            settings.problems, settings.held_out_file, train=settings.train, held_out=settings.held_out
        )
        self._parts = Parts(folder, lambda: time.monotonic() - began, math.inf)
        self._parts.hold(settings)
        self._lessons = Lessons(settings, self._problems.train, lambda: self._draws)

    def made(self, arms: Sequence[str]) -> Results:
        """Trains and examines these arms, in an order in which each stands after what it begins from. Raises
        GleanerError."""
        taken = {arm: self._trained(arm) for arm in arms}
        exams = {arm: self._examined(arm) for arm in (BASE, *arms)}
        held = HeldDraws([], [], [], 0, 0) if list(arms) == [grid.SFT] else self._held_draws
        return Results(
            self.settings, len(self._problems.train), len(self._problems.held_out), len(held.labels), held.generated,
            held.prompted, arm_results(exams, taken), differences(exams),
        )  # fmt: skip

    def net(self, arm: str) -> str | Path:
        """An arm's model; where there was nothing to learn, the one that it began from."""
        owner = self._owner(arm)
        return self.settings.model if owner == BASE else self._folder / "nets" / owner

    def _owner(self, arm: str) -> str:
        """The arm whose training made this arm's model."""
        return arm if arm == BASE or (self._folder / "nets" / arm).exists() else self._owner(begins(arm))

    @cached_property
    def _held_draws(self) -> HeldDraws:
        return self._stage("draws", HeldDraws, self._drawn)

    @cached_property
    def _draws(self) -> Draws:
        return draws.read(self._held_draws, self._problems.train, self.settings)

    def _drawn(self) -> HeldDraws:
        with Policy(self.net(grid.SFT), self.settings) as policy:
            return draws.held_draws(policy, self._problems.train, self.settings)

    def _trained(self, arm: str) -> Taken:
        return self._stage(f"trained-{arm}", Taken, lambda: self._taught(arm))

    def _taught(self, arm: str) -> Taken:
        folder = self._folder / "nets" / arm
        if not folder.exists():
            lesson = self._lessons.lesson(arm, self.net(begins(arm)))
            if not lesson.items:
                return Taken(0, 0, 0, 0)
            folder.parent.mkdir(exist_ok=True)
            file = self._folder / f"lesson-{arm}.json"
            file.write_bytes(msgspec.json.encode(lesson))
            command = [sys.executable, "-m", "studies.scale.learn", str(file), str(folder)]
            done = subprocess.run(command, check=False, env=_one_gpu())
            if done.returncode:
                raise GleanerError(f"the training of {arm} ended with {done.returncode}; its own words are above")
        return msgspec.json.decode((folder / TAKEN).read_bytes(), type=Taken)

    def _examined(self, arm: str) -> Exam:
        return self._stage(f"exam-{self._owner(arm)}", Exam, lambda: self._exam(arm))

    def _exam(self, arm: str) -> Exam:
        held_out, seed = self._problems.held_out, self.settings.seed + 2
        with Policy(self.net(arm), self.settings) as policy:
            return Exam(
                wrong_of(policy, held_out, temperature=0.0, seed=seed),
                wrong_of(policy, held_out, temperature=self.settings.temperature, seed=seed),
            )

    def _stage(self, name: str, kind: type[T], make: Callable[[], T]) -> T:
        made = self._parts.made(name, kind, make)
        if made is None:
            raise ConfigError(f"{name}: another process makes it in {self._folder}; wait for it, or end it")
        return made


def _one_gpu() -> dict[str, str]:
    """The environment with one GPU of those that may be seen: with more, TRL would split each batch among them, and a
    step would see more rows than the lesson says."""
    seen = os.environ.get("CUDA_VISIBLE_DEVICES", "0")
    return {**os.environ, "CUDA_VISIBLE_DEVICES": seen.split(",")[0]}


def wrong_of(policy: Policy, held_out: Sequence[WorkedProblem], *, temperature: float, seed: int) -> str:
    """A letter for each problem, `1` where its solution is not right."""
    replies = policy.replies([(one, "") for one in held_out], temperature=temperature, seed=seed)
    return "".join(
        "01"[policy.graded(one, reply).right is not True] for one, reply in zip(held_out, replies, strict=True)
    )
