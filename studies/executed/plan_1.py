"""The parts of plan 1: a set of problems under every response to hints, or SmolLM2 as it is."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

from deployments.local.gates import started
from schemas.config import SamplingDefaults
from schemas.config_engines import TransformersEngine
from studies.executed.functions import specification
from studies.executed.queries import SUBJECTS, database
from studies.executed.runs import Bench
from studies.executed.script import RESPONSES
from studies.executed.tallies import figures, tallies
from studies.executed.writer import Writer
from studies.frame.given import Found, Given
from studies.frame.statistics import Tally
from studies.provenance.machines import Remembering

PASSAGES = 12
"""Of a set."""
SMOLLM2_PASSAGES = 4
"""Of these, what SmolLM2 writes about; each is a unit of its own."""
SAMPLING = SamplingDefaults(max_tokens=400)
SMOLLM2_ATTEMPTS = 2
"""Of its orders: the budget does not pay half of the second ones of a writer that is nearly always rejected."""
MODEL = Path(__file__).parents[2] / ".models" / "smollm2"


def run(given: Given) -> Found:
    """One part of the plan."""
    return asyncio.run(_scripted(given) if given.part.kind.name in ("code", "sql") else _smollm2(given))


def passages(kind: str, seed: int) -> list[str]:
    """Those of a set of problems. `kind`: `code` or `sql`."""
    random = Random(seed)
    if kind == "code":
        return [specification(random) for _ in range(PASSAGES)]
    return [database(subject, random) for subject in random.sample(SUBJECTS, PASSAGES)]


async def _scripted(given: Given) -> Found:
    kind, unit, found = given.part.kind.name, str(given.part.unit), Found([], {})
    bench = Bench(kind, passages(kind, given.look("sets")), given.seed())
    async with AsyncExitStack() as stack:
        stack.push_async_callback(bench.aclose)
        for response in RESPONSES:
            setting = f"{kind}-{response}"
            arms = await bench.arms(Writer(response), SAMPLING)
            found.tallies.extend(tallies(setting, unit, arms))
            found.figures.update(figures(setting, arms))
    return Found(found.tallies, found.figures | {"executed": float(bench.runner.executed)})


async def _smollm2(given: Given) -> Found:
    setting = given.part.setting or ""
    kind = setting.partition("-")[0]
    bench = Bench(kind, passages(kind, given.look("sets"))[:SMOLLM2_PASSAGES], given.seed())
    async with AsyncExitStack() as stack:
        stack.push_async_callback(bench.aclose)
        model = await started(stack, TransformersEngine(model=str(MODEL), dtype="float32", device="cpu"))
        remembering = Remembering(model, given.scratch / f"{given.part.name}.msgpack")
        stack.push_async_callback(remembering.close)
        arms = await bench.arms(remembering, SAMPLING, attempts=SMOLLM2_ATTEMPTS)
    told: list[Tally] = []
    for number in range(SMOLLM2_PASSAGES):
        of_passage = {name: [one for one in tries if one.passage == number] for name, tries in arms.items()}
        told += tallies(setting, str(number), of_passage)
    return Found(told, figures(setting, arms))
