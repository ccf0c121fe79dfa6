"""Hugging Face models and tokenizers as they are loaded. Law: what the user can mend is a ModelError of one line.

Whatever the libraries raise while they read a model's files, the user named something that holds no such model: every
such error is translated here, once. A model is data: weights are safetensors, and code beside them is never run.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedConfig,
)
from transformers.utils import logging

from deployments.engines.roles import EngineRole
from schemas.config import TransformersEngine
from schemas.errors import ModelError

_ARCHITECTURE = {
    EngineRole.GENERATOR: ("ForCausalLM", "ForConditionalGeneration"),
    EngineRole.CLASSIFIER: ("ForSequenceClassification",),
    EngineRole.ENCODER: ("",),
}
"""How the names of fitting architectures end; any model has hidden states to compare."""
_AUTO: dict[EngineRole, Any] = {
    EngineRole.GENERATOR: AutoModelForCausalLM,
    EngineRole.CLASSIFIER: AutoModelForSequenceClassification,
    EngineRole.ENCODER: AutoModel,
}


def load_tokenizer(model: str, revision: str | None, role: EngineRole) -> Any:
    """The model's tokenizer. Raises ModelError when there is none or it does not suit the role."""
    with _translated(model, "no tokenizer can be loaded"):
        tokenizer = AutoTokenizer.from_pretrained(model, revision=revision, trust_remote_code=False)
    if role is EngineRole.GENERATOR and not getattr(tokenizer, "chat_template", None):
        raise ModelError(f"{model}: its tokenizer has no chat template, so it cannot be a generator")
    return tokenizer


def describe(model: str, revision: str | None, role: EngineRole, tokenizer: Any) -> PreTrainedConfig:
    """The model's configuration. Raises ModelError when there is none, or it fits neither role nor tokenizer."""
    with _translated(model, "there is no model here"):
        config = AutoConfig.from_pretrained(model, revision=revision, trust_remote_code=False)
    wanted = _ARCHITECTURE[role]
    architectures = config.architectures or []
    if not any(name.endswith(wanted) for name in architectures):
        found = architectures[0] if architectures else "model without an architecture"
        raise ModelError(f"{model}: is a {found}; a {role.value} needs a model …{wanted[0]}")
    rows = getattr(config.get_text_config(), "vocab_size", None)
    if rows is not None and len(tokenizer) > rows:
        raise ModelError(f"{model}: its tokenizer knows {len(tokenizer)} tokens, the model {rows}: not a pair")
    return config


def load_model(config: TransformersEngine, role: EngineRole, tokenizer: Any) -> Any:
    """The model, on its device, for inference. Raises ModelError when it does not exist or does not fit."""
    describe(config.model, config.revision, role, tokenizer)
    dtype = "auto" if config.dtype == "auto" else getattr(torch, config.dtype)
    logging.disable_progress_bar()
    with _translated(config.model, "cannot be loaded as a model"):
        model, report = _AUTO[role].from_pretrained(
            config.model,
            revision=config.revision,
            dtype=dtype,
            output_loading_info=True,
            use_safetensors=True,
            trust_remote_code=False,
        )
        model = model.to(_device(config.device)).eval()
    missing = sorted(report["missing_keys"])
    if missing:
        raise ModelError(f"{config.model}: lacks {missing[0]} and {len(missing) - 1} more of its weights")
    return model


def end_ids(model: Any, tokenizer: Any) -> frozenset[int]:
    """Tokens that end a turn, as the model's generation settings and its tokenizer say."""
    said = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    ids = said if isinstance(said, list) else [said]
    return frozenset(one for one in (*ids, tokenizer.eos_token_id) if one is not None)


def first_line(error: BaseException) -> str:
    """An error in one line of at most 200 characters."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200]


@contextmanager
def _translated(model: str, what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise ModelError(f"{model}: {what} ({first_line(error)})") from error


def _device(name: str) -> str:
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"
