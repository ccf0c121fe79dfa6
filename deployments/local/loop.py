"""The whole loop in this process, without Ray: queues with a conductor each, engines and gates. For previews and
measurements."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

from actors.calls.clocks import Clocks, Steady
from actors.conductor import Conductor
from actors.queue.commits import Ledger
from actors.queue.parts import are_enough, parts
from actors.queue.service import QueueService
from deployments.build.wiring import conductor_random, conductor_settings, queue_service, toolbox
from deployments.local.gates import local_embedder, local_gate, names, started
from schemas.config import RunConfig
from schemas.corpus import Passage
from schemas.errors import ungrouped
from schemas.ids import PoolName
from schemas.orders import Holding, Lease, Outcome, Settlement
from schemas.queue_shard import QueueShard
from schemas.stop import PlanEnd

NAME = "in-process"
LEASE_WAIT_S = 0.2
SHARE_S = 0.02


async def conduct_in_process(config: RunConfig, passages: Sequence[Passage], *ledgers: Ledger) -> None:
    """Works on every order of the passages until its end, and closes the ledgers. Each ledger is one queue shard,
    whatever `queue.shards` is. Raises UserError and PoolAwayError as a run would."""
    shards = QueueShard(0, len(ledgers)).all
    clocks = Clocks()
    services = [queue_service(config, *each, now=Steady(clocks)) for each in zip(ledgers, shards, strict=True)]
    async with AsyncExitStack() as stack:
        for service in services:
            stack.push_async_callback(service.close)
        pools = {PoolName(name): await started(stack, pool.engine) for name, pool in config.pools.items()}
        scored = {name: await local_gate(stack, config, name) for name in names(config)}
        embedder = await local_embedder(stack, config)
        conductors = [
            Conductor(
                toolbox(config, InProcessOrders(service), pools, scored, embedder=embedder),
                conductor_settings(config, NAME),
                clock=clocks.wall,
                monotonic=clocks.monotonic,
                sleep=asyncio.sleep,
                random=conductor_random(config, NAME),
            )
            for service in services
        ]
        with ungrouped():
            async with asyncio.TaskGroup() as group:
                for service, shard, conductor in zip(services, shards, conductors, strict=True):
                    own = [passage for passage in passages if shard.holds(passage.id)]
                    group.create_task(_read(service, own))
                    group.create_task(conductor.run())
                if len(services) > 1:
                    group.create_task(_share_out(services))


class InProcessOrders:
    """The queue service, for a conductor in the same process."""

    def __init__(self, service: QueueService) -> None:
        self._service = service

    async def lease(self, conductor: str, limit: int) -> Sequence[Lease] | None:
        leases = await self._service.lease(conductor, limit, LEASE_WAIT_S)
        return None if not leases and self._service.finished() else leases

    async def join(self, conductor: str, holdings: Sequence[Holding]) -> None:
        """Does nothing: this queue is never restarted."""

    async def settle(self, outcome: Outcome) -> Settlement:
        return (await self._service.settle([outcome]))[0]


async def _share_out(services: Sequence[QueueService]) -> None:
    """Divides the accepted samples that the run is to have among the queues, until every one is finished."""
    while not all(service.finished() for service in services):
        standings = [service.standing() for service in services]
        if standings[0].run is None:
            return
        for service, part in zip(services, parts(standings), strict=True):
            await service.aim(part)
        if are_enough(standings):
            for service in services:
                await service.end_plan(PlanEnd.ACCEPTED)
        await asyncio.sleep(SHARE_S)


async def _read(service: QueueService, passages: Sequence[Passage]) -> None:
    if await service.offer(passages):
        await service.corpus_ended(documents=len(passages), passages=len(passages))
