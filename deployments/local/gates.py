"""A run's gates in this process, without Ray: for previews and audits. Law: they are the run's own, built by the same
code from the same configuration; whoever opened the stack ends their models and processes with it."""

from contextlib import AsyncExitStack

from actors.gates.build import build_gate
from actors.protocols import Engine, Gate
from deployments.build.evidence import open_source, provenance_of
from deployments.build.wiring import computed_gates
from deployments.engines.build import EngineRole, build_engine
from schemas.config import RunConfig
from schemas.config_deployed import Engine as EngineConfig
from schemas.config_gates import Classifier
from schemas.errors import ConfigError
from schemas.verdicts import VERIFIER, GateName


async def started(stack: AsyncExitStack, config: EngineConfig, role: EngineRole = EngineRole.GENERATOR) -> Engine:
    """An engine, loaded. Raises ModelError when its model does not exist or does not fit."""
    engine = build_engine(config, role)
    await engine.start()
    stack.push_async_callback(engine.close)
    return engine


async def local_gate(stack: AsyncExitStack, config: RunConfig, name: GateName) -> Gate:
    """One gate of the run. Raises ConfigError for one that it does not have, the rest as `started` and
    `open_source`."""
    model = config.gates.models.get(name)
    if model is not None:
        role = EngineRole.CLASSIFIER if isinstance(model, Classifier) else EngineRole.GENERATOR
        engine = await started(stack, model.engine, role)
        source = await open_source(stack, provenance_of(config.gates, name), config.corpus)
        return build_gate(name, model, engine, source)
    computed = computed_gates(config).get(name)
    if computed is None:
        raise ConfigError(f"gates.{name}: missing; this run has {', '.join(names(config))}")
    stack.callback(computed.close)
    return computed


def names(config: RunConfig) -> tuple[GateName, ...]:
    """The gates that the run has, beside provenance."""
    verifier = () if config.gates.verifier is None else (VERIFIER,)
    return (*(GateName(name) for name in config.gates.models), *verifier)
