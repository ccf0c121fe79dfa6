"""How many first drafts of a real chat model are well formed as labelled lines and as JSON, on two engines.

    python -m studies.real_text.models .models
    python -m studies.real_text.forms .models/smollm2

Second plan, written before its first run; the first plan and its result (84%, not supported) stand in `wellformed`.
Changed since: a second draft ends the completion, the first whole one counts, and the fields of a JSON object are
bounded so that it fits the limit. The prompts are the same. Passages: as in `wellformed`, of the pages as they are now,
96 drawn by a seed that was not used before (7). Arms, all of them `instruct` with its three examples, one first attempt
each, T 0.5, top-p 0.95, 120 tokens: labelled lines on transformers and on vLLM, JSON on vLLM (which holds it to the
schema). Counted: drafts that the task reads, and why others are malformed. Supported if every arm gives at least 90%
(point estimates; the 95% Wilson intervals are printed beside them). Well formed says nothing of faithful.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Literal

from msgspec import Struct

from actors.calls.asker import Way
from actors.tasks.grounded_answer import GroundedAnswerTask
from deployments.local.gates import started
from schemas.config import GroundedAnswer
from studies.real_text.results_file import write_json
from studies.real_text.wellformed import GOAL, POOL, SAMPLING, Arm, EngineName, arm_of, first_draft, prose, small_engine

RESULTS = Path(__file__).parent / "forms.json"
SEED = 7
Output = Literal["lines", "json"]
ENGINES: tuple[EngineName, ...] = ("vllm", "transformers")
ARMS: tuple[tuple[EngineName, Output], ...] = (("vllm", "lines"), ("vllm", "json"), ("transformers", "lines"))


class FormArm(Struct, frozen=True):
    """One form on one engine."""

    engine: EngineName
    output: Output
    drafts: Arm


class Forms(Struct, frozen=True):
    """What was measured, and whether every arm is what was asked for."""

    model: str
    seed: int
    arms: tuple[FormArm, ...]
    supported: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    asyncio.run(write(arguments.model, arguments.seed, arguments.output))


async def write(model: Path, seed: int, output: Path) -> None:
    """The results, once more after each arm: a run that is ended early keeps what it measured."""
    arms: list[FormArm] = []
    async for arm in measure(model, seed):
        arms.append(arm)
        forms = Forms(model.name, seed, tuple(arms), supported(arms))
        await asyncio.to_thread(write_json, output, forms)
        share, whys = arm.drafts.well_formed, arm.drafts.malformed.items()
        told = ", ".join(f"{count} {name}" for name, count in whys)
        print(
            f"{arm.engine} {arm.output}: {share.successes}/{share.trials} ({share.low:.1%} to {share.high:.1%})  {told}"
        )
    print(f"every arm gives at least {GOAL:.0%}: {'supported' if supported(arms) else 'not supported'}")


def supported(arms: list[FormArm]) -> bool:
    """By the plan's rule."""
    shares = [arm.drafts.well_formed for arm in arms]
    return len(shares) == len(ARMS) and all(share.successes >= GOAL * share.trials for share in shares)


async def measure(model: Path, seed: int) -> AsyncIterator[FormArm]:
    """All arms, one after the other; one engine at a time."""
    passages = prose(seed)
    for name in ENGINES:
        async with AsyncExitStack() as stack:
            generator = await started(stack, small_engine(name, model))
            way = Way(lambda _, request, to=generator: to.generate(request), POOL, POOL, seed, lambda: 0.0)
            for engine, output in ARMS:
                if engine == name:
                    task = GroundedAnswerTask(GroundedAnswer(prompts="instruct", output=output, sampling=SAMPLING))
                    drafts = await asyncio.gather(*(first_draft(task, way, passage) for passage in passages))
                    yield FormArm(engine, output, arm_of("instruct", drafts))


if __name__ == "__main__":
    main()
