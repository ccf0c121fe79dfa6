"""vLLM's speculation without a second model: what it guesses is checked by the model, so that greedy texts stay."""

import asyncio

import pytest
from msgspec.structs import replace

from deployments.engines.build import build_engine
from deployments.engines.roles import EngineRole
from schemas.config_engines import VllmEngine
from schemas.samples import Completion, GenerationRequest, Message, Sampling
from tests.deployments.engines.conftest import TinyModels
from tests.deployments.engines.subjects import SMALL

pytestmark = [pytest.mark.vllm, pytest.mark.slow]

TEXTS = [f"The ships of Town {number} are {number} ships, and the ships are {number}." for number in range(6)]


async def completions(config: VllmEngine) -> list[Completion]:
    engine = build_engine(config, EngineRole.GENERATOR)
    await engine.start()
    sampling = Sampling(temperature=0.0, max_tokens=24)
    asked = [GenerationRequest(str(at), (Message("user", text),), sampling) for at, text in enumerate(TEXTS)]
    try:
        return list(await asyncio.gather(*map(engine.generate, asked)))
    finally:
        await engine.close()


async def test_ngram_speculation_keeps_greedy_texts(tiny: TinyModels) -> None:
    """`model_args` reaches vLLM: the model runs with n-grams guessed, and writes what it wrote before."""
    plain = VllmEngine(model=str(tiny.generator), dtype="float32", engine_args=SMALL)
    guess: dict[str, str | int | float | bool] = {
        "method": "ngram",
        "num_speculative_tokens": 3,
        "prompt_lookup_max": 3,
    }
    guessing = replace(plain, model_args={"speculative_config": guess})
    assert [each.text for each in await completions(guessing)] == [each.text for each in await completions(plain)]
