"""A run's gates in this process, without Ray: for previews and audits. Law: they are the run's own gates, built by the
same code from the same configuration. Their models and processes end when the caller closes the stack."""

import asyncio
from contextlib import AsyncExitStack

from actors.gates.build import build_gate
from actors.gates.cascade import CascadeGate
from actors.gates.code import CodeGate
from actors.gates.execution import ExecutionGate
from actors.gates.verifier import VerifierGate
from actors.protocols import Embedder, Engine, Gate
from deployments.build.embedding import SampleEmbedder
from deployments.build.evidence import open_source
from deployments.build.gates import inside_gate
from deployments.engines.build import EngineRole, build_engine
from deployments.engines.roles import role_of
from schemas.config import RunConfig
from schemas.config_cascade import Cascade
from schemas.config_deployed import Engine as EngineConfig
from schemas.config_engines import PoolEngine
from schemas.config_gates import GateModel, gate_models
from schemas.errors import ConfigError, EngineError, ErrorKind
from schemas.ids import PoolName
from schemas.samples import Completion, GenerationRequest
from schemas.verdicts import GateName


async def started(stack: AsyncExitStack, config: EngineConfig, role: EngineRole = EngineRole.GENERATOR) -> Engine:
    """A loaded engine. Raises ModelError when its model does not exist or does not fit."""
    engine = build_engine(config, role)
    await engine.start()
    stack.push_async_callback(engine.close)
    return engine


class LocalPools:
    """The run's pools for gates that ask them, as `actors.protocols.Ask`. Each is loaded at its first call."""

    def __init__(self, stack: AsyncExitStack, config: RunConfig) -> None:
        self._stack = stack
        self._config = config
        self._engines: dict[PoolName, asyncio.Task[Engine]] = {}

    async def __call__(self, pool: PoolName, request: GenerationRequest) -> Completion:
        """One completion. Raises EngineError for an unknown pool, and as `started`."""
        configured = self._config.pools.get(pool)
        if configured is None:
            raise EngineError(ErrorKind.PERMANENT, f"there is no pool '{pool}'")
        if pool not in self._engines:
            self._engines[pool] = asyncio.ensure_future(started(self._stack, configured.engine))
        engine = await self._engines[pool]
        return await engine.generate(request)


async def local_gate(stack: AsyncExitStack, config: RunConfig, name: GateName) -> Gate:
    """One gate of the run; a cascade without a band, so that its judge decides. Raises ConfigError for an unknown gate,
    and otherwise as `started` and `open_source`."""
    gate = config.gates.get(name)
    if isinstance(gate, Cascade):
        steps = [GateName(step) for step in (gate.cheap, gate.judge)]
        return CascadeGate(name, gate, gates={step: await local_gate(stack, config, step) for step in steps})
    if isinstance(gate, GateModel) and not isinstance(gate.engine, PoolEngine):
        return await gate_over(stack, config, name, await started(stack, gate.engine, role_of(gate)))
    inside = None if gate is None else inside_gate(name, gate)
    if inside is None:
        there = ", ".join(config.gates) or "none"
        raise ConfigError(f"gates.{name}: missing; this run has {there}")
    if isinstance(inside, VerifierGate):
        stack.callback(inside.close)
    if isinstance(inside, ExecutionGate | CodeGate):
        stack.push_async_callback(inside.runner.close)
        await inside.runner.start()
    return inside


async def local_embedder(stack: AsyncExitStack, config: RunConfig) -> Embedder | None:
    """The run's loaded embedder; None if it has none. Raises ModelError."""
    if config.judging.embedder is None:
        return None
    embedder = await SampleEmbedder.of(config.judging.embedder)
    stack.push_async_callback(embedder.close)
    return embedder


async def gate_over(stack: AsyncExitStack, config: RunConfig, name: GateName, engine: Engine) -> Gate:
    """The gate of that name, which has a model, over a loaded engine. Raises as `open_source` and `build_gate`."""
    gate = gate_models(config.gates)[name]
    return build_gate(name, gate, engine, await open_source(stack, gate.provenance, config.corpus, name))


def names(config: RunConfig) -> tuple[GateName, ...]:
    """The names of the configured gates, without cascades, which are made of others."""
    return tuple(GateName(name) for name, gate in config.gates.items() if not isinstance(gate, Cascade))
