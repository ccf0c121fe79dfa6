"""A run is one YAML file. A file that cannot be run is refused before the run starts, in a line with place and reason.

`load` reads, decodes strictly, checks that values fit each other, and resolves paths; `check_models` checks that local
models exist. Environment variables are not expanded: a configuration has no secrets, only names of variables.
"""

import os
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec.structs import replace

from actors.ledger.door import read_regular
from actors.text.strict_yaml import CONSTRUCTOR_FAULTS, MOST_BYTES, PLAIN_EXPONENT, parse
from deployments.config.faults import fault, nearest, shown
from deployments.config.identity import config_sha256, difference, differences, identity, plain
from deployments.config.rules import broken_rule, check_models, is_local
from schemas.config import RunConfig
from schemas.config_engines import CustomEngine, HttpEngine, PoolEngine
from schemas.config_gates import GateConfig, GateModel, Provenance, Retrieved
from schemas.config_moved import moved
from schemas.errors import ConfigError

__all__ = [
    "check_models",
    "config_sha256",
    "difference",
    "differences",
    "identity",
    "load",
    "load_resolved",
    "load_text",
    "load_values",
    "resolve",
    "to_yaml",
]


def load(path: Path) -> RunConfig:
    """The configuration in a YAML file, decoded, checked and with paths resolved. Raises `ConfigError`.

    Models need not exist yet: `check_models` looks for them.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(_unreadable(path, error)) from error
    return resolve(load_text(_decoded(data, path), path), path.absolute().parent)


def load_resolved(path: Path) -> RunConfig:
    """The configuration that a run wrote into its folder. The folder may be a stranger's, so only a regular file is
    read. Raises `ConfigError`, and OSError if it cannot be opened."""
    return load_text(_decoded(read_regular(path, MOST_BYTES + 1), path), path)


def _decoded(data: bytes, path: Path) -> str:
    if len(data) > MOST_BYTES:
        raise ConfigError(f"{path}: larger than 1 MiB, so hardly a configuration")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not a YAML file in UTF-8 (byte {error.start})") from error


def load_text(text: str, name: Path | str = "configuration") -> RunConfig:
    """The configuration in a YAML text, decoded and checked; `name` begins every message. Raises `ConfigError`."""
    return load_values(_parse(text, name), name)


def load_values(values: object, name: Path | str = "configuration") -> RunConfig:
    """The configuration in the values of a YAML file, decoded and checked. Raises `ConfigError`."""
    try:
        values = moved(values)
        config = msgspec.convert(values, RunConfig)
        problem = broken_rule(config)
    except ConfigError as error:
        problem, config = str(error), None
    except (msgspec.ValidationError, RecursionError) as error:
        problem, config = _explained(values, error), None
    if problem is not None or config is None:
        raise ConfigError(f"{name}: {problem}")
    return config


def resolve(config: RunConfig, base: Path) -> RunConfig:
    """The configuration with local models and the tokenizer as absolute paths; `base` is the folder of its file.

    Corpus paths stay as they are, since document uris hold them: `corpus.base` says where they begin.
    """
    tokenizer = config.corpus.chunking.tokenizer
    if tokenizer is not None and (is_local(tokenizer) or tokenizer.endswith(".json")):
        tokenizer = _absolute(tokenizer, base)
    corpus = replace(
        config.corpus,
        base=_absolute(config.corpus.base or ".", base),
        chunking=replace(config.corpus.chunking, tokenizer=tokenizer),
    )
    pools = {name: _resolved(pool, base) for name, pool in config.pools.items()}
    gates = {name: _resolved_gate(gate, base) for name, gate in config.gates.items()}
    judging, embedder = config.judging, config.judging.embedder
    if embedder is not None:
        judging = replace(judging, embedder=_resolved(embedder, base))
    labelled = tuple(_absolute(name, base) for name in config.probes.labelled)
    probes = replace(config.probes, labelled=labelled)
    return replace(config, corpus=corpus, pools=pools, gates=gates, judging=judging, probes=probes)


def to_yaml(config: RunConfig) -> str:
    """The configuration as YAML with every default; `load_text` reads it back unchanged."""
    return yaml.dump(plain(config), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _resolved(part: Any, base: Path) -> Any:
    engine = part.engine
    if isinstance(engine, HttpEngine | CustomEngine | PoolEngine) or not is_local(engine.model):
        return part
    return replace(part, engine=replace(engine, model=_absolute(engine.model, base)))


def _resolved_gate(gate: GateConfig, base: Path) -> GateConfig:
    if not isinstance(gate, GateModel):
        return gate
    return replace(_resolved(gate, base), provenance=_provenance(gate.provenance, base))


def _provenance(provenance: Provenance, base: Path) -> Provenance:
    encoder = provenance.encoder if isinstance(provenance, Retrieved) else None
    if encoder is None or isinstance(encoder, HttpEngine | CustomEngine) or not is_local(encoder.model):
        return provenance
    return replace(provenance, encoder=replace(encoder, model=_absolute(encoder.model, base)))


def _absolute(path: str, base: Path) -> str:
    return os.path.normpath(base / os.path.expanduser(path))


def _explained(values: object, error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply, or inside itself"
    reason = str(error).replace("$.", "")
    return fault(values, RunConfig) or reason


def _unreadable(path: Path, error: OSError) -> str:
    try:
        names = sorted(os.listdir(path.parent)) if not path.exists() else []
    except OSError:
        names = []
    return f"{path}: {error.strerror or error}{nearest(path.name, names)}"


# YAML


class _Dumper(yaml.SafeDumper):
    """Writes YAML that `StrictLoader` reads back: a text like 1e-3 is put in quotes."""


_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", PLAIN_EXPONENT, list("-+0123456789"))


def _parse(text: str, name: Path | str) -> dict[str, Any]:
    try:
        values = parse(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ConfigError(f"{name}: {where}{_one_line(error.problem or error.context)}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}: not YAML: {_one_line(error)}") from error
    except CONSTRUCTOR_FAULTS as error:
        raise ConfigError(f"{name}: a value that cannot be read: {_one_line(error)}") from error
    if not isinstance(values, dict):
        what = "empty" if values is None else f"must be a section of keys, not {shown(values)}"
        raise ConfigError(f"{name}: {what}")
    return values


def _one_line(problem: object) -> str:
    return " ".join(str(problem).split())
