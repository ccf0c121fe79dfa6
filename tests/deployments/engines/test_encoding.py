"""Vectors of a real (tiny) model: a text's own, whoever is read beside it, and made as the model was trained."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from deployments.engines.encoding import Encoder
from deployments.engines.pooling import FormKeys
from schemas.config_engines import TransformersEngine
from schemas.errors import EngineError, ModelError
from tests.doubles.tiny_models import LONGEST, save_generator, save_roberta

pytestmark = pytest.mark.slow
TEXTS = ["Amber Heron is a town.", "Salt.", "It was first settled in 1623, on the Ister, by Oda Lind."]


@pytest.fixture
async def encoder(tmp_path: Path) -> AsyncIterator[Encoder]:
    made = await Encoder.of(TransformersEngine(model=str(save_generator(tmp_path / "m")), dtype="float32"))
    yield made
    await made.close()


async def test_a_texts_vector_is_its_own(encoder: Encoder) -> None:
    """Alone or in a batch with longer ones: the same vector but for rounding, as long as the model is wide."""
    together = await encoder.encode(TEXTS)
    alone = [(await encoder.encode([text]))[0] for text in TEXTS]
    for one, other in zip(together, alone, strict=True):
        assert one == pytest.approx(other, abs=1e-4)
    assert {len(vector) for vector in together} == {64}
    assert together[0] != pytest.approx(together[1], abs=1e-2)


async def test_a_text_longer_than_the_model_reads_is_cut(encoder: Encoder) -> None:
    """A long passage can still be searched for by its beginning; an empty text has a vector too."""
    long = "x" * LONGEST
    assert (await encoder.encode([long + "more"]))[0] == pytest.approx((await encoder.encode([long]))[0], abs=1e-4)
    assert len((await encoder.encode([""]))[0]) == 64


async def test_a_closed_encoder_says_so(encoder: Encoder) -> None:
    """Its thread has ended: an error, not a wait for ever."""
    await encoder.close()
    with pytest.raises(EngineError):
        await encoder.encode(["x"])


async def test_a_model_that_is_not_there_is_told(tmp_path: Path) -> None:
    """One line for the user, as for every model."""
    with pytest.raises(ModelError, match="no tokenizer"):
        await Encoder.of(TransformersEngine(model=str(tmp_path)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_generator(tmp_path / "m")


@asynccontextmanager
async def encoding(folder: Path, **keys: Any) -> AsyncIterator[Encoder]:
    engine = TransformersEngine(model=str(folder), dtype="float32", device="cpu")
    made = await Encoder.of(engine, FormKeys(**keys))
    try:
        yield made
    finally:
        await made.close()


def states(folder: Path, text: str) -> torch.Tensor:
    """The model's last hidden states, asked plainly."""
    model: Any = AutoModel.from_pretrained(folder)
    ids = AutoTokenizer.from_pretrained(folder).encode(text, add_special_tokens=False)
    with torch.inference_mode():
        return model(torch.tensor([ids])).last_hidden_state[0].float()


def write(folder: Path, name: str, said: object) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(said))


POOLED = {"mean": lambda found: found.mean(0), "cls": lambda found: found[0], "last": lambda found: found[-1]}
SAID = {"mean": "pooling_mode_mean_tokens", "cls": "pooling_mode_cls_token", "last": "pooling_mode_lasttoken"}


@pytest.mark.parametrize("pooling", POOLED)
@pytest.mark.parametrize("by", ["key", "folder"])
async def test_a_vector_is_pooled_as_the_model_was_trained(folder: Path, pooling: str, by: str) -> None:
    """BGE's is the first token's, Qwen3-Embedding's the last one's, of each text in a batch of several lengths; the
    folder of a sentence-transformers model says so, or a key that goes first."""
    other = "cls" if pooling == "mean" else "mean"
    said = pooling if by == "folder" else other
    write(
        folder, "1_Pooling/config.json", {"word_embedding_dimension": 64, **{SAID[each]: each == said for each in SAID}}
    )
    async with encoding(folder, **({"pooling": pooling} if by == "key" else {})) as encoder:
        for text, found in zip(TEXTS, await encoder.encode(TEXTS), strict=True):
            assert found == pytest.approx(POOLED[pooling](states(folder, text)).tolist(), abs=1e-4)


@pytest.mark.parametrize("by", ["keys", "folder"])
async def test_queries_and_passages_have_their_instructions(folder: Path, by: str) -> None:
    """E5 knows a query from a passage by what stands before it."""
    keys = {}
    if by == "keys":
        keys = {"query_prefix": "query: ", "passage_prefix": "passage: "}
        write(folder, "config_sentence_transformers.json", {"prompts": {"query": "not this"}})
    else:
        prompts = {"query": "query: ", "document": "passage: "}
        write(folder, "config_sentence_transformers.json", {"prompts": prompts, "default_prompt_name": None})
    async with encoding(folder, **keys) as encoder:
        (query,), (passage,) = await encoder.encode_queries(["Salt."]), await encoder.encode(["Salt."])
    assert query == pytest.approx(states(folder, "query: Salt.").mean(0).tolist(), abs=1e-4)
    assert passage == pytest.approx(states(folder, "passage: Salt.").mean(0).tolist(), abs=1e-4)


@pytest.mark.parametrize(
    ("name", "said", "why"),
    [
        ("1_Pooling/config.json", {"pooling_mode_max_tokens": True}, "asks for pooling_mode_max_tokens"),
        (
            "1_Pooling/config.json",
            {"pooling_mode_max_tokens": True, "pooling_mode_cls_token": True},
            "asks for pooling",
        ),
        ("1_Pooling/config.json", {"pooling_mode": "weightedmean"}, "asks for weightedmean"),
        ("1_Pooling/config.json", {"pooling_mode_mean_tokens": True, "include_prompt": False}, "leaves prompts out"),
        ("modules.json", [{"type": "sentence_transformers.models.Dense"}], "has a layer Dense"),
    ],
)
async def test_vectors_that_are_not_made_here(folder: Path, name: str, said: object, why: str) -> None:
    """They would look like vectors and find worse: refused at start in one line, unless a key says how to do."""
    write(folder, name, said)
    with pytest.raises(ModelError, match=why) as raised:
        async with encoding(folder):
            raise AssertionError
    assert "gates.provenance.pooling" in str(raised.value)
    assert "\n" not in str(raised.value)
    async with encoding(folder, pooling="mean") as encoder:
        assert len((await encoder.encode(["x"]))[0]) == 64


async def test_markup_in_a_passage_is_text(encoder: Encoder) -> None:
    """A passage about chat models: its vector is that of its characters."""
    (spelled,) = await encoder.encode(["<|end|>"])
    assert spelled != pytest.approx((await encoder.encode([""]))[0], abs=1e-2)
    folder = encoder._model.config.name_or_path
    model, tokenizer = AutoModel.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    ids = tokenizer.encode("<|end|>", split_special_tokens=True)
    with torch.inference_mode():
        expected = model(torch.tensor([ids])).last_hidden_state[0].mean(0)
    assert spelled == pytest.approx(expected.tolist(), abs=1e-4)


async def test_an_encoder_whose_positions_begin_behind_the_pads(tmp_path: Path) -> None:
    """XLM-R's kind, with long passages: cut at what it reads, its thread lives. Its folder may ask for less."""
    folder = save_roberta(tmp_path / "roberta")
    async with encoding(folder) as encoder:
        long, cut, short = await encoder.encode(["a" * 99, "a" * 64, "b"])
        assert long == pytest.approx(cut, abs=1e-4)
        assert len(short) == 64
    write(folder, "sentence_bert_config.json", {"max_seq_length": 8, "do_lower_case": False})
    async with encoding(folder) as encoder:
        long, cut = await encoder.encode(["ab" * 20, "ab" * 4])
        assert long == pytest.approx(cut, abs=1e-4)
