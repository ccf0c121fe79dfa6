"""Plan 2's parts: `runs`, `judged`, `students` (`plan-2.yaml`, `python -m studies.frame run provenance 2`).

Law: judges, prior and majority are of the pilot and committed before the first run; a real run without them is
refused before it looks at a corpus.
"""

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import torch

from actors.recovery.experience import ExperienceFold
from actors.recovery.policies import build_recovery
from deployments.build.recovery import build_elsewhere, run_gates, task_recovery
from deployments.build.tasks import build_task
from schemas.errors import ConfigError
from schemas.ledger import Record
from schemas.recovery import Experience
from studies.frame.__main__ import ROOT
from studies.frame.given import Found, Given
from studies.frame.statistics import Tally
from studies.provenance import judges, modes, named, runs, sources, tallies, told
from studies.provenance.judged_tallies import STRONGEST, judged_tallies
from studies.provenance.kept import KeptRun, keep, kept
from studies.provenance.kit import UNSEEN, Kit, Papers, editions, plain
from studies.provenance.plan import LABELLED_SCALE, Plan, Setting
from studies.provenance.prior import Prior, prior
from studies.provenance.spending import Arm, within
from studies.provenance.student import Lesson, exam, marks
from studies.provenance.tries import Try, tries_of
from studies.provenance.world import COOL, World, build, run_config

ARMS = ("discard", "naive_resample", COOL, "rules", "adaptive")
SETTINGS: Mapping[str, tuple[Papers, float]] = {
    "plain-t07": (plain, 0.7), "plain-t10": (plain, 1.0), "editions-t10": (editions, 1.0)
}  # fmt: skip
"""Passages, and the temperature of first attempts."""
FULL = Plan(seeds=())
TINY = Plan(seeds=(), documents=80, passages=4, slots=2, labelled=8, epochs=2, students=1)
GROUP = 4
"""Runs whose data teach one pair of students."""
QUESTIONS = 500
MINILM = ROOT / ".models" / "minilm"
"""By `python -m studies.real_text.models .models`."""
STUDENTS: Mapping[str, tuple[str, Callable[[Arm], Iterator[Try]]]] = {
    "students_rules": ("rules", lambda arm: (one for one in (*arm.first, *arm.later) if one.accepted)),
    "students_cool": (COOL, lambda arm: (one for one in (*arm.first, *arm.later) if one.accepted)),
    "students_fresh": ("discard", lambda arm: (one for one in (*arm.first, *arm.later) if one.accepted)),
    "students_filtered": ("discard", lambda arm: (one for one in arm.first if one.accepted)),
    "students_unfiltered": ("discard", lambda arm: iter(arm.first)),
}
"""Whose attempts are taught, and which of them; of a budget that all have."""


def run(given: Given) -> Found:
    """One part. Raises ConfigError where judges or prior are missing."""
    torch.set_num_threads(1)
    does = {"runs": _runs, "judged": _judged, "students": _students}
    return does[given.part.kind.name](given)


def _runs(given: Given) -> Found:
    """All arms over the same first attempts."""
    plan, setting, unit = _plan(given), str(given.part.setting), int(given.part.unit or 0)
    began, kit = _prior(given), _kit(given)
    world = build(plan, given.look("runs"), given.scratch / "corpora" / setting, kit)
    found = asyncio.run(_records(given, plan, world, None if began is None else began.experience))
    tries = {policy: tries_of(records, world.told) for policy, records in found.items()}
    config = run_config(plan, world.config, seed=world.seed, setting=_heat(given), policy="discard", kit=kit)
    brought = task_recovery(config, build_task(config))
    policy = build_recovery(config.recovery, build_elsewhere(config), run_gates(config), brought)
    names = named.named(found["discard"], world.corpus, world.told, slots=plan.slots, policy=policy)
    texts, failures = [one.text for one in world.told], [one.failure for one in names]
    keep(given.scratch, setting, unit, KeptRun(texts, tries, _experience(found["adaptive"]), failures))
    made = tallies.tallies(plan, setting, str(unit), tries, threshold=kit.threshold)
    by_name = named.of_names(setting, str(unit), names, None if began is None else began.majority)
    beside = {**dict(told.of_arms(plan, tries)), **dict(told.of_gates(plan, tries["discard"], kit.threshold))}
    return Found([*made, *by_name], beside | named.confusion(names))


async def _records(given: Given, plan: Plan, world: World, began: Experience | None) -> dict[str, list[Record]]:
    async with AsyncExitStack() as stack:
        shared = await runs.machines(stack, LABELLED_SCALE, _memory(given), world.kit)
        return {
            policy: await runs.records(
                plan, world, shared, setting=_heat(given), policy=policy, prior=began if policy == "adaptive" else None
            )
            for policy in ARMS
        }  # fmt: skip


def _judged(given: Given) -> Found:
    """First attempts as four judges score them with every source."""
    plan, setting, unit = _plan(given), str(given.part.setting), int(given.part.unit or 0)
    tries, folders, minilm = kept(given.scratch, setting, unit).tries["discard"], _judges(given), _minilm()
    world = build(plan, given.look("runs"), given.scratch / "corpora" / setting, _kit(given))
    drafts = modes.chosen(plan, tries)
    read = asyncio.run(_read(given, world, drafts, folders, minilm))
    found = {name: sum(one.found.get(name, False) for one in read) for name in ("bm25_k1", "bm25_k3", "minilm_k3")}
    figures: dict[str, float] = {f"found by {name}": count for name, count in found.items()}
    return Found(
        list(judged_tallies(setting, str(unit), read)), {"drafts": len(read), **figures, **dict(told.of_judges(read))}
    )


async def _read(
    given: Given, world: World, drafts: list[Try], folders: Mapping[str, Path], minilm: Path
) -> list[modes.Labelled]:  # fmt: skip
    async with AsyncExitStack() as stack:
        shown = sources.shown_by(await sources.searches(stack, world.corpus, minilm))
        return await modes.read(world, drafts, folders, shown, _memory(given))


def _students(given: Given) -> Found:
    """Students of each arm's data of a group of runs, and the exam on its passages."""
    plan, setting, group = _plan(given), str(given.part.setting), int(given.part.unit or 0)
    units = range(GROUP * group, GROUP * (group + 1))
    found = {unit: kept(given.scratch, setting, unit) for unit in units}
    passages = {(unit, place): text for unit, one in found.items() for place, text in enumerate(one.told)}
    every = [one for kept_run in found.values() for arm in kept_run.tries.values() for one in arm]
    questions = exam(passages, {one.question for one in every if one.question is not None})
    dice = random.Random(given.look("exam"))
    asked = dice.sample(questions, min(QUESTIONS, len(questions)))
    made: list[Tally] = []
    figures: dict[str, float] = {"questions": len(asked)}
    for arm, (policy, chosen) in STUDENTS.items():
        lessons = [one for kept_run in found.values() for one in _lessons(plan, kept_run.tries[policy], chosen)]
        seeds = [given.seed("student", number) for number in range(plan.students)]
        right = sum(sum(marks(lessons, asked, epochs=plan.epochs, seed=seed)) for seed in seeds)
        made.append(Tally(setting, arm, "right_answers", str(group), right, len(seeds) * len(asked)))
        figures[f"{arm}/lessons"] = len(lessons)
    return Found(made, figures)


def _lessons(plan: Plan, tries: list[Try], chosen: Callable[[Arm], Iterator[Try]]) -> list[Lesson]:
    """Of orders alone: a bad probe is in nobody's data."""
    arm = within(plan, [one for one in tries if one.slot >= 0], plan.budget)
    drafts = (one.draft for one in chosen(arm))
    return [(one.question, one.answer) for one in drafts if one is not None]


def _experience(records: list[Record]) -> Experience:
    fold = ExperienceFold()
    for record in records:
        fold.apply(record)
    return fold.experience()


def _plan(given: Given) -> Plan:
    return TINY if given.tiny else FULL


def _heat(given: Given) -> Setting:
    return Setting(LABELLED_SCALE, SETTINGS[given.part.setting or ""][1])


def _kit(given: Given) -> Kit:
    papers, _ = SETTINGS[given.part.setting or ""]
    threshold = judges.threshold_of(STRONGEST) if not given.tiny else judges.THRESHOLD
    return Kit(papers, _judges(given)[STRONGEST], threshold, UNSEEN)


def _judges(given: Given) -> dict[str, Path]:
    """From the weakest to the strongest."""
    return judges.shipped() if given.tiny else judges.committed(judges.TRAINED)


def _prior(given: Given) -> Prior | None:
    """The committed one. A pilot has none: its runs are what the prior is made of."""
    if given.pilot:
        return None
    if (began := prior()) is None:
        raise ConfigError("prior-2.json is not there: it is fitted on the pilot's runs before the first run")
    return began


def _minilm() -> Path:
    if not (MINILM / "config.json").is_file():
        raise ConfigError(f"{MINILM} is not there: make it with `python -m studies.real_text.models {MINILM.parent}`")
    return MINILM


def _memory(given: Given) -> Path:
    return given.scratch / "memory" / f"{given.part.setting}-{given.part.unit}"
