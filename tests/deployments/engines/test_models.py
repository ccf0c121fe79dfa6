"""Models that cannot be used: each mistake of a user is one line that names the model and what is wrong with it."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from safetensors.torch import load_file, save_file

from deployments.engines.build import build_engine
from deployments.engines.roles import EngineRole
from schemas.config_deployed import Engine
from schemas.config_engines import TransformersEngine, VllmEngine
from schemas.errors import ModelError
from schemas.samples import ClassificationRequest, FinishReason
from tests.deployments.engines.conftest import TinyModels
from tests.deployments.engines.references import chat
from tests.deployments.engines.subjects import SMALL
from tests.doubles import templates
from tests.doubles.tiny_models import END_ID

GENERATOR, CLASSIFIER = EngineRole.GENERATOR, EngineRole.CLASSIFIER


def transformers(model: Path) -> Engine:
    return TransformersEngine(model=str(model), dtype="float32", device="cpu")


def vllm(model: Path) -> Engine:
    return VllmEngine(model=str(model), dtype="float32", engine_args=SMALL)


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
    """It has words that the model has no rows for: ids of plain texts would lie outside."""
    file = changed / "tokenizer.json"
    described = json.loads(file.read_text())
    described["model"]["vocab"]["extra"] = 261
    file.write_text(json.dumps(described))
    said = await why_not(kind(changed), GENERATOR)
    assert "knows 262 tokens, the model 261: not a pair ('extra' is token 261)" in said


def add_token(folder: Path, content: str) -> None:
    """Behind the model's last row, as google/gemma-3-1b-it has `<image_soft_token>`."""
    file = folder / "tokenizer.json"
    described = json.loads(file.read_text())
    described["added_tokens"].append(described["added_tokens"][-1] | {"id": 261, "content": content})
    file.write_text(json.dumps(described))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_model_as_many_are(kind: Any, changed: Path) -> None:
    """Of Gemma's and Qwen3's kind at once: a token beyond the model's rows that neither template nor texts give, a
    template that refuses the role system and thinks unless it is told not to, an end of turn that config.json alone
    names. With the keys for it the model reads exactly these tokens, and its turns end."""
    add_token(changed, "<|image|>")
    (changed / "chat_template.jinja").write_text(templates.REFUSES_SYSTEM_AND_THINKS)
    ends_named_by(changed, "config.json")
    told = replace(kind(changed), system_role="merge", chat_template_kwargs={"enable_thinking": False})
    engine = build_engine(told, GENERATOR)
    await engine.start()
    try:
        found = await engine.generate(chat("<|image|>", max_tokens=4))
        markup = len(("<|user|>", "<|end|>", "<|assistant|>")) + len("<think>\n\n</think>\n\n")
        assert found.prompt_tokens == len("Be brief.\n\n<|image|>") + markup
        several = await asyncio.gather(*(engine.generate(chat(max_tokens=200, seed=seed)) for seed in range(24)))
        assert any(each.finish is FinishReason.STOP for each in several)
        assert not any("<|end|>" in each.text for each in several)
    finally:
        await engine.close()


def ends_named_by(folder: Path, file: str) -> None:
    """No other file names a token that ends a turn."""
    for name in ("config.json", "generation_config.json"):
        described = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(described | {"eos_token_id": END_ID if name == file else None}))
    if file != "tokenizer_config.json":
        settings = folder / "tokenizer_config.json"
        settings.write_text(json.dumps(json.loads(settings.read_text()) | {"eos_token": None}))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_template_that_writes_a_token_beyond_the_models_rows(kind: Any, changed: Path) -> None:
    """Its row would not exist: refused at start, not a dead thread at the first order."""
    add_token(changed, "<|image|>")
    template = changed / "chat_template.jinja"
    template.write_text("<|image|>" + template.read_text())
    assert "writes '<|image|>', token 261; the model has 261" in await why_not(kind(changed), GENERATOR)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_template_that_refuses_the_system_role(kind: Any, changed: Path) -> None:
    """Gemma: found at start, with the key that helps."""
    (changed / "chat_template.jinja").write_text(templates.REFUSES_SYSTEM)
    assert "`system_role: merge`" in await why_not(kind(changed), GENERATOR)


@pytest.mark.parametrize("kind", KINDS)
async def test_no_token_ends_a_turn(kind: Any, changed: Path) -> None:
    """Every completion would run to its limit and be thrown away as cut off. Id 2 is what a Llama configuration says
    by default, and an ordinary word of other vocabularies: here a byte."""
    ordinary = 7
    for name in ("config.json", "generation_config.json"):
        described = json.loads((changed / name).read_text())
        (changed / name).write_text(json.dumps(described | {"eos_token_id": ordinary}))
    settings = changed / "tokenizer_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"eos_token": None}))
    assert "no token ends a turn: set eos_token_id in its generation_config.json" in await why_not(
        kind(changed), GENERATOR
    )


@pytest.mark.parametrize("file", ["generation_config.json", "tokenizer_config.json"])
async def test_an_end_that_one_file_alone_names(changed: Path, file: str) -> None:
    """Each is believed, so that a model stops whoever made its folder."""
    ends_named_by(changed, file)
    engine = build_engine(transformers(changed), GENERATOR)
    await engine.start()
    try:
        found = await asyncio.gather(*(engine.generate(chat(max_tokens=200, seed=seed)) for seed in range(24)))
        assert any(each.finish is FinishReason.STOP for each in found)
    finally:
        await engine.close()


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
