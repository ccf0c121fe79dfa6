"""The Ray shell of a conductor, with its handles to the queue, pools and gates. It may die at any moment."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import ray
from ray import serve

from actors.conductor import Conductor
from actors.protocols import Gate
from deployments.build.gates import inside_gates
from deployments.build.wiring import conductor_random, conductor_settings, toolbox
from deployments.monitoring.logs import LogPlace, configure_logging
from deployments.ray.garbage import collect_seldom
from deployments.ray.handles import BatchLimits, EmbedderHandle, QueueHandle, streaming
from deployments.ray.near_prefix import gate_of, pool_of
from deployments.serve.deployments import DeploymentNames
from schemas.config import RunConfig
from schemas.config_gates import gate_models
from schemas.stages import ConductorStatus
from schemas.verdicts import GateName


class ConductorShell:
    """One conductor. It takes no CPU of Ray's count, as in `deployments.ray.actors`."""

    def __init__(self, name: str, config: RunConfig, queue: Any, where: DeploymentNames, output: str) -> None:
        """`output`: the run's folder, for the log."""
        configure_logging(LogPlace(name, output))
        collect_seldom()
        limits = BatchLimits()
        pools = {
            pool: pool_of(serve.get_app_handle(app), config.pools[pool], limits) for pool, app in where.pools.items()
        }
        models = gate_models(config.gates)
        gates = {gate: gate_of(serve.get_app_handle(app), models[gate], limits) for gate, app in where.gates.items()}
        embedder = None
        if where.embedder is not None:
            embedder = EmbedderHandle(streaming(serve.get_app_handle(where.embedder), "embed"), limits)
        self._conductor = Conductor(
            toolbox(config, QueueHandle(queue, limits), pools, _in_order(config, gates), embedder=embedder),
            conductor_settings(config, name),
            clock=time.time,
            monotonic=time.monotonic,
            sleep=asyncio.sleep,
            random=conductor_random(config, name),
        )

    async def run(self) -> None:
        """Works until the run is over."""
        await self._conductor.run()

    async def status(self) -> ConductorStatus:
        return self._conductor.status()

    async def carry(self, most: int) -> None:
        """Changes how many samples this conductor carries at once."""
        self._conductor.carry(most)

    async def rejoin(self) -> None:
        """Tells a restarted queue which leases this conductor holds."""
        await self._conductor.rejoin()


def _in_order(config: RunConfig, handles: Mapping[GateName, Gate]) -> dict[GateName, Gate]:
    """Every gate in the configuration's order but cascades: those with a deployment, and those that run in this
    process."""
    there = {**handles, **inside_gates(config.gates)}
    return {name: there[name] for name in map(GateName, config.gates) if name in there}


_actor: Any = ray.remote
ConductorActor = _actor(num_cpus=0, max_concurrency=8)(ConductorShell)
