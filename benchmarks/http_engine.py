"""Calls per second of one HTTP engine against a local instant server, and of a bare aiohttp loop beside it, in turn.

    python -m benchmarks.http_engine [--calls 6000] [--concurrency 64]

The server is a process of its own that answers every chat with the same body at once; it shares this machine's cores.
The bare loop sends the same body and reads the answer as bytes: what it costs to speak HTTP at all.
"""

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from statistics import median

import aiohttp
import msgspec
from aiohttp import web
from msgspec import Struct

from deployments.engines.http import HttpBackend
from deployments.engines.http_wire import chat_body
from deployments.engines.roles import EngineRole
from schemas.config_engines import HttpEngine as Config
from schemas.samples import GenerationRequest, Message, Sampling

MODEL = "instant"
ROUNDS = 3
_ENCODE = msgspec.json.encode
MODELS = _ENCODE({"object": "list", "data": [{"id": MODEL}]})
ANSWER = _ENCODE(
    {
        "id": "chatcmpl-0",
        "object": "chat.completion",
        "created": 0,
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Question: Where is it?\nAnswer: By the sea. " * 4},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 200, "completion_tokens": 60, "total_tokens": 260},
    }
)


class Figures(Struct, frozen=True):
    """Calls per second: medians over the rounds."""

    engine: float
    bare: float


async def serve() -> None:
    """Answers until its process is ended; prints its port first."""

    async def answer(request: web.BaseRequest) -> web.Response:
        await request.read()
        return web.Response(body=MODELS if request.method == "GET" else ANSWER, content_type="application/json")

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


def request(number: int) -> GenerationRequest:
    """A chat of about 1 kB, as a passage gives it."""
    messages = (Message("system", "Ask and answer."), Message("user", f"{number} " + "The passage goes on. " * 45))
    return GenerationRequest(str(number), messages, Sampling(seed=number))


async def per_second(call: Callable[[int], Awaitable[None]], *, calls: int, concurrency: int) -> float:
    """Calls per second by so many callers at once."""
    numbers = iter(range(calls))

    async def caller() -> None:
        for number in numbers:
            await call(number)

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(caller())
    return calls / (time.perf_counter() - started)


async def measure(url: str, *, calls: int, concurrency: int) -> Figures:
    """Engine and bare loop, in turn, after a short warm-up of each."""
    config = Config(base_url=url, model=MODEL, concurrency=concurrency)
    engine = HttpBackend(config, EngineRole.GENERATOR)
    await engine.start()

    async def by_engine(number: int) -> None:
        await engine.generate(request(number))

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrency)) as session:

        async def bare(number: int) -> None:
            async with session.post(f"{url}/chat/completions", data=chat_body(config, request(number))) as response:
                await response.read()

        rates: dict[str, list[float]] = {"engine": [], "bare": []}
        for count in (calls // 10, *[calls] * ROUNDS):
            rates["engine"].append(await per_second(by_engine, calls=count, concurrency=concurrency))
            rates["bare"].append(await per_second(bare, calls=count, concurrency=concurrency))
    await engine.close()
    return Figures(median(rates["engine"][1:]), median(rates["bare"][1:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=6_000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        with suppress(KeyboardInterrupt):
            asyncio.run(serve())
        return
    command = [sys.executable, "-m", "benchmarks.http_engine", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
            found = asyncio.run(measure(url, calls=arguments.calls, concurrency=arguments.concurrency))
        finally:
            server.terminate()
    print(
        f"{found.engine:,.0f} calls/s by one HTTP engine, {found.bare:,.0f} by a bare aiohttp loop"
        f" (ratio {found.engine / found.bare:.2f}), {arguments.concurrency} at once"
    )


if __name__ == "__main__":
    main()
