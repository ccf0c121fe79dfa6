"""An engine for a configuration: one match. What an engine needs is imported when it is chosen, not before."""

from importlib import import_module

from actors.protocols import Engine
from deployments.engines.roles import EngineRole
from schemas.config import CustomEngine, HttpEngine, TransformersEngine, VllmEngine
from schemas.config import Engine as EngineConfig
from schemas.errors import ConfigError


def build_engine(config: EngineConfig, role: EngineRole) -> Engine:
    """The engine, not started. Raises ConfigError for a factory that cannot be imported."""
    match config:
        case CustomEngine():
            return _custom(config)
        case TransformersEngine():
            from deployments.engines import transformers

            return transformers.TransformersEngine(config, role)
        case VllmEngine() | HttpEngine():
            raise ConfigError(f"{type(config).__name__} is not built yet")


def _custom(config: CustomEngine) -> Engine:
    module, _, name = config.factory.partition(":")
    try:
        factory = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"engine factory '{config.factory}' cannot be imported: {error}") from error
    return factory(**config.options)
