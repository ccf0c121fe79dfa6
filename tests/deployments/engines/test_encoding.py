"""Vectors of a real (tiny) model: a text's own, whoever is read beside it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deployments.engines.encoding import Encoder
from schemas.config import TransformersEngine
from schemas.errors import EngineError, ModelError
from tests.doubles.tiny_models import LONGEST, save_generator

pytestmark = pytest.mark.slow
TEXTS = ["Amber Heron is a town.", "Salt.", "It was first settled in 1623, on the Ister, by Oda Lind."]


@pytest.fixture
async def encoder(tmp_path: Path) -> AsyncIterator[Encoder]:
    made = await Encoder.of(TransformersEngine(model=str(save_generator(tmp_path / "m")), dtype="float32", threads=1))
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
