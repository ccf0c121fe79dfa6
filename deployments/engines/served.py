"""An encoder over another engine: vLLM's process, or a server.

Law: prefixes are added to texts here, as for `kind: transformers`; the engine does not know queries from passages.
"""

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Protocol

from deployments.engines.pooling import TextForm
from schemas.vectors import EmbeddingRequest, Encoded


class EmbedsTexts(Protocol):
    """An engine in the role of an encoder. `embed` and `check` raise EngineError when they fail."""

    async def start(self) -> None:
        """Load and warm up. Raises `schemas.errors.ModelError` when the model does not exist or does not fit."""
        ...

    async def embed(self, request: EmbeddingRequest) -> Encoded:
        """One text's vector, of length 1."""
        ...

    async def check(self) -> None: ...

    async def close(self) -> None: ...


class EngineEncoder:
    """`actors.protocols.TextEncoder` over such an engine. `of` makes it."""

    def __init__(self, engine: EmbedsTexts, form: TextForm) -> None:
        self._engine = engine
        self._form = form
        self._ids = count()

    @classmethod
    async def of(cls, engine: EmbedsTexts, form: TextForm) -> "EngineEncoder":
        """Starts the engine. Raises ModelError if it cannot start."""
        await engine.start()
        return cls(engine, form)

    @property
    def slots(self) -> int | None:
        """Texts that the engine computes at once; None when it does not say."""
        return getattr(self._engine, "slots", None)

    async def encode(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector for each text, as a text that a search may find."""
        return await self._each([self._form.passage_prefix + text for text in texts])

    async def encode_queries(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector for each text, as a query."""
        return await self._each([self._form.query_prefix + text for text in texts])

    async def embed(self, text: str) -> Encoded:
        """The vector of one text, as a query, with its number of tokens."""
        return await self._one(self._form.query_prefix + text)

    async def check(self) -> None:
        """Raises EngineError when the engine cannot answer any more and should be replaced."""
        await self._engine.check()

    async def close(self) -> None:
        """Ends the engine."""
        await self._engine.close()

    async def _each(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        return [made.values for made in await asyncio.gather(*map(self._one, texts))]

    async def _one(self, text: str) -> Encoded:
        return await self._engine.embed(EmbeddingRequest(f"text-{next(self._ids)}", text))
