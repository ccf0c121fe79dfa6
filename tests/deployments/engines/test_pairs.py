"""Pairs as cross-encoders read them: each engine gives what the plain model gives, whole and window by window."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from actors.protocols import Engine
from deployments.engines.build import build_engine
from deployments.engines.roles import EngineRole
from schemas.config_engines import TransformersEngine, VllmEngine
from schemas.errors import EngineError, ErrorKind
from schemas.samples import ClassificationRequest
from tests.deployments.engines.conftest import TinyModels
from tests.deployments.engines.subjects import SMALL
from tests.doubles import tiny_models

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAIRS = [
    ("It was founded in 1623.", "Founded in 1623"),
    ("x", "It was <|end|> founded by Oda Lind in the spring."),
    ("", "y"),
]
LONGEST, AROUND = 128, 3


@pytest.fixture(scope="module", params=[1, 2], ids=["without types", "with types"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of pairs."""
    return tiny_models.save_cross_encoder(tmp_path_factory.mktemp("pairs"), types=request.param)


def plainly(folder: Path, premise: bytes, hypothesis: str) -> list[float]:
    """What the model itself says of the pair alone; one token a byte."""
    model: Any = AutoModelForSequenceClassification.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts = (premise.decode(), hypothesis)
    asked = tokenizer(*texts, return_tensors="pt", split_special_tokens=True)
    with torch.inference_mode():
        return torch.softmax(model(**asked).logits[0], dim=-1).tolist()


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=["transformers", pytest.param("vllm", marks=[pytest.mark.vllm, pytest.mark.slow])],
)
async def engine(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Engine]:
    if request.param == "vllm":
        config: Any = VllmEngine(model=str(folder), dtype="float32", engine_args={**SMALL, "max_num_seqs": 16})
    else:
        config = TransformersEngine(model=str(folder), dtype="float32", device="cpu")
    started = build_engine(config, EngineRole.CLASSIFIER)
    await started.start()
    yield started
    await started.close()


async def test_a_pair_s_probabilities_are_the_model_s(engine: Engine, folder: Path) -> None:
    """Whichever other pairs and texts are read beside it; markup in a text is plain characters."""
    asked = [ClassificationRequest(f"{place}", text, premise) for place, (premise, text) in enumerate(PAIRS)]
    alone, *found = await asyncio.gather(*map(engine.classify, [ClassificationRequest("alone", "x" * 20), *asked]))
    assert alone.prompt_tokens == 22
    for (premise, text), classes in zip(PAIRS, found, strict=True):
        assert classes.probabilities == pytest.approx(plainly(folder, premise.encode(), text), abs=1e-4)
        assert (classes.windows, classes.prompt_tokens) == ((), len(premise) + len(text) + AROUND)


async def test_a_long_premise_is_read_in_windows(engine: Engine, folder: Path) -> None:
    """Each but the last overlaps the next by half, and together they hold all of it; the claim stands in each."""
    premise, claim = "".join(chr(97 + number % 26) for number in range(200)), "a claim of so many bytes"
    room = LONGEST - AROUND - len(claim)
    found = await engine.classify(ClassificationRequest("long", claim, premise))
    parts = [premise.encode()[start : start + room] for start in range(0, 200 - room // 2, room // 2)]
    assert parts[-1].endswith(premise[-4:].encode()) and len(parts) == 3
    for part, probabilities in zip(parts, (found.probabilities, *found.windows), strict=True):
        assert probabilities == pytest.approx(plainly(folder, part, claim), abs=1e-4)


async def test_a_claim_that_leaves_no_room_is_an_error(engine: Engine) -> None:
    """It is never cut: what is cut off might be what is wrong."""
    with pytest.raises(EngineError, match="leaves no room for its source; the model reads 128") as raised:
        await engine.classify(
            ClassificationRequest("long", "z" * 110, "a source of some length, that is more than the rest")
        )
    assert raised.value.kind is ErrorKind.PERMANENT


async def test_a_model_of_single_texts_reads_no_pairs(tiny: TinyModels) -> None:
    """Nothing would stand between the two texts: refused by name, for the whole pool."""
    started = build_engine(TransformersEngine(model=str(tiny.classifier), device="cpu"), EngineRole.CLASSIFIER)
    await started.start()
    with pytest.raises(EngineError, match="puts nothing between two texts, so that it reads no pairs") as raised:
        await started.classify(ClassificationRequest("a", "b", "c"))
    assert raised.value.kind is ErrorKind.REFUSED
    await started.close()
