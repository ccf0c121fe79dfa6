"""Our continuous batching beside transformers' own, on the same model, prompts and cores: generated tokens a second.

    python -m benchmarks.batching [examples/almanac/models/generator-middle] [--requests 256] [--threads 2]

Each runs alone, one warm-up, three turns in turn; the median counts. Greedy, so that both make the same tokens.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.generation.configuration_utils import ContinuousBatchingConfig, GenerationConfig

from actors.tasks import prompts
from benchmarks.model_engine import passages
from deployments.engines.build import build_engine
from deployments.engines.roles import EngineRole
from schemas.config_engines import TransformersEngine
from schemas.samples import GenerationRequest, Message, Sampling

TOKENS = 48


def asked(passage: str) -> tuple[Message, ...]:
    return (Message("system", prompts.SYSTEM), Message("user", prompts.ask(passage)))


async def ours(model: str, texts: list[str]) -> int:
    """Tokens that our engine generates."""
    engine = build_engine(TransformersEngine(model=model, dtype="float32", max_batch=64), EngineRole.GENERATOR)
    await engine.start()
    try:
        sampling = Sampling(temperature=0.0, max_tokens=TOKENS)
        requests = [GenerationRequest(str(number), asked(text), sampling) for number, text in enumerate(texts)]
        began = time.monotonic()
        done = await asyncio.gather(*(engine.generate(request) for request in requests))
        took.append(time.monotonic() - began)
        return sum(each.completion_tokens for each in done)
    finally:
        await engine.close()


def theirs(name: str, texts: list[str]) -> int:
    """Tokens that `generate_batch` generates."""
    tokenizer = AutoTokenizer.from_pretrained(name)
    model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32, attn_implementation="paged|sdpa").eval()
    chats = [[{"role": said.role, "content": said.content} for said in asked(text)] for text in texts]
    ids = [tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=False) for chat in chats]
    config = GenerationConfig(
        max_new_tokens=TOKENS, do_sample=False, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    began = time.monotonic()
    done = model.generate_batch(ids, config, ContinuousBatchingConfig(), warmup=False)
    took.append(time.monotonic() - began)
    return sum(len(each.generated_tokens) for each in done.values())


took: list[float] = []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="examples/almanac/models/generator-middle")
    parser.add_argument("--requests", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    texts = (passages() * 8)[: arguments.requests]
    sides: dict[str, Callable[[list[str]], int]] = {
        "ours": lambda some: asyncio.run(ours(arguments.model, some)),
        "transformers": lambda some: theirs(arguments.model, some),
    }
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for side in sides.values():
        side(texts[:8])
    for _ in range(3):
        for name, side in sides.items():
            tokens = side(texts)
            rates[name].append(tokens / took[-1])
            print(f"{name:13} {tokens:,} tokens in {took[-1]:.2f} s: {rates[name][-1]:,.0f} tokens/s")
    print({name: round(statistics.median(found)) for name, found in rates.items()})


if __name__ == "__main__":
    main()
