"""Loads Hugging Face models and tokenizers. Law: a fault that the user can mend is a ModelError of one line.

If a library raises any error while it reads a model's files, the user named something that is no such model: these
errors are translated here, once. A model is data: weights are safetensors, and code beside them is never run.
"""

import os
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
    GenerationConfig,
    PreTrainedConfig,
)
from transformers.utils import logging

from deployments.engines.hub_errors import hub_words
from deployments.engines.roles import EngineRole
from schemas.config_engines import ModelSource, TransformersEngine
from schemas.errors import ModelError

_ARCHITECTURE = {
    EngineRole.GENERATOR: ("ForCausalLM", "ForConditionalGeneration"),
    EngineRole.SCORER: ("ForCausalLM", "ForConditionalGeneration"),
    EngineRole.CLASSIFIER: ("ForSequenceClassification",),
    EngineRole.ENCODER: ("",),
}
"""How the names of fitting architectures end; for an encoder any model fits, since all have hidden states."""
_AUTO: dict[EngineRole, Any] = {
    EngineRole.GENERATOR: AutoModelForCausalLM,
    EngineRole.SCORER: AutoModelForCausalLM,
    EngineRole.CLASSIFIER: AutoModelForSequenceClassification,
    EngineRole.ENCODER: AutoModel,
}


def load_tokenizer(model: str, role: EngineRole) -> Any:
    """The model's tokenizer. Raises ModelError when there is none or it does not suit the role."""
    source = ModelSource.of(model)
    with _translated(model, "no tokenizer can be loaded"):
        # where mistral-common is installed, as with vLLM, it would be a tokenizer without chat template and offsets
        tokenizer = AutoTokenizer.from_pretrained(
            source.name, revision=source.revision, trust_remote_code=False, mistral_format=False
        )
    if role.chats and not getattr(tokenizer, "chat_template", None):
        raise ModelError(f"{model}: its tokenizer has no chat template, so it cannot be a {role.value}")
    return tokenizer


def describe(model: str, role: EngineRole, tokenizer: Any) -> PreTrainedConfig:
    """The model's configuration. Raises ModelError when there is none, or it does not fit the role or the tokenizer."""
    source = ModelSource.of(model)
    with _translated(model, "there is no model here"):
        config = AutoConfig.from_pretrained(source.name, revision=source.revision, trust_remote_code=False)
    wanted = _ARCHITECTURE[role]
    architectures = config.architectures or []
    if not any(name.endswith(wanted) for name in architectures):
        found = architectures[0] if architectures else "model without an architecture"
        raise ModelError(f"{model}: is a {found}; a {role.value} needs a model …{wanted[0]}")
    beyond = _beyond(tokenizer, rows_of(config))
    if beyond is not None:
        raise ModelError(
            f"{model}: its tokenizer knows {len(tokenizer)} tokens, the model {rows_of(config)}: not a pair "
            f"({beyond[0]!r} is token {beyond[1]})"
        )
    return config


def load_model(config: TransformersEngine, role: EngineRole, tokenizer: Any) -> Any:
    """The model, on its device, for inference. Raises ModelError when it does not exist or does not fit."""
    describe(config.model, role, tokenizer)
    if threads := os.environ.get("OMP_NUM_THREADS"):  # Ray's word, which comes after torch's import in a forked process
        torch.set_num_threads(int(threads))
    source = ModelSource.of(config.model)
    dtype = "auto" if config.dtype == "auto" else getattr(torch, config.dtype)
    logging.disable_progress_bar()
    with _translated(config.model, "cannot be loaded as a model"):
        model, report = _AUTO[role].from_pretrained(
            source.name,
            revision=source.revision,
            dtype=dtype,
            output_loading_info=True,
            use_safetensors=True,
            trust_remote_code=False,
        )
        model = model.to(_device(config.device)).eval()
    # vectors come from hidden states, so an encoder may lack the pooling layer after them
    unused = ("pooler.",) if role is EngineRole.ENCODER else ()
    missing = sorted(key for key in report["missing_keys"] if not key.startswith(unused))
    if missing:
        raise ModelError(f"{config.model}: lacks {missing[0]} and {len(missing) - 1} more of its weights")
    return model


def named_ends(model: str, config: PreTrainedConfig) -> list[int | list[int] | None]:
    """The tokens that end a turn, by the model's generation_config.json and config.json."""
    source = ModelSource.of(model)
    with _translated(model, "its generation_config.json cannot be read"):
        try:
            generation = GenerationConfig.from_pretrained(source.name, revision=source.revision or "main")
        except OSError:  # many have none
            generation = None
    return [getattr(each, "eos_token_id", None) for each in (generation, config.get_text_config(), config)]


def rows_of(config: PreTrainedConfig) -> int | None:
    """How many token ids have an embedding in the model; None if its configuration does not say."""
    return getattr(config.get_text_config(), "vocab_size", None)


def longest_of(model: Any) -> int | None:
    """The most tokens that the model reads at once; None: no limit.

    RoBERTa and similar models count positions from after the padding token's, so they read fewer than they have.
    """
    limits = [getattr(model.config.get_text_config(), "max_position_embeddings", None)]
    for module in model.modules():
        table = getattr(module, "position_embeddings", None)
        if isinstance(table, torch.nn.Embedding) and table.padding_idx is not None:
            limits.append(table.num_embeddings - table.padding_idx - 1)
    return min((limit for limit in limits if limit is not None), default=None)


def first_line(error: BaseException) -> str:
    """An error in one line of at most 200 characters."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200]


def _beyond(tokenizer: Any, rows: int | None) -> tuple[str, int] | None:
    """A token that a text could give and that has no row in the model's embeddings; None if there is none. Added tokens
    come from templates alone, and are checked when these are rendered."""
    if rows is None:
        return None
    added = tokenizer.get_added_vocab()
    found = [(token, one) for token, one in tokenizer.get_vocab().items() if one >= rows and token not in added]
    return min(found, key=lambda each: each[1], default=None)


@contextmanager
def _translated(model: str, what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise ModelError(hub_words(model, error) or f"{model}: {what} ({first_line(error)})") from error


def _device(name: str) -> str:
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"
