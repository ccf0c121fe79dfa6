"""Each engine on one tiny model, started once for all that is asked of it."""

import asyncio
import os
import signal
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from msgspec import Struct

from actors.protocols import Engine
from deployments.engines.build import build_engine
from deployments.engines.roles import EngineRole
from schemas.config_deployed import Engine as EngineConfig
from schemas.config_engines import HttpEngine, TransformersEngine, VllmArgument, VllmEngine
from schemas.errors import ErrorKind
from schemas.samples import Completion, GenerationRequest
from tests.deployments.engines.conftest import Servers, TinyModels
from tests.doubles.vllm_server import end_group

ENGINES = [
    pytest.param("transformers", marks=[pytest.mark.slow]),
    pytest.param("vllm", marks=[pytest.mark.vllm, pytest.mark.slow]),
    pytest.param("http", marks=[pytest.mark.vllm, pytest.mark.slow]),
]
SLOTS = 16
"""Completions that each engine runs at once here."""


class Subject(Struct, frozen=True):
    """A started engine, the passes its model made (None: nobody counts), how to break it, and what it then tells."""

    name: str
    engine: Engine
    passes: Callable[[], int] | None
    kill: Callable[[], None]
    broken: ErrorKind


SMALL: dict[VllmArgument, int | float | bool] = {"enforce_eager": True, "kv_cache_memory_bytes": 1 << 30}
"""What a tiny model needs, so that several start side by side."""


def configured(name: str, role: EngineRole, tiny: TinyModels, servers: Servers | None) -> EngineConfig:
    model = str(tiny.generator if role.chats else tiny.classifier)
    if name == "transformers":
        return TransformersEngine(model=model, dtype="float32", device="cpu", max_batch=SLOTS)
    if name == "vllm":
        return VllmEngine(model=model, dtype="float32", engine_args={**SMALL, "max_num_seqs": SLOTS})
    assert servers is not None
    server = servers.generator if role.chats else servers.classifier
    return HttpEngine(base_url=server.url, model="tiny", timeout_s=60)


async def started(name: str, role: EngineRole, request: pytest.FixtureRequest) -> Subject:
    servers = request.getfixturevalue("servers") if name == "http" else None
    server: Any = None if servers is None else servers.generator if role.chats else servers.classifier
    engine: Any = build_engine(configured(name, role, request.getfixturevalue("tiny"), servers), role)
    await engine.start()

    def kill() -> None:
        if name == "transformers":
            work = engine._work
            (work._batch if role is EngineRole.GENERATOR else work)._model = None
        elif name == "vllm":
            for process in engine._llm.engine_core.resources.engine_manager.processes:
                os.kill(process.pid, signal.SIGKILL)
        else:
            end_group(server.process.pid, signal.SIGKILL)

    def passes() -> int:
        return engine.steps if servers is None else server_passes(server.url)

    broken = ErrorKind.CRASHED if name == "vllm" else ErrorKind.RETRYABLE
    return Subject(name, engine, None if name == "vllm" else passes, kill, broken)


def server_passes(url: str) -> int:
    """Steps of a vLLM server, as its metrics tell."""
    with urllib.request.urlopen(url.removesuffix("/v1") + "/metrics", timeout=10) as reply:
        lines = reply.read().decode().splitlines()
    (count,) = (line.rsplit(" ", 1)[1] for line in lines if line.startswith("vllm:iteration_tokens_total_count"))
    return int(float(count))


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=ENGINES)
async def generator(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    subject = await started(request.param, EngineRole.GENERATOR, request)
    yield subject
    await subject.engine.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=ENGINES)
async def scorer(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    subject = await started(request.param, EngineRole.SCORER, request)
    yield subject
    await subject.engine.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=ENGINES)
async def classifier(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    subject = await started(request.param, EngineRole.CLASSIFIER, request)
    yield subject
    await subject.engine.close()


async def one_of(subject: Subject, request: GenerationRequest) -> Completion:
    async with asyncio.timeout(60):
        return await subject.engine.generate(request)


class Counted(Struct):
    """Passes that a model made within a block; 0 when nobody counts."""

    passes: int = 0


@asynccontextmanager
async def counting(subject: Subject) -> AsyncIterator[Counted]:
    count, counted = subject.passes or (lambda: 0), Counted()
    before = await asyncio.to_thread(count)
    yield counted
    counted.passes = await asyncio.to_thread(count) - before
