"""EmbedderPool: vectors of samples, on Ray Serve. A micro-batch comes in; each vector goes out when it is done.

Law: all that a replica needs is in the request. A vector names its embedder, so that it is never compared with another
embedder's.
"""

from collections.abc import AsyncIterator

from deployments.build.embedding import SampleEmbedder
from deployments.monitoring.logs import LogPlace, configure_replica_logging
from deployments.ray.loopback import bind_replica
from deployments.serve.replica import Health, answer_each
from schemas.config_gates import EmbedderModel
from schemas.vectors import EmbeddingRequest
from schemas.wire import EMBEDDING_REPLIES, EMBEDDING_REQUESTS, EmbeddingReply


class EmbedderPool:
    """One replica. Ray Serve awaits its constructor."""

    async def __init__(self, config: EmbedderModel, logs: LogPlace | None = None) -> None:  # type: ignore[misc]
        configure_replica_logging(logs)
        bind_replica()
        self._embedder = await SampleEmbedder.of(config)
        self._health = Health(self._embedder, config.replicas.stall_s)

    async def embed(self, data: bytes) -> AsyncIterator[bytes]:
        """Takes EMBEDDING_REQUESTS and gives EMBEDDING_REPLIES."""
        async for replies in answer_each(EMBEDDING_REQUESTS.decode(data), self._reply, self._health):
            yield EMBEDDING_REPLIES.encode(replies)

    async def slots(self) -> int | None:
        """The requests that the model computes at once; None when it does not say. For autoscaling."""
        return self._embedder.slots

    async def check_health(self) -> None:
        """Serve calls this every few seconds, and replaces the replica when it raises."""
        await self._health.check()

    async def __del__(self) -> None:
        """Serve awaits this when the replica is stopped."""
        await self._embedder.close()

    async def _reply(self, request: EmbeddingRequest) -> EmbeddingReply:
        return EmbeddingReply(request.id, await self._embedder.embed(request))
