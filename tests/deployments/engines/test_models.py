"""Models that cannot be used: each mistake of a user is one line that names the model and what is wrong with it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from deployments.engines.build import build_engine
from deployments.engines.roles import EngineRole
from schemas.config import Engine, TransformersEngine, VllmEngine
from schemas.errors import ModelError
from schemas.samples import ClassificationRequest
from tests.deployments.engines.conftest import TinyModels

GENERATOR, CLASSIFIER = EngineRole.GENERATOR, EngineRole.CLASSIFIER


def transformers(model: Path) -> Engine:
    return TransformersEngine(model=str(model), dtype="float32", device="cpu", threads=1)


def vllm(model: Path) -> Engine:
    return VllmEngine(model=str(model), dtype="float32", enforce_eager=True, kv_cache_gib=1)


KINDS = [transformers, pytest.param(vllm, marks=[pytest.mark.vllm, pytest.mark.slow])]


async def why_not(config: Engine, role: EngineRole) -> str:
    engine = build_engine(config, role)
    with pytest.raises(ModelError) as raised:
        await engine.start()
    said = str(raised.value)
    assert "\n" not in said
    assert str(config.model) in said
    return said


@pytest.fixture
def changed(tiny: TinyModels, tmp_path: Path) -> Path:
    """A copy of the chat model to spoil."""
    return Path(shutil.copytree(tiny.generator, tmp_path / "changed"))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_folder_that_does_not_exist(kind: Any, tmp_path: Path) -> None:
    """A typing error in the path."""
    assert "no tokenizer can be loaded" in await why_not(kind(tmp_path / "atlantis"), GENERATOR)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_chat_model_as_a_classifier(kind: Any, tiny: TinyModels) -> None:
    """Its classification head would be random numbers: refused, not run."""
    said = await why_not(kind(tiny.generator), CLASSIFIER)
    assert "is a LlamaForCausalLM; a classifier needs a model …ForSequenceClassification" in said


@pytest.mark.parametrize("kind", KINDS)
async def test_a_classifier_as_a_generator(kind: Any, tiny: TinyModels) -> None:
    """It cannot write."""
    assert "a generator needs a model …ForCausalLM" in await why_not(kind(tiny.classifier), GENERATOR)


@pytest.mark.parametrize("kind", KINDS)
async def test_no_chat_template(kind: Any, changed: Path) -> None:
    """A base model, or a template that was not copied."""
    (changed / "chat_template.jinja").unlink()
    assert "has no chat template" in await why_not(kind(changed), GENERATOR)


@pytest.mark.parametrize("kind", KINDS)
async def test_another_model_s_tokenizer(kind: Any, changed: Path) -> None:
    """It knows more tokens than the model has rows: ids would lie outside."""
    file = changed / "tokenizer.json"
    described = json.loads(file.read_text())
    described["added_tokens"].append(described["added_tokens"][-1] | {"id": 261, "content": "<|extra|>"})
    file.write_text(json.dumps(described))
    assert "knows 262 tokens, the model 261: not a pair" in await why_not(kind(changed), GENERATOR)


async def test_spoilt_files(changed: Path) -> None:
    """A download that was cut off: weights, then the tokenizer, then the configuration."""
    weights = changed / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    assert "cannot be loaded as a model" in await why_not(transformers(changed), GENERATOR)
    (changed / "config.json").write_text("{")
    assert "changed" in await why_not(transformers(changed), GENERATOR)
    (changed / "tokenizer.json").write_text("{}")
    assert "no tokenizer can be loaded" in await why_not(transformers(changed), GENERATOR)


async def test_weights_that_are_missing(changed: Path) -> None:
    """A checkpoint without some of its weights would be filled up with random numbers: refused."""
    weights = load_file(changed / "model.safetensors")
    del weights["model.layers.0.mlp.down_proj.weight"]
    save_file(weights, changed / "model.safetensors", metadata={"format": "pt"})
    said = await why_not(transformers(changed), GENERATOR)
    assert "lacks model.layers.0.mlp.down_proj.weight" in said


async def test_a_single_logit(tiny: TinyModels) -> None:
    """A reward model of one logit gives one probability."""
    engine = build_engine(transformers(tiny.reward), CLASSIFIER)
    await engine.start()
    found = [(await engine.classify(ClassificationRequest(text, text))).probabilities for text in ("a", "bb", "ccc")]
    await engine.close()
    assert all(len(probabilities) == 1 and 0 <= probabilities[0] <= 1 for probabilities in found)
    assert len(set(found)) == 3
