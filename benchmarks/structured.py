"""When a field of JSON is usable soonest: with the schema given to the engine nowhere, on the second call alone, or on
the first call too (as the loop does it where the field is all that a call writes).

    python -m benchmarks.structured [--samples 24]

Real passages, a real model in vLLM (the engine of `examples/demo-text-vllm.yaml`), the task's own prompts and seeds. A
pass of one token a prompt goes before, so that every way finds the same prompts computed.
"""

import argparse
import asyncio
import itertools
import json
import time
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from actors.corpus.chunker import Chunker
from actors.protocols import Engine
from actors.tasks.prompted import PromptedTask
from deployments.build.readers import read_corpus
from deployments.config.load import load
from deployments.engines.build import EngineRole, build_engine
from schemas.config_tasks import Prompted, PromptedField, SamplingDefaults, TurnTemplate
from schemas.corpus import Document, Passage
from schemas.ids import PoolName, derived_seed
from schemas.orders import Lease, Order
from schemas.samples import Completion, Draft, GenerationRequest, Prompt

EXAMPLE = Path("examples/demo-text-vllm.yaml")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "minLength": 1, "maxLength": 80},
        "names": {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 60}, "maxItems": 5},
    },
    "required": ["title", "names"],
    "additionalProperties": False,
}
TASK = Prompted(
    fields=(PromptedField("record", "the record", schema=SCHEMA),),
    system="You write JSON.",
    ask="{{ passage }}\nWrite a JSON object of this passage: `title`, a short title, and `names`, a list of at most "
    "five names of things in it. Reply in one line, `Record: ` and the object.",
    student=(TurnTemplate("user", "{{ passage }}"), TurnTemplate("assistant", "{{ record }}")),
    sampling=SamplingDefaults(temperature=0.5, top_p=0.95, max_tokens=160),
)


class Way(Enum):
    """Which calls the engine is given the schema for."""

    NOWHERE = "nowhere"
    SECOND = "on the second call"
    BOTH = "on both calls"


class Took(Struct):
    """What one way came to."""

    seconds: float = 0.0
    usable: int = 0
    calls: int = 0
    second: int = 0
    tokens: int = 0


class Asking:
    """`actors.protocols.AskModel` of one sample."""

    def __init__(self, engine: Engine, lease: Lease, way: Way, took: Took, slots: asyncio.Semaphore) -> None:
        self._engine, self._lease, self._way, self._took, self._slots = engine, lease, way, took, slots
        self._asked = 0

    async def __call__(self, prompt: Prompt, *, pool: PoolName | None = None) -> Completion:
        self._asked += 1
        shown = self._way is Way.BOTH or (self._way is Way.SECOND and self._asked == 2)
        seed = derived_seed(self._lease.order.id, self._asked)
        request = GenerationRequest(
            id=f"{self._lease.order.id}:{self._way.name}:{self._asked}",
            messages=prompt.messages,
            sampling=replace(prompt.sampling, seed=seed),
            json_schema=json.dumps(SCHEMA) if shown else None,
        )
        async with self._slots:
            said = await self._engine.generate(request)
        self._took.calls += 1
        self._took.second += self._asked == 2
        self._took.tokens += said.completion_tokens
        return said


async def measured(engine: Engine, leases: Sequence[Lease], way: Way, at_once: int) -> Took:
    task, took, slots = PromptedTask(TASK), Took(), asyncio.Semaphore(at_once)

    async def one(lease: Lease) -> None:
        async for made in task.attempt(lease, Asking(engine, lease, way, took, slots)):
            took.usable += isinstance(made.draft, Draft)

    began = time.perf_counter()
    await asyncio.gather(*map(one, leases))
    took.seconds = time.perf_counter() - began
    return took


async def warmed(engine: Engine, leases: Sequence[Lease]) -> None:
    """Every first prompt computed."""
    task = PromptedTask(TASK)
    for lease in leases:
        _, prompt = next(iter(task.asked(lease, {})))
        request = GenerationRequest(f"warm:{lease.order.id}", prompt.messages, replace(prompt.sampling, max_tokens=1))
        await engine.generate(request)


def passages(count: int) -> list[Passage]:
    config = load(EXAMPLE)
    chunker = Chunker(config.corpus.chunking)
    documents = (found for found in read_corpus(config.corpus) if isinstance(found, Document))
    each = (passage for document in documents for passage in chunker.passages(document))
    return list(itertools.islice(each, count))


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=24)
    parser.add_argument("--at-once", type=int, default=8)
    arguments = parser.parse_args()
    leases = [
        Lease(Order.fresh(each.id, "structured", 0), each, 1, expires_at=0.0) for each in passages(arguments.samples)
    ]
    engine = build_engine(load(EXAMPLE).pools["generator"].engine, EngineRole.GENERATOR)
    await engine.start()
    try:
        await warmed(engine, leases)
        for way in Way:
            took = await measured(engine, leases, way, arguments.at_once)
            per = took.seconds / took.usable if took.usable else float("inf")
            print(
                f"schema {way.value:18}  {took.usable:3} of {len(leases)} usable, {took.calls} calls "
                f"({took.second} second ones), {took.tokens:,} tokens, {took.seconds:.1f} s: {per:.2f} s a usable one",
                flush=True,
            )
    finally:
        await engine.close()


if __name__ == "__main__":
    asyncio.run(main())
