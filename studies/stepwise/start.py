"""Where the arms of plan 2 start: one base after the setting's lesson, its problems and their teacher.

Law: everything follows from the plan's seeds and the base's number; what is made is kept in the scratch folder, and can
be made again.
"""

import math
import random
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from schemas.config_credit import Credit
from schemas.errors import ConfigError
from studies.arithmetic.world import BEYOND, problems
from studies.frame.__main__ import ROOT
from studies.frame.given import Given
from studies.stepwise.__main__ import BASE, lab
from studies.stepwise.arms import Cell, Plan
from studies.stepwise.fit import Passes, Tuning
from studies.stepwise.lab import Lab
from studies.stepwise.parts import Parts
from studies.stepwise.primer import primed
from studies.stepwise.sizes import FULL, TINY, Sizes
from studies.stepwise.trainer import Trainer
from studies.stepwise.worlds import HARMS, IMPROVES, THIRD, StudyWorld

WORLDS = {one.name: one for one in (IMPROVES, HARMS, THIRD)}
"""By the plan's names of settings."""
LESSON = Tuning(steps=0, rate=1e-3, rows=64)
"""Of every setting, but for its steps."""
Number = int | str
"""Of a base; the development base has a name in place of one."""


def sizes_of(given: Given) -> Sizes:
    """The plan's, or in a tiny pilot the smallest."""
    return TINY if given.tiny else FULL


def trainer(given: Given, number: Number, chosen: Mapping[str, int]) -> Trainer:
    """All arms of the base of that number in the part's setting. `chosen`: each arm's recipe. Raises ConfigError."""
    sizes, world = sizes_of(given), WORLDS[given.part.setting or ""]
    parts = Parts(given.scratch / f"{world.name}-{number}", time.process_time, math.inf)
    made = _based(given, number, world, sizes, parts)
    asked = problems(BEYOND, max(sizes.problems, *sizes.curve.values()), seed=f"train {given.seed('train', number)}")
    dice = random.Random(f"teacher {given.seed('teacher', world.name, number)}")
    taught = [made.words.row(one.text, world.teacher.solution(one, dice)) for one in asked]
    cell = Cell(made, plan_of(world, sizes), asked[: sizes.problems], given.seed("draws", world.name, number))
    return Trainer(cell, taught, sizes, parts, chosen)


def _based(given: Given, number: Number, world: StudyWorld, sizes: Sizes, parts: Parts) -> Lab:
    """The base after the setting's lesson. A tiny pilot takes the one that ships."""
    made = lab(ROOT / BASE if given.tiny else _folder(given, number))
    lesson = replace(LESSON, steps=min(world.steps, sizes.lesson))
    seed = f"lesson {given.seed('lesson', number)}"
    base = parts.net(
        "base", made.base.config, lambda: primed(made.base, made.words, lesson, lesson=world.lesson, seed=seed)
    )
    return replace(made, base=base, sampler=replace(made.sampler, temperature=world.temperature))


def _folder(given: Given, number: Number) -> Path:
    folder = given.scratch / "bases" / f"base-{number}"
    if not (folder / "model.safetensors").exists():
        how = f"python -m studies.stepwise.bases {'--pilot ' if given.pilot else ''}--only {number}"
        raise ConfigError(f"{folder} is not there: train the base first, with `{how}`")
    return folder


def plan_of(world: StudyWorld, sizes: Sizes) -> Plan:
    """What arms of the first study ask of a plan; what plan 2 tunes is in its grid."""
    unused = Passes(passes=0, least=0, rate=0.0)
    return Plan(
        likelihood=unused, preferences={}, weighted=unused, credit=Credit(), samples=sizes.draws, kept_right=sizes.kept,
        kept_wrong=sizes.kept_wrong, teacher=world.teacher,
    )  # fmt: skip
