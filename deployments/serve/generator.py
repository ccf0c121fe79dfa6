"""GeneratorPool: a named pool of generators on Ray Serve. A micro-batch comes in; each completion goes out when it is
done.

Law: all that a replica needs is in the request. Any number of replicas serve a pool, and any may be replaced.
"""

from collections.abc import AsyncIterator

from actors.protocols import Engine
from deployments.engines.build import EngineRole, build_engine
from deployments.monitoring.logs import LogPlace, configure_replica_logging
from deployments.ray.loopback import bind_replica
from deployments.serve.replica import Health, answer_each
from schemas.config import Pool
from schemas.samples import GenerationRequest
from schemas.wire import GENERATION_REPLIES, GENERATION_REQUESTS, Generated


class GeneratorPool:
    """One replica: an engine in the role of a generator. Ray Serve awaits its constructor."""

    async def __init__(self, pool: Pool, logs: LogPlace | None = None) -> None:  # type: ignore[misc]
        configure_replica_logging(logs)
        bind_replica()
        self._engine: Engine = build_engine(pool.engine, EngineRole.GENERATOR)
        self._health = Health(self._engine, pool.replicas.stall_s)
        await self._engine.start()

    async def generate(self, data: bytes) -> AsyncIterator[bytes]:
        """Takes GENERATION_REQUESTS and gives GENERATION_REPLIES."""
        async for replies in answer_each(GENERATION_REQUESTS.decode(data), self._complete, self._health):
            yield GENERATION_REPLIES.encode(replies)

    async def slots(self) -> int | None:
        """The requests that the engine computes at once; None when it does not say. For autoscaling."""
        return getattr(self._engine, "slots", None)

    async def check_health(self) -> None:
        """Serve calls this every few seconds, and replaces the replica when it raises."""
        await self._health.check()

    async def __del__(self) -> None:
        """Serve awaits this when the replica is stopped."""
        await self._engine.close()

    async def _complete(self, request: GenerationRequest) -> Generated:
        return Generated(await self._engine.generate(request))
