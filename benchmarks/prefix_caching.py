"""What vLLM's prefix caching saves of rollouts, whose prompts are prefixes of the same few solutions.

python -m benchmarks.prefix_caching examples/almanac/models/generator-large
"""

import argparse
import asyncio
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec

from deployments.engines.roles import EngineRole
from deployments.engines.vllm import VllmBackend
from schemas.config_engines import VllmEngine as Config
from schemas.samples import GenerationRequest, Message, Sampling

CORPUS = Path("examples/almanac/corpus.jsonl")
STEPS, DRAWS = 10, 4
"""Of a solution, and of each of its prefixes."""


class Line(msgspec.Struct):
    text: str


def solutions(count: int) -> list[tuple[str, list[str]]]:
    """A problem and its steps: sentences of the corpus, since only their length matters here."""
    texts = [msgspec.json.decode(line, type=Line).text for line in CORPUS.read_bytes().splitlines()]
    sentences = [sentence for text in texts for sentence in re.findall(r"[^.]+\.", text)]
    size = STEPS + 3
    blocks = [sentences[at : at + size] for at in range(0, count * size, size)]
    return [(" ".join(block[:3]), [f"{step.strip()}\n" for step in block[3:]]) for block in blocks]


def rollouts(count: int) -> list[GenerationRequest]:
    """In the order in which they are asked for: solution by solution, all draws of its prefixes."""
    found = []
    for number, (problem, steps) in enumerate(solutions(count)):
        for made in range(1, STEPS):
            said = (Message("system", "Solve it step by step."), Message("user", problem))
            messages = (*said, Message("assistant", "".join(steps[:made])))
            for draw in range(DRAWS):
                sampling = Sampling(temperature=0.7, max_tokens=16, seed=draw)
                found.append(GenerationRequest(f"{number}/{made}/{draw}", messages, sampling))
    return found


class Cached:
    """Counts what vLLM says of each request: tokens of its prompt that were computed before."""

    def __init__(self, llm: Any) -> None:
        self._generate = llm.generate
        self.tokens = 0
        llm.generate = self.generate

    async def generate(self, *asked: Any, **options: Any) -> AsyncIterator[Any]:
        async for output in self._generate(*asked, **options):
            if output.finished:
                self.tokens += output.num_cached_tokens or 0
            yield output


async def measure(arguments: argparse.Namespace, *, caching: bool) -> str:
    config = Config(
        model=arguments.model,
        engine_args={
            "enforce_eager": True,
            "kv_cache_memory_bytes": 1 << 30,
            "max_num_seqs": 64,
            "enable_prefix_caching": caching,
        },
    )
    engine = VllmBackend(config, EngineRole.GENERATOR)
    await engine.start()
    slots = asyncio.Semaphore(arguments.concurrency)
    cached = Cached(engine._llm)

    async def one(request: GenerationRequest) -> int:
        async with slots:
            return (await engine.generate(request)).prompt_tokens

    try:
        began = time.perf_counter()
        read = sum(await asyncio.gather(*map(one, rollouts(arguments.solutions))))
        took = time.perf_counter() - began
    finally:
        await engine.close()
    count = len(rollouts(arguments.solutions))
    told = "with" if caching else "without"
    return (
        f"| {told} | {count} | {read:,} | {read - cached.tokens:,} ({1 - cached.tokens / read:.0%}) | "
        f"{took:.1f} s ({count / took:.0f}/s) |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--caching", choices=["on", "off", "both"], default="both")
    parser.add_argument("--solutions", type=int, default=20)
    parser.add_argument("--concurrency", type=int, default=64)
    arguments = parser.parse_args()
    print("| prefix caching | rollouts | prompt tokens | of them computed | time |\n| --- | --- | --- | --- | --- |")
    for caching in (False, True):
        if arguments.caching in ("both", "on" if caching else "off"):
            print(asyncio.run(measure(arguments, caching=caching)), flush=True)


if __name__ == "__main__":
    main()
