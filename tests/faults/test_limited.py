"""A whole run in one process against a server that has had enough: how often it is called meanwhile, and the end."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.calls.tuned_limit import FIRST
from benchmarks.loop import configuration, write_corpus
from deployments.terminal.preview import preview_lives
from schemas.config import Conductors, Pool, RunConfig
from schemas.config_engines import HttpEngine
from tests.doubles.openai_manners import LLAMA_CPP, OPENAI, TGI
from tests.doubles.openai_servers import Manner, Server, serving

ORDERS = 50


def over_http(folder: Path, server: Server) -> RunConfig:
    """The generator at the server, gates that are instant."""
    write_corpus(folder / "corpus.jsonl", ORDERS)
    config = configuration(folder / "corpus.jsonl", rejected=0.0, concurrency=64)
    engine = HttpEngine(base_url=server.url, model="m", timeout_s=5.0)
    return replace(
        config,
        pools={"generator": Pool(engine=engine)},
        conductors=Conductors(count=1, concurrency=64, hop_retries=2, hop_timeout_s=10.0),
    )


def answers() -> Callable[[dict], str]:
    """Another question and answer each time."""
    numbers = iter(range(10**6))
    return lambda body: f"Question: What is number {(it := next(numbers))}?\nAnswer: It is mark {it} of many."


async def closed_for(manner: Manner, seconds: float, folder: Path) -> tuple[int, float]:
    """Requests while the server was closed, and how long after it opened the run ended. All orders end well."""
    async with serving(manner) as server:
        server.says = answers()
        server.busy = 10**9
        running = asyncio.ensure_future(preview_lives(over_http(folder, server), samples=ORDERS))
        await asyncio.sleep(seconds)
        server.busy, refused, opened = 0, len(server.bodies), time.monotonic()
        lives = await running
    assert [life.end for life in lives if life.end is not None] == []
    assert {attempt.number for life in lives for attempt in life.attempts} == {1}
    return refused, time.monotonic() - opened


@pytest.mark.slow
async def test_fifty_orders_against_429_for_twenty_seconds(tmp_path: Path) -> None:
    """A server says 429 for 20 seconds and not for how long: it is called less than a hundred times in all of them,
    and every order ends well afterwards, none charged for it."""
    refused, _ = await closed_for(replace(TGI), 20.0, tmp_path)
    assert FIRST <= refused < 100


@pytest.mark.slow
async def test_a_server_that_is_busy_is_back_at_once(tmp_path: Path) -> None:
    """503 to every call for six seconds, while a model is loaded: few calls, and work goes on within seconds."""
    refused, late_s = await closed_for(replace(LLAMA_CPP, role=None), 6.0, tmp_path)
    assert refused < 100
    assert late_s < 6.0


@pytest.mark.slow
async def test_a_server_that_is_busy_now_and_then(tmp_path: Path) -> None:
    """503 to three calls in ten: no order is lost to it."""
    async with serving(replace(OPENAI, parameters={}, overloaded=(503, {"error": {"message": "busy"}}))) as server:
        say = answers()

        def now_and_then(body: dict) -> str:
            server.busy = int(len(server.bodies) % 10 in (1, 4, 7))
            return say(body)

        server.says = now_and_then
        lives = await preview_lives(over_http(tmp_path, server), samples=ORDERS)
        assert len(server.bodies) > ORDERS
    assert [life.end for life in lives if life.end is not None] == []
