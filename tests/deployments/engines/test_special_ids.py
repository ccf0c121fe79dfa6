"""A text's score does not depend on its company, whatever a model's files say of padding and ends."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from deployments.engines.build import build_engine
from deployments.engines.roles import EngineRole
from deployments.engines.special_ids import turn_ends
from schemas.config_engines import TransformersEngine
from schemas.errors import EngineError, ErrorKind, ModelError
from schemas.samples import ClassificationRequest
from tests.deployments.engines.conftest import TinyModels
from tests.doubles import tiny_models

TEXTS = ["A town.", "Salt was sold here by the barrel, and later by the ton.", "x" * 48]


@pytest.fixture
def folder(tiny: TinyModels, tmp_path: Path) -> Path:
    """A copy of the classifier to change."""
    return Path(shutil.copytree(tiny.classifier, tmp_path / "changed"))


def edit(folder: Path, name: str, **values: object) -> None:
    file = folder / name
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def end_behind_texts(folder: Path) -> None:
    """The tokenizer puts its end token behind every text."""
    end = {"SpecialToken": {"id": "<|end|>", "type_id": 0}}
    processor = {
        "type": "TemplateProcessing",
        "single": [{"Sequence": {"id": "A", "type_id": 0}}, end],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}, end],
        "special_tokens": {"<|end|>": {"id": "<|end|>", "ids": [tiny_models.END_ID], "tokens": ["<|end|>"]}},
    }
    edit(folder, "tokenizer.json", post_processor=processor)


def no_pad(folder: Path) -> None:
    edit(folder, "config.json", pad_token_id=None)
    edit(folder, "tokenizer_config.json", pad_token=None)


async def scores(folder: Path, *texts: str) -> list[tuple[float, ...]]:
    """Of texts that wait together."""
    config = TransformersEngine(model=str(folder), dtype="float32", device="cpu")
    engine = build_engine(config, EngineRole.CLASSIFIER)
    await engine.start()
    try:
        found = await asyncio.gather(*(engine.classify(ClassificationRequest(text, text)) for text in texts))
    finally:
        await engine.close()
    return [each.probabilities for each in found]


def plainly(folder: Path, text: str) -> list[float]:
    """What the model itself says of the text alone."""
    model: Any = AutoModelForSequenceClassification.from_pretrained(folder)
    ids = AutoTokenizer.from_pretrained(folder).encode(text)
    with torch.inference_mode():
        return torch.softmax(model(torch.tensor([ids])).logits[0], dim=-1).tolist()


CASES = {
    "they agree": lambda folder: None,
    "another pad in config.json": lambda folder: edit(folder, "config.json", pad_token_id=1),
    "a pad that texts hold": lambda folder: edit(folder, "config.json", pad_token_id=100),
    "only the tokenizer has one": lambda folder: edit(folder, "config.json", pad_token_id=None),
    "a pad of no row": lambda folder: edit(folder, "config.json", pad_token_id=-1),
    "a pad beyond the rows": lambda folder: edit(folder, "tokenizer_config.json", pad_token="<|later|>"),
    "none at all": no_pad,
}


@pytest.mark.parametrize("change", CASES.values(), ids=CASES)
async def test_a_score_does_not_depend_on_its_company(folder: Path, change: Any) -> None:
    """Skywork's, Qwen's, an old Llama's: alone, between longer texts, and asked plainly, a text has one score."""
    change(folder)
    together = await scores(folder, *TEXTS)
    for text, found in zip(TEXTS, together, strict=True):
        (alone,) = await scores(folder, text)
        assert found == pytest.approx(alone, abs=1e-4)
        if change is not CASES["a pad of no row"]:
            assert found == pytest.approx(plainly(folder, text), abs=1e-4)


async def test_a_text_that_ends_with_the_spare_pad(folder: Path) -> None:
    """Without any pad the end token would do, but not where it stands behind every text: the model reads it there."""
    no_pad(folder)
    end_behind_texts(folder)
    edit(folder, "tokenizer_config.json", bos_token="<|user|>")
    together = await scores(folder, *TEXTS)
    for text, found in zip(TEXTS, together, strict=True):
        assert found == pytest.approx(plainly(folder, text), abs=1e-4)


async def test_nothing_to_fill_batches_up_with(folder: Path) -> None:
    """Refused at start in one line, not 199 of 200 orders in a dead thread."""
    no_pad(folder)
    edit(folder, "tokenizer_config.json", eos_token=None)
    with pytest.raises(ModelError, match=r"changed: neither config.json nor its tokenizer .*: set pad_token_id in its"):
        await scores(folder, *TEXTS)


async def test_positions_that_begin_behind_the_pads(tmp_path: Path) -> None:
    """RoBERTa's kind reads two tokens fewer than it has positions: the longest text is scored, a longer one is its own
    error, and the model's thread lives on."""
    folder = tiny_models.save_roberta(tmp_path / "roberta")
    texts = ["a", "b" * 40, "c" * 64]
    together = await scores(folder, *texts)
    for text, found in zip(texts, together, strict=True):
        assert found == pytest.approx(plainly(folder, text), abs=1e-4)
    with pytest.raises(EngineError, match="65 tokens asked of a model that reads 64") as raised:
        await scores(folder, "d" * 65)
    assert raised.value.kind is ErrorKind.PERMANENT


def test_what_ends_a_turn() -> None:
    """Every end that a file names, if no text can spell it and the model has it."""
    made = tiny_models.tokenizer()
    user, end = 2, tiny_models.END_ID
    assert turn_ends(made, [user, 500], 7, None, rows=261, name="m") == {user, end}
    made.eos_token = None
    assert turn_ends(made, user, rows=261, name="m") == {user}
    for named in (None, [], 7, [500]):
        with pytest.raises(ModelError, match="m: no token ends a turn"):
            turn_ends(made, named, rows=4, name="m")
