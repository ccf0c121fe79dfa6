"""Completions under way in vLLM have an owner: the engine that began them ends them, and says so to who waits."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from deployments.engines.chat import ChatTokenizer
from deployments.engines.roles import EngineRole
from schemas.config import VllmEngine as Config
from schemas.errors import EngineError, ErrorKind
from tests.deployments.engines.references import chat
from tests.doubles import tiny_models

pytestmark = [pytest.mark.vllm, pytest.mark.slow]


class Silent:
    """vLLM that never answers, not even when it is shut down."""

    output_handler = None

    def __init__(self) -> None:
        self._begun = 0
        self.all_begun = asyncio.Event()

    async def generate(self, *_: object) -> AsyncIterator[None]:
        self._begun += 1
        if self._begun == 16:
            self.all_begun.set()
        await asyncio.Event().wait()
        yield None

    def shutdown(self, timeout: float) -> None:
        """Leaves everything as it is."""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_closing_ends_what_is_under_way() -> None:
    """A replica is stopped while it draws eight completions: the caller gets a retryable error, not a cancellation of
    its own or a wait for ever, and no task outlives the engine. A caller that leaves is cancelled as it asked."""
    from deployments.engines.vllm import VllmEngine

    engine: Any = VllmEngine(Config("m"), EngineRole.GENERATOR)
    llm = Silent()
    engine._llm, engine._longest = llm, 2048
    engine._chats = ChatTokenizer(tiny_models.tokenizer(), "m")

    async def ask() -> list[object]:
        return [each async for each in engine.generate(chat(n=8))]

    before = asyncio.all_tasks()
    leaving, waiting = asyncio.create_task(ask()), asyncio.create_task(ask())
    await llm.all_begun.wait()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    await engine.close()
    with pytest.raises(EngineError, match="the engine was closed") as raised:
        await waiting
    assert raised.value.kind is ErrorKind.RETRYABLE
    assert asyncio.all_tasks() == before
