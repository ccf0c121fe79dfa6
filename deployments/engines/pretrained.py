"""Hugging Face models and tokenizers as they are loaded, and the user's mistakes in naming them, in one line each."""

from typing import Any

import torch
from transformers import AutoConfig, AutoTokenizer

from deployments.engines.roles import EngineRole
from schemas.config import TransformersEngine
from schemas.errors import ModelError


def load_tokenizer(model: str, revision: str | None, role: EngineRole) -> Any:
    """The model's tokenizer. Raises ModelError when there is none or it does not suit the role."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(model, revision=revision)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{model}: no tokenizer can be loaded ({_first_line(error)})") from error
    if role is EngineRole.GENERATOR and not getattr(tokenizer, "chat_template", None):
        raise ModelError(f"{model}: its tokenizer has no chat template, so it cannot be a generator")
    return tokenizer


def load(auto: Any, config: TransformersEngine, tokenizer: Any) -> Any:
    """The model, on its device, for inference. Raises ModelError when it does not exist or does not fit."""
    dtype = "auto" if config.dtype == "auto" else getattr(torch, config.dtype)
    try:
        described = AutoConfig.from_pretrained(config.model, revision=config.revision)
        model = auto.from_pretrained(config.model, revision=config.revision, dtype=dtype)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"{config.model}: cannot be loaded as a model ({_first_line(error)})") from error
    wanted = "ForSequenceClassification" if "Sequence" in auto.__name__ else "ForCausalLM"
    architectures = described.architectures or []
    if architectures and not any(name.endswith((wanted, "ForConditionalGeneration")) for name in architectures):
        raise ModelError(f"{config.model}: is a {architectures[0]}; this role needs a model …{wanted}")
    rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        raise ModelError(f"{config.model}: its tokenizer knows {len(tokenizer)} tokens, the model {rows}: not a pair")
    return model.to(_device(config.device)).eval()


def end_ids(model: Any, tokenizer: Any) -> frozenset[int]:
    """Tokens that end a turn, as the model's generation settings and its tokenizer say."""
    said = getattr(model.generation_config, "eos_token_id", None) if hasattr(model, "generation_config") else None
    ids = said if isinstance(said, list) else [said]
    return frozenset(one for one in (*ids, tokenizer.eos_token_id) if one is not None)


def _device(name: str) -> str:
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
