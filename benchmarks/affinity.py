"""What is saved when a passage's requests go to the replica that has read it: two vLLM replicas of SmolLM2 on Serve.

    python -m studies.real_text.models .models    # once
    python -m benchmarks.affinity --models .models

In turn, each time about passages that no replica has read: round robin (requests alternate between the replicas), two
choices (Serve picks, as for pools without affinity), and affinity. A passage has a life: three samples at once, and
after each of them a repair, whose prompt begins in the same way. Printed: prompt tokens that were computed (vLLM's own
count of those from its cache is taken off), the whole time, the time of the last 5% of the answers and of the slowest
of twenty requests, and all of these as parts of round robin's.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from statistics import quantiles
from typing import Any

from msgspec import Struct
from ray import serve
from transformers import AutoTokenizer

from actors.protocols import Generator
from actors.tasks.prompt_sets import EMBEDDED
from benchmarks.model_engine import passages as paragraphs
from deployments.ray.cluster import cluster
from deployments.ray.handles import BatchLimits, PoolHandle, streaming
from deployments.ray.near_prefix import PassagePool, pool_of
from deployments.serve.deployments import deploy, names, remove, replica_status
from deployments.serve.live import live
from schemas.config import Corpus, GroundedAnswer, Pool, RunConfig
from schemas.config_deployed import Replicas
from schemas.config_engines import VllmEngine
from schemas.ids import PoolName
from schemas.samples import Completion, GenerationRequest, Message, Sampling

REPLICAS, SAMPLES = 2, 3
BLOCK = 32
"""Tokens of a block of the KV cache: the least that vLLM takes on a CPU, where its usual number is 128; 16 on a GPU."""
REPAIR = "\nAn earlier answer was not supported by the text. Ask another question, and answer it from one sentence."


class RoundRobin:
    """Each request to the next replica."""

    def __init__(self, handle: Any) -> None:
        ways = [streaming(handle.options(session_id=each), "generate") for each in live(handle.app_name)]
        self._next = cycle([PoolHandle(way, BatchLimits()) for way in ways])

    async def generate(self, request: GenerationRequest) -> Completion:
        return await next(self._next).generate(request)


class Found(Struct, frozen=True):
    """One way over one set of passages."""

    computed: int
    prompt: int
    whole_s: float
    tail_s: float
    slow_s: float

    @property
    def row(self) -> tuple[float, ...]:
        return self.computed, self.whole_s, self.tail_s, self.slow_s


def configuration(models: Path) -> RunConfig:
    engine = VllmEngine(
        model=str(models / "smollm2"),
        max_model_len=4096,
        engine_args={
            "enforce_eager": True,
            "kv_cache_memory_bytes": 1 << 29,
            "max_num_batched_tokens": 4096,
            "max_num_seqs": 64,
            "block_size": BLOCK,
        },
    )
    pool = Pool(engine, Replicas(min=REPLICAS, max=REPLICAS, num_cpus=0.9))
    return RunConfig(corpus=Corpus(paths=()), task=GroundedAnswer(), pools={"generator": pool}, gates={})


def texts(models: Path, tokens: int) -> Iterator[str]:
    """Long passages without end, each with a beginning of its own."""
    tokenizer: Any = AutoTokenizer.from_pretrained(models / "smollm2", trust_remote_code=False)
    ids = tokenizer.encode("\n".join(paragraphs()))
    for number in range(1 << 20):
        at = number * tokens % (len(ids) - tokens)
        yield f"Chapter {number}. {tokenizer.decode(ids[at : at + tokens])}"


async def life(pool: Generator, passage: str, took: list[tuple[Completion, float]]) -> None:
    """A passage's six requests. `took`: gets each answer and its seconds."""

    async def asked(number: int, repair: str = "") -> None:
        began = time.perf_counter()
        messages = (Message("system", EMBEDDED.system), Message("user", EMBEDDED.ask(passage) + repair))
        sampling = Sampling(temperature=0.7, max_tokens=32, seed=number)
        name = f"{passage[:16]}/{number}/{len(repair)}"
        answer = await pool.generate(GenerationRequest(name, messages, sampling, passage_id=passage[:16]))
        took.append((answer, time.perf_counter() - began))

    async def sample(number: int) -> None:
        await asked(number)
        await asked(number, REPAIR)

    await asyncio.gather(*map(sample, range(SAMPLES)))


async def measured(pool: Generator, passages: list[str], at_once: int) -> Found:
    """All lives, so many at once."""
    took, ends, slots = list[tuple[Completion, float]](), list[float](), asyncio.Semaphore(at_once)

    async def one(passage: str) -> None:
        async with slots:
            await life(pool, passage, took)

    began = time.perf_counter()
    tasks = [asyncio.create_task(one(passage)) for passage in passages]
    seen = 0
    while not all(task.done() for task in tasks):
        await asyncio.wait(tasks, timeout=0.05, return_when=asyncio.FIRST_COMPLETED)
        ends += [time.perf_counter() - began] * (len(took) - seen)
        seen = len(took)
    await asyncio.gather(*tasks)
    prompt = sum(answer.prompt_tokens for answer, _ in took)
    return Found(
        computed=prompt - sum(answer.cached_tokens for answer, _ in took),
        prompt=prompt,
        whole_s=ends[-1],
        tail_s=ends[-1] - ends[int(0.95 * len(ends)) - 1],
        slow_s=quantiles([seconds for _, seconds in took], n=20)[-1],
    )


async def compare(arguments: argparse.Namespace, deployed: Pool, application: str) -> None:
    handle: Any = serve.get_app_handle(application)
    near = pool_of(handle, deployed, BatchLimits())
    assert isinstance(near, PassagePool)
    endless = texts(arguments.models, arguments.tokens)
    await measured(near, list(islice(endless, arguments.at_once)), arguments.at_once)  # warm, and found to pay
    assert near.pays
    while len(live(application)) < REPLICAS:  # noqa: ASYNC110  (Serve tells by no event)
        await asyncio.sleep(0.1)
    ways: dict[str, Generator] = {
        "round robin": RoundRobin(handle),
        "two choices": PoolHandle(streaming(handle, "generate"), BatchLimits()),
        "affinity": near,
    }
    print("| way | prompt tokens | computed | whole | last 5% | slowest of 20 |\n| --- | --- | --- | --- | --- | --- |")
    rows: dict[str, list[tuple[float, ...]]] = {way: [] for way in ways}
    for turn in range(arguments.turns):
        for way in list(ways) if turn % 2 == 0 else reversed(ways):
            found = await measured(ways[way], list(islice(endless, arguments.passages)), arguments.at_once)
            rows[way].append(found.row)
            print(
                f"| {way} | {found.prompt:,} | {found.computed:,} | {found.whole_s:.1f} s | {found.tail_s:.1f} s | "
                f"{found.slow_s:.1f} s |",
                flush=True,
            )
    sums = {way: [sum(column) for column in zip(*found, strict=True)] for way, found in rows.items()}
    for way in list(ways)[1:]:
        parts = " | ".join(f"{a / b:.2f}" for a, b in zip(sums[way], sums["round robin"], strict=True))
        print(f"| {way} / round robin | | {parts} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=Path(".models"))
    parser.add_argument("--passages", type=int, default=12, help="in each turn of each way")
    parser.add_argument("--tokens", type=int, default=1500, help="of a passage")
    parser.add_argument("--at-once", type=int, default=6, help="passages whose requests are under way")
    parser.add_argument("--turns", type=int, default=2)
    arguments = parser.parse_args()
    config = configuration(arguments.models.resolve())
    where = names(config, "affinity")
    application = where.pools[PoolName("generator")]
    with cluster(None), tempfile.TemporaryDirectory() as folder:
        deploy(config, where, Path(folder), only=[application])
        while not any(each.name == application and each.running == REPLICAS for each in replica_status(where)):
            time.sleep(0.5)
        asyncio.run(compare(arguments, config.pools["generator"], application))
        remove([application])


if __name__ == "__main__":
    main()
