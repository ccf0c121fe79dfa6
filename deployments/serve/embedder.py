"""EmbedderPool: what makes vectors of samples, on Ray Serve. Micro-batches in, each vector out when it is done.

Law: a replica holds nothing that is not in a request; a vector says which embedder made it, so that it is never
compared with another's.
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
        """EMBEDDING_REQUESTS in, EMBEDDING_REPLIES out."""
        async for replies in answer_each(EMBEDDING_REQUESTS.decode(data), self._reply, self._health):
            yield EMBEDDING_REPLIES.encode(replies)

    async def slots(self) -> int | None:
        """Requests that the model computes at once; None when it does not say. Asked for autoscaling."""
        return self._embedder.slots

    async def check_health(self) -> None:
        """Asked by Serve every few seconds; an error has the replica replaced."""
        await self._health.check()

    async def __del__(self) -> None:
        """Awaited by Serve when the replica is stopped."""
        await self._embedder.close()

    async def _reply(self, request: EmbeddingRequest) -> EmbeddingReply:
        return EmbeddingReply(request.id, await self._embedder.embed(request))
