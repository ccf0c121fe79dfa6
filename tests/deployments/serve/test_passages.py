"""Requests of one passage and the replicas that answer them, on a real Serve."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest
from msgspec.structs import replace
from ray import serve

from actors.calls.prefix_worth import FEWEST
from benchmarks.loop import configuration
from deployments.ray.handles import BatchLimits
from deployments.ray.near_prefix import PassagePool, pool_of
from deployments.serve.deployments import deploy, names, remove
from deployments.serve.live import live
from schemas.config import Pool
from schemas.config_deployed import Replicas
from schemas.config_engines import CustomEngine
from schemas.errors import HopError
from schemas.samples import GenerationRequest, Lane, Message, Sampling

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.usefixtures("ray_session")]

PASSAGES, EACH = 10, 4
Answers = dict[str, set[int]]
"""The processes that answered, by passage."""


async def generated(pool: PassagePool, passage: str, number: int) -> int:
    """The process that answered one request; one whose replica died is sent again in less company, as a hop is."""
    request = GenerationRequest(
        f"{passage}/{number}", (Message("user", passage),), Sampling(seed=number), passage_id=passage
    )
    try:
        return int((await pool.generate(request)).text)
    except HopError:
        return int((await pool.generate(replace(request, lane=Lane.FEW))).text)


async def asked(pool: PassagePool, passages: list[str]) -> Answers:
    """All passages at once, the requests of each one after another."""

    async def one(passage: str) -> set[int]:
        return {await generated(pool, passage, number) for number in range(EACH)}

    return dict(zip(passages, await asyncio.gather(*map(one, passages)), strict=True))


async def test_a_passage_stays_with_one_replica_until_it_dies(tmp_path: Path) -> None:
    """Two replicas. As soon as affinity is known to pay, each passage has one of them, and each of them some passages.
    One is killed while requests are under way: all are answered, and the other's passages have not moved."""
    plain = configuration(Path("corpus.jsonl"), rejected=0.0, concurrency=64)
    deployed = Pool(CustomEngine(factory="tests.doubles.reading:reading"), Replicas(min=2, max=2, num_cpus=0.1))
    config = replace(plain, pools={"generator": deployed})
    where = names(config, "passages")
    application = where.by_role["generator"]
    deploy(config, where, tmp_path, only=[application])
    try:
        pool = pool_of(serve.get_app_handle(application), deployed, BatchLimits())
        assert isinstance(pool, PassagePool)
        await asked(pool, [f"earlier {number}" for number in range(FEWEST // EACH + 1)])
        until = time.monotonic() + 60
        while len(live(application)) < 2 and time.monotonic() < until:  # noqa: ASYNC110  (Serve tells by no event)
            await asyncio.sleep(0.02)
        passages = [f"passage {number}" for number in range(PASSAGES)]
        before = await asked(pool, passages)
        held = [passage for passage in passages if before[passage] == before[passages[0]]]
        assert {len(processes) for processes in before.values()} == {1} and 0 < len(held) < PASSAGES
        (dies,) = before[passages[0]]
        under_way = asyncio.create_task(asked(pool, passages))
        os.kill(dies, signal.SIGKILL)
        during = await under_way
        assert all(during[passage] == before[passage] for passage in passages if passage not in held)
        assert dies not in set[int]().union(*(await asked(pool, passages)).values())
    finally:
        remove([application])
