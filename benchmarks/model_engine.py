"""How fast an engine runs a model of ours in this process: generated tokens/s, classifications/s, by threads and batch.

python -m benchmarks.model_engine examples/almanac/models/generator-middle --threads 1 --concurrency 128
python -m benchmarks.model_engine examples/almanac/models/generator-middle --engine vllm --dtype bfloat16
python -m benchmarks.model_engine examples/almanac/models/judge-strong --role classifier --requests 1800
"""

import argparse
import asyncio
import time
from pathlib import Path

import msgspec
import torch

from actors.protocols import Engine
from actors.tasks import prompts
from actors.tasks.prompt_sets import EMBEDDED
from deployments.engines.build import build_engine
from deployments.engines.roles import EngineRole
from schemas.config_engines import TransformersEngine, VllmArgument, VllmEngine
from schemas.samples import ClassificationRequest, GenerationRequest, Message, Sampling, qa

CORPUS = Path("examples/almanac/corpus.jsonl")


class Line(msgspec.Struct):
    text: str


def passages() -> list[str]:
    return [msgspec.json.decode(line, type=Line).text for line in CORPUS.read_bytes().splitlines()]


async def generate(engine: Engine, number: int, passage: str) -> tuple[int, int]:
    """Prompt and completion tokens of one request."""
    messages = (Message("system", EMBEDDED.system), Message("user", EMBEDDED.ask(passage)))
    request = GenerationRequest(str(number), messages, Sampling(temperature=0.7, max_tokens=48, seed=number))
    found = await engine.generate(request)
    return found.prompt_tokens, found.completion_tokens


async def classify(engine: Engine, number: int, passage: str) -> tuple[int, int]:
    """Tokens of one text, and none generated."""
    text = prompts.judged(passage, qa("Where does it stand?", "By the sea."))
    return (await engine.classify(ClassificationRequest(str(number), text))).prompt_tokens, 0


def configured(arguments: argparse.Namespace) -> TransformersEngine | VllmEngine:
    """vLLM chooses its own threads."""
    model, dtype, batch = arguments.model, arguments.dtype, arguments.batch
    if arguments.engine == "vllm":
        args: dict[VllmArgument, int | float | bool] = {"enforce_eager": True, "kv_cache_memory_bytes": 1 << 30}
        if batch:
            args["max_num_seqs"] = batch
        return VllmEngine(model=model, dtype=dtype, max_model_len=512, engine_args=args)
    torch.set_num_threads(arguments.threads)
    return TransformersEngine(model=model, dtype=dtype, max_batch=batch)


async def measure(arguments: argparse.Namespace) -> None:
    role = EngineRole(arguments.role)
    engine = build_engine(configured(arguments), role)
    await engine.start()
    texts, slots = passages(), asyncio.Semaphore(arguments.concurrency)
    call = generate if role is EngineRole.GENERATOR else classify

    async def one(number: int) -> tuple[int, int]:
        async with slots:
            return await call(engine, number, texts[number % len(texts)])

    await asyncio.gather(*(one(number) for number in range(16)))
    began, cpu = time.perf_counter(), time.process_time()
    counts = await asyncio.gather(*(one(number) for number in range(arguments.requests)))
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    read, written = (sum(column) for column in zip(*counts, strict=True))
    print(
        f"{arguments.engine}, {role.value}: {arguments.requests} requests in {took:.1f} s ({cpu:.1f} s CPU here), "
        f"{arguments.requests / took:.0f}/s; "
        f"tokens read {read} ({read / took:.0f}/s), written {written} ({written / took:.0f}/s)"
    )
    await engine.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--role", default="generator", choices=[role.value for role in EngineRole])
    parser.add_argument("--engine", default="transformers", choices=["transformers", "vllm"])
    parser.add_argument("--requests", type=int, default=900)
    parser.add_argument("--concurrency", type=int, default=128)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=64, help="sequences at once; 0: vLLM's choice")
    parser.add_argument("--dtype", default="float32")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
