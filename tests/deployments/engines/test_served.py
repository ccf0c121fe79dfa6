"""Encoders over vLLM and over HTTP: the vectors of transformers in float32, to a thousandth; what a server says wrongly
is an error."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from aiohttp import web

from actors.protocols import TextEncoder
from deployments.engines.build import retrieval_encoder, sample_encoder
from schemas.config import EmbedderModel, Engine, HttpEngine, TransformersEngine, VllmEngine
from schemas.config_gates import Pooling, Retrieved
from schemas.errors import EngineError, ErrorKind
from tests.doubles.loopback import on_loopback
from tests.doubles.tiny_models import save_generator
from tests.doubles.vllm_server import serving, wait_until_ready
from tests.needs import MODELS, needs_model

TEXTS = ["When was the Harlow Bridge opened?\nIn 1874.", "Salt.", "It was first settled in 1623, on the Ister."]
NEAR = 1e-3


@asynccontextmanager
async def encoding(engine: Engine, **keys: Any) -> AsyncIterator[TextEncoder]:
    """The embedder's encoder."""
    async with AsyncExitStack() as stack:
        made = await sample_encoder(EmbedderModel(engine=engine, **keys))
        stack.push_async_callback(made.close)
        yield made


def unit(vectors: Sequence[Sequence[float]]) -> np.ndarray:
    found = np.asarray(vectors, dtype=np.float64)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


async def vectors(engine: Engine, **keys: Any) -> tuple[np.ndarray, list[int]]:
    """Of TEXTS, with their tokens."""
    async with encoding(engine, **keys) as encoder:
        made = [await encoder.embed(text) for text in TEXTS]
        assert unit(await encoder.encode_queries(TEXTS)) == pytest.approx(
            unit([each.values for each in made]), abs=NEAR
        )
        return unit([each.values for each in made]), [each.tokens for each in made]


def plain(model: Path) -> TransformersEngine:
    return TransformersEngine(model=str(model), dtype="float32", device="cpu")


def small(model: Path) -> VllmEngine:
    return VllmEngine(
        model=str(model), dtype="float32", engine_args={"enforce_eager": True, "kv_cache_memory_bytes": 1 << 28}
    )


@pytest.mark.slow
@pytest.mark.vllm
@pytest.mark.parametrize("pooling", ["mean", "last"])
async def test_vllm_gives_the_vectors_of_transformers(tmp_path: Path, pooling: Pooling) -> None:
    """The same folder, prefix and pooling; only who computes differs, so such vectors may be compared."""
    model = save_generator(tmp_path / "m")
    wanted, tokens = await vectors(plain(model), pooling=pooling, prefix="query: ")
    found, counted = await vectors(small(model), pooling=pooling, prefix="query: ")
    assert found == pytest.approx(wanted, abs=NEAR)
    assert counted == tokens


@pytest.mark.slow
@pytest.mark.vllm
@needs_model("minilm")
async def test_a_real_encoder_is_the_same_in_vllm() -> None:
    """all-MiniLM-L6-v2, pooled as its folder says."""
    wanted, _ = await vectors(plain(MODELS / "minilm"))
    found, _ = await vectors(small(MODELS / "minilm"))
    assert found == pytest.approx(wanted, abs=NEAR)


@pytest.mark.slow
@pytest.mark.vllm
async def test_a_server_gives_the_vectors_of_transformers(tmp_path: Path) -> None:
    """`vllm serve --runner pooling`: it tokenises and pools (a chat model's last token) by itself."""
    model = save_generator(tmp_path / "m")
    wanted, _ = await vectors(plain(model), pooling="last")
    with serving(model, tmp_path / "log", "--runner", "pooling") as server:
        wait_until_ready(server)
        found, _ = await vectors(HttpEngine(base_url=server.url, model="tiny"))
    assert found == pytest.approx(wanted, abs=NEAR)


@asynccontextmanager
async def answering(reply: Any, asked: list[Any]) -> AsyncIterator[HttpEngine]:
    """A server that gives every call of /embeddings this reply."""

    async def embeddings(request: web.Request) -> web.Response:
        asked.append(msgspec.json.decode(await request.read()))
        return web.json_response(reply)

    app = web.Application()
    app.router.add_post("/v1/embeddings", embeddings)
    async with on_loopback(app) as address:
        url = f"{address}/v1"
        yield HttpEngine(base_url=url, model="m", check_models=False)


async def test_a_server_is_asked_as_openais_is() -> None:
    """One text a call, numbers as text; queries and passages have the prefixes of the configuration."""
    asked: list[Any] = []
    reply = {"data": [{"embedding": [0.6, 0.8], "index": 0}], "usage": {"prompt_tokens": 5, "total_tokens": 5}}
    async with answering(reply, asked) as engine, encoding(engine, prefix="query: ") as encoder:
        made = await encoder.embed("Salt.")
    assert (tuple(made.values), made.tokens) == ((0.6, 0.8), 5)
    assert asked == [{"model": "m", "input": "query: Salt.", "encoding_format": "float"}]
    asked.clear()
    async with answering(reply, asked) as engine:
        provenance = Retrieved(retriever="embedding", encoder=engine, query_prefix="q: ", passage_prefix="p: ")
        encoder = await retrieval_encoder(provenance)
        assert [list(one) for one in await encoder.encode(["Salt."])] == [[0.6, 0.8]]
        await encoder.encode_queries(["Salt?"])
        await encoder.close()
    assert [each["input"] for each in asked] == ["p: Salt.", "q: Salt?"]


async def test_tokens_that_a_server_does_not_count_are_estimated() -> None:
    """A quarter of the bytes, as elsewhere."""
    async with answering({"data": [{"embedding": [1.0]}]}, []) as engine, encoding(engine) as encoder:
        assert (await encoder.embed("x" * 40)).tokens == 10


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ({"data": []}, ErrorKind.REFUSED),
        ({"data": [{"embedding": []}]}, ErrorKind.REFUSED),
        ({"data": [{"embedding": "AAAA"}]}, ErrorKind.REFUSED),
        ({"data": [{"index": 0}]}, ErrorKind.REFUSED),
    ],
)
async def test_a_reply_without_a_vector_is_an_error(reply: Any, kind: ErrorKind) -> None:
    """Never a vector of nothing."""
    async with answering(reply, []) as engine, encoding(engine) as encoder:
        with pytest.raises(EngineError) as raised:
            await encoder.embed("Salt.")
    assert raised.value.kind is kind
