"""Judge and Reward: the gates that need a model, on Ray Serve. Micro-batches in, each verdict out when it is done.

Law: a replica judges and holds nothing; an error of its model is a Failure, never a verdict.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from msgspec import Struct

from actors.gates.build import build_gate
from actors.protocols import Gate
from deployments.build.evidence import open_source
from deployments.engines.build import build_engine
from deployments.engines.roles import role_of
from deployments.monitoring.logs import LogPlace, configure_replica_logging
from deployments.ray.loopback import bind_replica
from deployments.serve.replica import Health, answer_each
from schemas.config import Corpus
from schemas.config_gates import Exact, GateModel, Provenance
from schemas.verdicts import GateName, GateReply, GateRequest
from schemas.wire import GATE_REPLIES, GATE_REQUESTS, Gated


class Looking(Struct, frozen=True):
    """What a gate is shown of the source, and the corpus to find it in where it must be found."""

    corpus: Corpus
    provenance: Provenance = Exact()


class ModelGate:
    """One replica of a gate. Ray Serve awaits its constructor."""

    async def __init__(  # type: ignore[misc]
        self, name: GateName, config: GateModel, looking: Looking, logs: LogPlace | None = None
    ) -> None:
        configure_replica_logging(logs)
        bind_replica()
        self._engine = build_engine(config.engine, role_of(config))
        self._health = Health(self._engine, config.replicas.stall_s)
        self._opened = AsyncExitStack()
        await self._engine.start()
        source = await open_source(self._opened, looking.provenance, looking.corpus, name)
        self._gate: Gate = build_gate(name, config, self._engine, source)

    async def check(self, data: bytes) -> AsyncIterator[bytes]:
        """GATE_REQUESTS in, GATE_REPLIES out."""
        async for replies in answer_each(GATE_REQUESTS.decode(data), self._judge, self._health):
            yield GATE_REPLIES.encode(replies)

    async def slots(self) -> int | None:
        """Requests that the engine computes at once; None when it does not say. Asked for autoscaling."""
        return getattr(self._engine, "slots", None)

    async def check_health(self) -> None:
        """Asked by Serve every few seconds; an error has the replica replaced."""
        await self._health.check()

    async def __del__(self) -> None:
        """Awaited by Serve when the replica is stopped."""
        await self._opened.aclose()
        await self._engine.close()

    async def _judge(self, request: GateRequest) -> Gated:
        return Gated(GateReply(request_id=request.id, verdict=await self._gate.check(request)))
