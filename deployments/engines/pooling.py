"""How a sentence encoder makes one vector of a text, read from the files that sentence-transformers puts into a model.

Law: the configuration comes first, then the model's folder (`1_Pooling/config.json`, the prompts in
`config_sentence_transformers.json`), then the mean and no instruction. Unknown poolings and layers are refused: vectors
made in another way than in training still look like vectors, but search results are worse.
"""

import json
from pathlib import Path
from typing import Any

from msgspec import Struct
from transformers.utils.hub import cached_file

from schemas.config_engines import ModelSource
from schemas.config_gates import Pooling
from schemas.errors import ModelError

_MODES: dict[str, Pooling] = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "last",
    "mean": "mean",
    "cls": "cls",
    "lasttoken": "last",
}
_QUERY = ("query",)
_PASSAGE = ("passage", "document", "corpus")
"""Names of prompts that models use."""


class TextForm(Struct, frozen=True):
    """How a model gets texts, and how vectors are made from its states."""

    pooling: Pooling = "mean"
    query_prefix: str = ""
    passage_prefix: str = ""
    longest: int | None = None
    """The most tokens, if the model should read fewer than it can."""


class FormKeys(Struct, frozen=True):
    """The keys of a configuration; None: the model's folder decides. `at`: the section, for messages."""

    at: str = "gates.provenance"
    pooling: Pooling | None = None
    query_prefix: str | None = None
    passage_prefix: str | None = None


def text_form(keys: FormKeys, model: str) -> TextForm:
    """The form for that model. Raises ModelError for an unknown pooling."""
    read = _Files(model)
    described = read("1_Pooling/config.json")
    if keys.pooling is None:
        _must_be_whole(model, read("modules.json"), described, keys.at)
    prompts = read("config_sentence_transformers.json").get("prompts") or {}
    return TextForm(
        pooling=keys.pooling or _pooling(model, described, keys.at),
        query_prefix=_chosen(keys.query_prefix, prompts, _QUERY),
        passage_prefix=_chosen(keys.passage_prefix, prompts, _PASSAGE),
        longest=read("sentence_bert_config.json").get("max_seq_length"),
    )


class _Files:
    """JSON files of a model, in a folder or on the hub; a missing file counts as empty."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._source = ModelSource.of(model)

    def __call__(self, name: str) -> Any:
        found = cached_file(
            self._source.name,
            name,
            revision=self._source.revision,
            _raise_exceptions_for_gated_repo=False,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
        if found is None:
            return {}
        try:
            return json.loads(Path(found).read_text(encoding="utf-8"))
        except ValueError as error:
            raise ModelError(f"{self._model}: its {name} is no JSON ({error})") from error


def _pooling(model: str, described: dict[str, Any], at: str) -> Pooling:
    if not described:
        return "mean"
    named = described.get("pooling_mode")
    modes = [named] if named else [key for key, on in described.items() if key.startswith("pooling_mode_") and on]
    if len(modes) != 1 or modes[0] not in _MODES:
        raise ModelError(
            f"{model}: its 1_Pooling/config.json asks for {', '.join(map(str, modes)) or 'no pooling'}, which is not "
            f"known here; set {at}.pooling to mean, cls or last, or take another encoder"
        )
    return _MODES[modes[0]]


def _must_be_whole(model: str, modules: Any, described: dict[str, Any], at: str) -> None:
    """Raises ModelError for layers after the pooling, and for prompts left out of the pooling: neither is computed
    here."""
    layers = [str(module.get("type", "")).rsplit(".", 1)[-1] for module in modules or []]
    unknown = next((layer for layer in layers if layer not in ("Transformer", "Pooling", "Normalize")), None)
    why = f"its modules.json has a layer {unknown}" if unknown else ""
    if described.get("include_prompt") is False:
        why = "its 1_Pooling/config.json leaves prompts out of the pooling"
    if why:
        raise ModelError(
            f"{model}: {why}, which is not computed here: take another encoder, or set {at}.pooling to do without"
        )


def _chosen(configured: str | None, prompts: dict[str, str], names: tuple[str, ...]) -> str:
    if configured is not None:
        return configured
    return next((prompts[name] for name in names if prompts.get(name)), "")
