"""The model behind each call, from the configuration: pools, gates, the embedder."""

from actors.metrics.spans import CHAT, CLASSIFY, EMBEDDINGS, AskedModel
from schemas.config import RunConfig, deployed
from schemas.config_engines import CustomEngine, Engine, HttpEngine, PoolEngine, TransformersEngine, VllmEngine
from schemas.config_gates import Classifier, EmbedderModel, shared_pools


def asked_models(config: RunConfig) -> dict[str, AskedModel]:
    """The model of each pool, gate and embedder, by its name; a gate that shares a pool has the pool's."""
    own = {
        each.role: AskedModel(each.part.engine.model, _provider(each.part.engine), _operation(each.part))
        for each in deployed(config)
    }
    return own | {str(gate): own[pool] for gate, pool in shared_pools(config.gates).items() if pool in own}


def _operation(part: object) -> str:
    match part:
        case Classifier():
            return CLASSIFY
        case EmbedderModel():
            return EMBEDDINGS
        case _:
            return CHAT


def _provider(engine: Engine) -> str:
    """The conventions' name of who serves it. What speaks OpenAI's form is `openai`, wherever it stands."""
    match engine:
        case VllmEngine():
            return "vllm"
        case TransformersEngine():
            return "transformers"
        case HttpEngine():
            return "openai"
        case CustomEngine() | PoolEngine():
            return "custom"
