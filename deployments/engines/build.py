"""The engine of a configuration: one match. The libraries of an engine are imported only when it is chosen."""

from typing import TYPE_CHECKING

from actors.protocols import Engine, TextEncoder
from deployments.engines.roles import EngineRole
from schemas.config_deployed import Engine as EngineConfig
from schemas.config_engines import CustomEngine, HttpEngine, PoolEngine, TransformersEngine, VllmEngine
from schemas.config_gates import EmbedderModel, Retrieved
from schemas.errors import ConfigError

if TYPE_CHECKING:  # it brings transformers
    from deployments.engines.pooling import FormKeys


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


async def retrieval_encoder(config: Retrieved) -> TextEncoder:
    """The loaded encoder of a search. Raises ModelError, and ConfigError if no encoder is named."""
    if config.encoder is None:
        raise ConfigError("gates.provenance.encoder: missing; retriever: embedding needs a model that encodes")
    from deployments.engines.pooling import FormKeys

    keys = FormKeys("gates.provenance", config.pooling, config.query_prefix, config.passage_prefix)
    return await _encoder(config.encoder, keys)


async def sample_encoder(config: EmbedderModel) -> TextEncoder:
    """The loaded encoder of samples. Raises ModelError, and ConfigError for an engine that cannot encode."""
    from deployments.engines.pooling import FormKeys

    return await _encoder(config.engine, FormKeys("judging.embedder", config.pooling, query_prefix=config.prefix))


async def _encoder(config: EngineConfig, keys: "FormKeys") -> TextEncoder:
    match config:
        case TransformersEngine():
            from deployments.engines.encoding import Encoder

            return await Encoder.of(config, keys)
        case VllmEngine():
            from deployments.engines.pooling import text_form
            from deployments.engines.served import EngineEncoder
            from deployments.engines.vllm import VllmBackend

            form = text_form(keys, config.model)
            return await EngineEncoder.of(VllmBackend(config, EngineRole.ENCODER, form), form)
        case HttpEngine():
            from deployments.engines.http import HttpBackend
            from deployments.engines.pooling import TextForm
            from deployments.engines.served import EngineEncoder

            form = TextForm(query_prefix=keys.query_prefix or "", passage_prefix=keys.passage_prefix or "")
            return await EngineEncoder.of(HttpBackend(config, EngineRole.ENCODER), form)
    raise ConfigError(f"{keys.at}: an engine of kind {config.__struct_config__.tag} makes no vectors")
