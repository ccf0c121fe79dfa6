"""What makes a run's samples what they are: corpus, task, seed, models, gates, recovery. The rest may change on resume.

Replicas, batch sizes, memory, addresses, queue bounds, conductors, the budget, shard sizes and the folder's place are
no part of it.
"""

import os
from hashlib import sha256
from typing import Any

import msgspec

from schemas.config import Engine, RunConfig

_ENGINE_KEYS = ("kind", "model", "revision", "dtype", "factory", "options")
"""Which model and how it computes; not where it runs or in which batches."""


def identity(config: RunConfig) -> dict[str, Any]:
    """The identity of a run's samples as flat `path.of.key: value`, every default written out."""
    whole = plain(config)
    base = config.corpus.base
    kept: dict[str, Any] = {"corpus": {key: value for key, value in whole["corpus"].items() if key != "base"}}
    kept["corpus"]["chunking"]["tokenizer"] = _movable(config.corpus.chunking.tokenizer, base)
    kept |= {key: whole[key] for key in ("task", "seed", "recovery", "gates")}
    kept["pools"] = {name: {"engine": _engine(pool.engine, base)} for name, pool in config.pools.items()}
    for name, gate in config.gates.models.items():
        rest = {key: value for key, value in whole["gates"][name].items() if key != "replicas"}
        kept["gates"][name] = rest | {"engine": _engine(gate.engine, base)}
    if config.gates.verifier is not None:
        kept["gates"]["verifier"] = {"max_characters": config.gates.verifier.max_characters}
    return dict(_flat(kept, ""))


def config_sha256(config: RunConfig) -> str:
    """A fingerprint of `identity`: the same for configurations that make the same samples."""
    return sha256(msgspec.json.encode(identity(config), order="sorted")).hexdigest()


def difference(old: RunConfig, new: RunConfig) -> list[str]:
    """One line for each key of the identity that differs, with both values; empty when a resume is safe."""
    before, after = identity(old), identity(new)
    return [
        f"{key}: was {_shown(before, key)}, now {_shown(after, key)}"
        for key in sorted(before | after)
        if _shown(before, key) != _shown(after, key)
    ]


def plain(value: Any) -> Any:
    """A configuration as dicts and lists, tags and defaults written out, in the order of its types."""
    match value:
        case msgspec.Struct():
            config = value.__struct_config__
            tag = {} if config.tag_field is None else {config.tag_field: config.tag}
            return tag | {name: plain(getattr(value, name)) for name in value.__struct_fields__}
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case tuple() | list():
            return [plain(item) for item in value]
    return value


def _engine(engine: Engine, base: str | None) -> dict[str, Any]:
    values = plain(engine)
    return {key: values[key] for key in _ENGINE_KEYS if key in values} | {"model": _movable(engine.model, base)}


def _movable(path: str | None, base: str | None) -> str | None:
    """A path inside the configuration's folder as relative to it, so that the folder may move."""
    if path is None or base is None or not os.path.isabs(path):
        return path
    return os.path.relpath(path, base) if os.path.commonpath([path, base]) == base else path


def _flat(value: Any, path: str) -> list[tuple[str, Any]]:
    if not isinstance(value, dict) or not value:
        return [(path, value)]
    return [pair for key, item in value.items() for pair in _flat(item, f"{path}.{key}" if path else key)]


def _shown(values: dict[str, Any], key: str) -> str:
    return repr(values[key]) if key in values else "absent"
