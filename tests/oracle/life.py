"""One process of a run without Ray, on real parts: ledger, queue, conductors, gates, writer, finish."""

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from actors.calls.clocks import Clocks, Steady
from actors.conductor import Conductor
from actors.dataset.writer import DatasetWriter
from actors.ledger.files import Folder, make_folder, write_atomically
from actors.ledger.sqlite import LedgerReader
from actors.queue.service import QueueService
from actors.report.finish import finish
from deployments.build.wiring import conductor_random, conductor_settings, open_queue, row_wording, toolbox
from deployments.build.wiring import started as run_started
from deployments.config.load import to_yaml
from deployments.local.gates import local_gate, names, started
from deployments.local.loop import InProcessOrders
from schemas.config import RunConfig
from schemas.ids import PoolName
from schemas.orders import Outcome, Settlement
from schemas.queue_shard import ONLY
from tests.oracle.worlds import WORLDS, World

NOW = 1_790_000_000.0


class DyingOrders(InProcessOrders):
    """The queue as conductors see it; the process dies before it tells the outcome of that number."""

    def __init__(self, service: QueueService, death: int | None) -> None:
        super().__init__(service)
        self._left = death

    async def settle(self, outcome: Outcome) -> Settlement:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return await super().settle(outcome)


async def live(world: World, output: Path, death: int | None) -> None:
    """From the door to the finished folder. `death`: kill -9 of this process once it has settled so many outcomes."""
    config = world.config
    write_atomically(output / "run.yaml", to_yaml(config))
    service = open_queue(config, output, ONLY, owner=os.getpid(), now=Steady(Clocks()))
    try:
        await service.start(run_started(config, at=NOW))
        async with asyncio.TaskGroup() as group:
            written = group.create_task(_write(config, output, service))
            await _conduct(world, DyingOrders(service, death), service)
            written.cancel()
        await _write(config, output, service, last=True)
    finally:
        await service.close()
    finish(output, now=NOW, versions={"python": "oracle"})


async def _conduct(world: World, orders: DyingOrders, service: QueueService) -> None:
    config, clocks = world.config, Clocks()
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        pools = {PoolName(name): await started(stack, pool.engine) for name, pool in config.pools.items()}
        if world.solver is not None:
            pools[PoolName("generator")] = world.solver()
        gates = {name: await local_gate(stack, config, name) for name in names(config)}
        group.create_task(_read(service, world))
        for number in range(config.conductors.count):
            name = f"conductor-{number}"
            conductor = Conductor(
                toolbox(config, orders, pools, gates),
                conductor_settings(config, name),
                clock=clocks.wall,
                monotonic=clocks.monotonic,
                sleep=lambda _: asyncio.sleep(0),
                random=conductor_random(config, name),
            )
            group.create_task(conductor.run())


async def _read(service: QueueService, world: World) -> None:
    await service.offer(world.passages)
    await service.corpus_ended(documents=len(world.passages), passages=len(world.passages))


async def _write(config: RunConfig, output: Path, service: QueueService, *, last: bool = False) -> None:
    number = 2 if last else 1
    await service.begin_writing(number)
    with LedgerReader(output) as ledger:
        writer = DatasetWriter(
            Folder(output),
            ledger,
            row_wording(config),
            settings=config.dataset,
            record=partial(service.record_shard, number),
            clock=lambda: NOW,
        )
        try:
            await writer.start(ledger.shards())
            if last:
                await writer.flush()
            else:
                await writer.run(0.05)
        finally:
            writer.close()


def run(world: str, output: Path, death: int | None = None) -> None:
    """A life in this process, which dies with it."""
    if not output.exists():
        make_folder(output)
    asyncio.run(live(WORLDS[world](), output, death))
