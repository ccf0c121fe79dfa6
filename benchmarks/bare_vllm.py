"""The whole loop against bare vLLM on one model: generated tokens/s of a run with instant gates, and of vLLM's offline
class (`LLM.chat`) with the same prompts, seeds and engine arguments. Warm, several times in turn, on the same cores.

    python -m benchmarks.bare_vllm [MODEL] [--passages 200] [--samples 8] [--repeats 3]

With ramp and tail: from the first request to the last answer. Without: of the loop between 10% and 90% of its
attempts; of bare vLLM what the whole batch took more than its first half, nothing cached of it. Every order is one
attempt (`recovery: discard`), so that both sides answer the same requests; each runs in a process of its own.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

from msgspec import Struct

from actors.calls.asker import Asker, Way
from deployments.build.tasks import build_task
from deployments.build.wiring import passage_orders
from deployments.config.rules import task_name
from deployments.monitoring.progress import Progress
from schemas.config import Conductors, Corpus, GroundedAnswer, Pool, Recovery, RunConfig, SamplingDefaults
from schemas.config_deployed import Replicas
from schemas.config_engines import CustomEngine, VllmArgument, VllmEngine
from schemas.config_gates import Classifier
from schemas.ids import PoolName
from schemas.orders import Lease, Order
from schemas.samples import Completion, FinishReason, GenerationRequest
from schemas.until_dry import most_orders

MODEL = "examples/almanac/models/generator-middle"
CORPUS = Path("examples/almanac/corpus.jsonl")
ARGUMENTS: dict[VllmArgument, int | float | bool] = {"enforce_eager": True, "kv_cache_memory_bytes": 1 << 30}
WARM_UP = 32
"""Requests before anything is timed."""
CONCURRENCY = 512
CLOSE_S = 5.0
POOL = PoolName("generator")


class Speed(Struct, frozen=True):
    """Generated tokens/s of one side, with ramp and tail and without."""

    whole: float
    inside: float


def configuration(arguments: argparse.Namespace, corpus: Path) -> RunConfig:
    """A run whose gates pass everything at once."""
    instant = CustomEngine(factory="tests.doubles.engines:instant")
    engine = VllmEngine(model=arguments.model, dtype=arguments.dtype, engine_args=ARGUMENTS)
    gate = Classifier(engine=instant, replicas=Replicas(num_cpus=0.1))
    sampling = SamplingDefaults(max_tokens=arguments.max_tokens)
    return RunConfig(
        name="bare",
        corpus=Corpus(paths=(str(corpus),)),
        task=GroundedAnswer(samples_per_passage=arguments.samples, sampling=sampling),
        pools={POOL: Pool(engine=engine, replicas=Replicas(num_cpus=arguments.threads))},
        gates={"faithfulness": gate, "reward": gate},
        recovery=Recovery(policy="discard"),
        conductors=Conductors(concurrency=CONCURRENCY),
    )


def shortened(folder: Path, passages: int) -> Path:
    """The first passages of the almanac, as often as it takes: a passage that comes again says which time it is."""
    lines = [json.loads(line) for line in CORPUS.read_bytes().splitlines()]
    chosen = [{**lines[at % len(lines)], "id": f"{at}"} for at in range(passages)]
    for at, line in enumerate(chosen[len(lines) :], 1):
        line["text"] = f"Entry {at}. {line['text']}"
    path = folder / "corpus.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in chosen))
    return path


async def requests(config: RunConfig) -> list[GenerationRequest]:
    """What the run's first attempts ask, with its seeds."""
    from deployments.build.evidence import passages_of

    task, found = build_task(config), list[GenerationRequest]()

    async def asked(pool: PoolName, request: GenerationRequest) -> Completion:
        found.append(request)
        return Completion(request.id, "", FinishReason.STOP, prompt_tokens=0, completion_tokens=0)

    for passage in passages_of(config.corpus):
        for slot in range(most_orders(passage_orders(config))):
            lease = Lease(Order.fresh(passage.id, task_name(config), slot), passage, 1, float("inf"))
            async for _ in task.attempt(lease, Asker(lease, Way(asked, POOL, POOL, config.seed, time.monotonic))):
                pass
    return found


def bare(config: RunConfig) -> Speed:
    """vLLM's offline class, told what the pool's engine is told."""
    from deployments.engines import vllm as ours
    from deployments.engines.roles import EngineRole

    engine = config.pools[POOL].engine
    assert isinstance(engine, VllmEngine)
    told = ours._arguments(engine, EngineRole.GENERATOR, pooling="mean")
    given = {each.name: getattr(told, each.name) for each in fields(told)}
    from vllm import LLM, EngineArgs, SamplingParams

    usual = EngineArgs(model=engine.model)
    changed = {name: value for name, value in given.items() if hasattr(usual, name) and value != getattr(usual, name)}
    llm = LLM(**{**changed, "model": engine.model})
    asked = asyncio.run(requests(config))

    def generated(part: list[GenerationRequest]) -> tuple[int, float]:
        chats: Any = [[{"role": each.role, "content": each.content} for each in one.messages] for one in part]
        params = [
            SamplingParams(
                temperature=one.sampling.temperature,
                top_p=one.sampling.top_p,
                max_tokens=one.sampling.max_tokens,
                seed=one.sampling.seed,
            )
            for one in part
        ]
        llm.reset_prefix_cache()
        began = time.perf_counter()
        outputs = llm.chat(chats, params, use_tqdm=False)
        return sum(len(output.outputs[0].token_ids) for output in outputs), time.perf_counter() - began

    generated(asked[:WARM_UP])
    half, half_s = generated(asked[: len(asked) // 2])
    whole, whole_s = generated(asked)
    llm.llm_engine.engine_core.shutdown(timeout=CLOSE_S)  # left to itself its process stays for minutes
    return Speed(whole / whole_s, (whole - half) / (whole_s - half_s))


class Written:
    """Remembers when how many attempts had ended, and their tokens."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, int, int]] = []

    def __call__(self, progress: Progress) -> None:
        if progress.snapshot is not None:
            roles = progress.snapshot.summary.roles
            tokens = sum(role.completion_tokens for role in roles if role.role == POOL)
            self.seen.append((progress.at, progress.snapshot.counts.attempts, tokens))

    def speed(self) -> Speed:
        last = self.seen[-1][1]
        begins = max(at for at, attempts, _ in self.seen if not attempts)
        ends, _, tokens = next(each for each in self.seen if each[1] == last)
        inside = [each for each in self.seen if 0.1 * last <= each[1] <= 0.9 * last]
        if len(inside) < 2:
            raise SystemExit("too short a run to leave ramp and tail out: give more --passages")
        (start, _, first), (end, _, final) = inside[0], inside[-1]
        return Speed(tokens / (ends - begins), (final - first) / (end - start))


def loop(config: RunConfig, folder: Path) -> Speed:
    """A whole run on Ray and Serve."""
    from deployments.run import run

    written = Written()
    run(config, folder / "run", watch=written)
    return written.speed()


def measured(arguments: argparse.Namespace) -> Speed:
    """One side, in this process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = configuration(arguments, shortened(folder, arguments.passages))
        return bare(config) if arguments.side == "bare" else loop(config, folder)


def apart(side: str) -> Speed:
    """One side in a process of its own, with the threads that a replica has."""
    threads = sys.argv[sys.argv.index("--threads") + 1] if "--threads" in sys.argv else "1"
    command = [sys.executable, "-m", "benchmarks.bare_vllm", *sys.argv[1:], "--side", side]
    environment = {**os.environ, "VLLM_LOGGING_LEVEL": "ERROR", "TQDM_DISABLE": "1"}
    if side == "bare":
        environment |= {"OMP_NUM_THREADS": threads, "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    return Speed(**json.loads(told.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default=MODEL)
    parser.add_argument("--passages", type=int, default=200)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--max-tokens", type=int, default=48)
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--threads", type=int, default=1, help="of the model, on either side")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--side", choices=["bare", "loop"], help="this side alone, its figures as JSON")
    arguments = parser.parse_args()
    if arguments.side:
        speed = measured(arguments)
        print(json.dumps({"whole": speed.whole, "inside": speed.inside}))
        return
    whole, inside = [], []
    for number in range(1, arguments.repeats + 1):
        alone, ours = apart("bare"), apart("loop")
        whole.append(ours.whole / alone.whole)
        inside.append(ours.inside / alone.inside)
        print(
            f"{number}: bare vLLM {alone.whole:,.0f} tokens/s, the loop {ours.whole:,.0f} ({whole[-1]:.2f}); "
            f"without ramp and tail {alone.inside:,.0f} and {ours.inside:,.0f} ({inside[-1]:.2f})",
            flush=True,
        )
    print(f"median: {statistics.median(whole):.2f}; without ramp and tail {statistics.median(inside):.2f}")


if __name__ == "__main__":
    main()
