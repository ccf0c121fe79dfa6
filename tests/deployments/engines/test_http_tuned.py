"""An HTTP engine without a configured number, against a real server on loopback with so many slots."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import msgspec
import pytest
from aiohttp import web

from deployments.engines.http import HttpBackend
from deployments.engines.roles import EngineRole
from schemas.config_engines import HttpEngine
from schemas.errors import EngineError
from schemas.samples import GenerationRequest, Message, Sampling
from tests.doubles.loopback import on_loopback
from tests.doubles.slot_server import Manners

SLOTS, MEDIAN_S = 48, 0.1
LONGEST_S = 20.0
ANSWER = msgspec.json.encode(
    {
        "choices": [{"message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 100},
    }
)


class SlotServer:
    """Computes `SLOTS` chats at once; what does not fit waits or is refused."""

    def __init__(self, manners: Manners) -> None:
        self.manners = manners
        self.running = self.waiting = 0
        self._slots = asyncio.Semaphore(SLOTS)
        self._random = Random(11)

    async def chat(self, request: web.Request) -> web.Response:
        await request.read()
        if self.manners is Manners.REFUSES and self._slots.locked():
            return web.json_response({"error": {"message": "too many requests"}}, status=429)
        self.waiting += 1
        async with self._slots:
            self.waiting -= 1
            self.running += 1
            await asyncio.sleep(MEDIAN_S * self._random.lognormvariate(0, 0.6))
            self.running -= 1
        return web.Response(body=ANSWER, content_type="application/json")

    async def metrics(self, request: web.Request) -> web.Response:
        if self.manners is not Manners.TELLS:
            raise web.HTTPNotFound
        return web.Response(
            text=f"vllm:num_requests_running {self.running}\nvllm:num_requests_waiting {self.waiting}\n"
        )


@asynccontextmanager
async def engine_of(manners: Manners) -> AsyncIterator[HttpBackend]:
    """A started engine, with 200 callers that ask again and again."""
    server = SlotServer(manners)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.chat)
    app.router.add_get("/metrics", server.metrics)
    async with on_loopback(app) as address:
        engine = HttpBackend(HttpEngine(f"{address}/v1", "m", check_models=False), EngineRole.GENERATOR)
        await engine.start()
        asking = [asyncio.create_task(ask(engine, number)) for number in range(200)]
        try:
            yield engine
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
            await engine.close()


async def ask(engine: HttpBackend, number: int) -> None:
    """Asks for ever; a refused call waits for a moment, as a conductor's does."""
    request = GenerationRequest(str(number), (Message("user", "Is it?"),), Sampling())
    while True:
        try:
            await engine.generate(request)
        except EngineError as error:
            await asyncio.sleep(error.retry_after_s or 0.1)


@pytest.mark.parametrize("manners", [Manners.REFUSES, Manners.TELLS])
async def test_it_finds_a_real_servers_slots(manners: Manners) -> None:
    """No number is given, and two hundred callers wait: within twenty seconds the engine sends as much as the server
    computes and a little more, by its 429s or by its own metrics, and stays there."""
    async with engine_of(manners) as engine:
        assert engine.slots == 16
        until, seen = time.monotonic() + LONGEST_S, [0] * 8
        while not all(0.8 * SLOTS <= slots <= 1.6 * SLOTS for slots in seen):
            assert time.monotonic() < until, seen
            await asyncio.sleep(0.1)
            seen = [*seen[1:], engine.slots or 0]
