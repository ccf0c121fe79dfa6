"""An engine for a configuration: one match. What an engine needs is imported when it is chosen, not before."""

from actors.protocols import Engine
from deployments.engines.roles import EngineRole
from schemas.config_deployed import Engine as EngineConfig
from schemas.config_engines import CustomEngine, HttpEngine, PoolEngine, TransformersEngine, VllmEngine
from schemas.errors import ConfigError


def build_engine(config: EngineConfig, role: EngineRole) -> Engine:
    """The engine, not started. Raises ConfigError for a factory that cannot be used, ModelError without vLLM."""
    match config:
        case CustomEngine():
            from deployments.engines import custom

            return custom.custom_engine(config)
        case TransformersEngine():
            from deployments.engines import transformers

            return transformers.TransformersBackend(config, role)
        case VllmEngine():
            from deployments.engines import vllm

            return vllm.VllmBackend(config, role)
        case PoolEngine():
            raise ConfigError(f"{config.model} answers for a gate, and has an engine of its own")
        case HttpEngine():
            from deployments.engines import http

            return http.HttpBackend(config, role)
