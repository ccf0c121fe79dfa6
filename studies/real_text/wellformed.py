"""How many first drafts of a real chat model are well formed, by prompt set.

    python -m studies.real_text.models .models
    python -m studies.real_text.wellformed .models/smollm2 --engine vllm

Plan, written before the first run. Passages: this project's own pages (`docs/**/*.md`), cut at 128 words as the
chunker cuts them; of those the ones without a table or a code fence; 96 of them, drawn by the seed. Arms: `embedded`
(the words of the shipped models), `instruct-large` and `instruct`; one first attempt each, T 0.5, top-p 0.95, 120
tokens, as labelled lines. Counted: drafts that the task reads, and why others are malformed. Supported if `instruct`
gives at least 90% (point estimate; the 95% Wilson interval is printed beside it). Well formed says nothing of faithful.
"""

import argparse
import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Literal, get_args

from msgspec import Struct

from actors.calls.asker import Asker, Way
from actors.counts.rates import rate
from actors.tasks.grounded_answer import GroundedAnswerTask
from deployments.build.evidence import passages_of
from deployments.local.gates import started
from schemas.config import Chunking, Corpus, GroundedAnswer, SamplingDefaults, TransformersEngine, VllmEngine
from schemas.config_engines import VllmArgument
from schemas.config_tasks import PromptSetName
from schemas.corpus import Passage
from schemas.gate_audit import Rate
from schemas.ids import PoolName
from schemas.orders import Lease, Order
from schemas.samples import Draft
from studies.real_text.results_file import write_json

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "wellformed.json"
PASSAGES = 96
GOAL = 0.9
POOL = PoolName("generator")
SAMPLING = SamplingDefaults(temperature=0.5, top_p=0.95, max_tokens=120)
EngineName = Literal["vllm", "transformers"]


class Arm(Struct, frozen=True):
    """One prompt set. `malformed`: how many for each reason; `examples`: the first completions."""

    prompts: PromptSetName
    well_formed: Rate
    malformed: dict[str, int]
    tokens: float
    """Of a completion, on average."""
    examples: tuple[str, ...]


class Results(Struct, frozen=True):
    """What was measured, and whether it is what was asked for."""

    model: str
    engine: EngineName
    seed: int
    passages: int
    arms: tuple[Arm, ...]
    supported: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--engine", choices=get_args(EngineName), default="vllm")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    results = asyncio.run(measure(arguments.model, arguments.engine, arguments.seed))
    write_json(arguments.output, results)
    for arm in results.arms:
        share, why = arm.well_formed, ", ".join(f"{count} {name}" for name, count in arm.malformed.items())
        print(f"{arm.prompts:15} {share.successes}/{share.trials} ({share.low:.1%} to {share.high:.1%})  {why}")
    print(f"instruct gives at least {GOAL:.0%}: {'supported' if results.supported else 'not supported'}")


async def measure(model: Path, engine: EngineName, seed: int) -> Results:
    """All arms, one after the other, on one engine."""
    passages = prose(seed)
    async with AsyncExitStack() as stack:
        generator = await started(stack, small_engine(engine, model))
        arms: list[Arm] = []
        for name in get_args(PromptSetName):
            task = GroundedAnswerTask(GroundedAnswer(prompts=name, sampling=SAMPLING))
            way = Way(lambda pool, request: generator.generate(request), POOL, POOL, seed, lambda: 0.0)
            drafts = await asyncio.gather(*(first_draft(task, way, passage) for passage in passages))
            arms.append(arm_of(name, drafts))
    shown = next(arm for arm in arms if arm.prompts == "instruct").well_formed
    supported = shown.successes >= GOAL * shown.trials
    return Results(model.name, engine, seed, len(passages), tuple(arms), supported)


def small_engine(name: EngineName, model: Path) -> VllmEngine | TransformersEngine:
    """For a model of this size, on a machine that others use too: little memory, and nothing is compiled."""
    if name == "transformers":
        return TransformersEngine(model=str(model))
    arguments: dict[VllmArgument, int | float | bool] = {
        "kv_cache_memory_bytes": 2**30,
        "gpu_memory_utilization": 0.4,
        "enforce_eager": True,
    }
    return VllmEngine(model=str(model), max_model_len=2048, engine_args=arguments)


def prose(seed: int) -> list[Passage]:
    """The passages, drawn by the seed."""
    corpus = Corpus(
        paths=(str(ROOT / "docs"),), include=("*.md",), chunking=Chunking(max_tokens=128, min_characters=200)
    )
    found = [passage for passage in passages_of(corpus) if "|" not in passage.text and "```" not in passage.text]
    return random.Random(seed).sample(found, PASSAGES)


class First(Struct, frozen=True):
    """What one attempt came to."""

    text: str
    tokens: int
    why: str


async def first_draft(task: GroundedAnswerTask, way: Way, passage: Passage) -> First:
    """The first attempt of a passage; its tokens are those of all its calls."""
    lease = Lease(Order.fresh(passage.id, "grounded_answer", 0), passage, 1, expires_at=0.0)
    asker = Asker(lease, way)
    (made,) = [made async for made in task.attempt(lease, asker)]
    why = "" if isinstance(made.draft, Draft) else made.draft.reason.value
    return First(asker.calls[-1].text, sum(call.cost.completion_tokens for call in asker.calls), why)


def arm_of(name: PromptSetName, drafts: list[First]) -> Arm:
    """What an arm's drafts came to."""
    whys = Counter(each.why for each in drafts if each.why)
    return Arm(
        prompts=name,
        well_formed=rate(sum(not each.why for each in drafts), len(drafts)),
        malformed=dict(sorted(whys.items())),
        tokens=round(sum(each.tokens for each in drafts) / len(drafts), 1),
        examples=tuple(each.text for each in drafts[:4]),
    )


if __name__ == "__main__":
    main()
