"""What makes a run's samples what they are, and what of a configuration may change once a folder holds a run.

Law: every key has one class, in the table `CHANGES` (a test walks the whole schema). What changes no sample is taken on
any resume; what changes how attempts are made and judged is taken by `gleaner replay`, for the orders that it puts
back; what says which orders there are, or which are made bad on purpose, is never taken. The identity is all but the
first class.
"""

import os
from collections.abc import Iterator
from enum import Enum
from hashlib import sha256
from typing import Any

import msgspec

import schemas.config as c
import schemas.config_audit as a
import schemas.config_credit as credit
import schemas.config_deployed as d
import schemas.config_engines as e
import schemas.config_gates as g
import schemas.config_injection as i
from schemas.config import RunConfig


class Change(Enum):
    """When a key may change in a folder that holds a run."""

    ANY_RESUME = "any resume"
    """It changes no sample: where and how fast things run, and their bounds."""
    REPLAY = "replay"
    """It changes how attempts are made and judged: taken by `gleaner replay --config`."""
    NEVER = "never"
    """It changes which orders there are, or which are made bad on purpose: another run, another folder."""


CHANGES: dict[type[msgspec.Struct], dict[Change, str]] = {
    c.RunConfig: {Change.ANY_RESUME: "name ray_address", Change.REPLAY: "credit", Change.NEVER: "seed"},
    c.Corpus: {
        Change.ANY_RESUME: "base include links",
        Change.NEVER: "paths text_field answer_field id_field max_document_bytes encoding",
    },
    c.Chunking: {Change.NEVER: "max_tokens min_characters tokenizer"},
    c.GroundedAnswer: {Change.REPLAY: "output", Change.NEVER: "kind samples_per_passage"},
    c.Math: {Change.NEVER: "kind samples_per_passage"},
    c.SamplingDefaults: {Change.REPLAY: "temperature top_p max_tokens"},
    c.Pool: {},
    e.VllmEngine: {
        Change.ANY_RESUME: "max_model_len max_num_seqs tensor_parallel_size gpu_memory_utilization enforce_eager "
        "kv_cache_gib prefix_caching",
        Change.REPLAY: "kind model dtype revision system_role chat_template_kwargs",
    },
    e.TransformersEngine: {
        Change.ANY_RESUME: "device max_batch threads",
        Change.REPLAY: "kind model dtype revision system_role chat_template_kwargs",
    },
    e.HttpEngine: {
        Change.ANY_RESUME: "base_url api_key_env headers query concurrency timeout_s check_models structured_output "
        "output_limit omit system_role",
        Change.REPLAY: "kind model",
    },
    e.CustomEngine: {Change.REPLAY: "kind model factory options"},
    d.Replicas: {
        Change.ANY_RESUME: "min max num_cpus num_gpus accelerator_type max_ongoing stall_s slots",
    },
    g.Judging: {Change.REPLAY: "short_circuit duplicate_similarity"},
    g.Exact: {Change.REPLAY: "mode"},
    g.Retrieved: {
        Change.ANY_RESUME: "max_passages",
        Change.REPLAY: "mode retriever k query encoder pooling query_prefix passage_prefix",
    },
    g.Unseen: {Change.REPLAY: "mode"},
    g.Verifier: {Change.ANY_RESUME: "timeout_s memory_mib processes", Change.REPLAY: "form max_characters"},
    g.Classifier: {Change.REPLAY: "form kind threshold positive_label"},
    g.LlmJudge: {Change.REPLAY: "form kind threshold max_tokens temperature dimensions"},
    g.RuleGate: {Change.REPLAY: "form check threshold modes"},
    g.CustomGate: {Change.REPLAY: "form check options threshold modes"},
    c.Recovery: {Change.REPLAY: "policy max_attempts escalate_to bar search_passages stop_below exploration"},
    credit.Credit: {
        Change.ANY_RESUME: "max_rollouts at_once token_share lease_share max_open wait_s",
        Change.REPLAY: "strategy first_pit tolerance best_of confidence min_rollouts check_steps",
    },
    i.Injection: {Change.NEVER: "rate"},
    i.InjectionKinds: {
        Change.NEVER: "contradicts_source parametric cross_passage high_temperature instruction_quality "
        "domain_mismatch response_quality",
    },
    i.LlmInjector: {Change.NEVER: "kind verifier"},
    i.CustomInjector: {Change.NEVER: "kind factory options"},
    a.Audit: {Change.ANY_RESUME: "rate labelled good"},
    c.Queue: {Change.ANY_RESUME: "capacity lease_s fresh_share", Change.NEVER: "shards"},
    c.Conductors: {Change.ANY_RESUME: "count concurrency hop_retries hop_timeout_s outage_s"},
    c.Scaling: {Change.ANY_RESUME: "accelerators cooldown_s horizon_s max_starting"},
    c.Budget: {Change.ANY_RESUME: "tokens"},
    c.Dataset: {Change.ANY_RESUME: "rows_per_shard flush_s"},
}
"""The class of each key (a section's kind or form too), by the section that it stands in."""
_MAPS = ("pools", "gates")
"""Keys that hold sections by names of the user's own."""
_PLACES = ("model", "tokenizer")
"""Keys that may hold a path inside the configuration's folder."""


class Key(msgspec.Struct, frozen=True):
    """One key of a configuration with its whole path, its value and its class."""

    path: str
    value: Any
    change: Change


class Difference(msgspec.Struct, frozen=True):
    """A key that two configurations do not agree on; as text, what it was and what it is."""

    path: str
    before: str
    after: str
    change: Change

    def __str__(self) -> str:
        return f"{self.path}: {self.before} → {self.after}"


def change_of(section: type[msgspec.Struct], name: str) -> Change:
    """The class of a section's key. Raises LookupError for one that has none."""
    found = [change for change, names in CHANGES[section].items() if name in names.split()]
    if len(found) != 1:
        raise LookupError(f"{section.__name__}.{name} has {len(found)} classes in CHANGES, it needs one")
    return found[0]


def keys(config: RunConfig) -> Iterator[Key]:
    """Every key of the configuration, defaults written out."""
    return _keys(config, "", config.corpus.base)


def identity(config: RunConfig) -> dict[str, Any]:
    """The identity of a run's samples as flat `path.of.key: value`."""
    return {key.path: key.value for key in keys(config) if key.change is not Change.ANY_RESUME}


def config_sha256(config: RunConfig) -> str:
    """A fingerprint of `identity`: the same for configurations that make the same samples."""
    return sha256(msgspec.json.encode(identity(config), order="sorted")).hexdigest()


def differences(old: RunConfig, new: RunConfig) -> list[Difference]:
    """Every key that differs, sorted by path."""
    before, after = ({key.path: key for key in keys(config)} for config in (old, new))
    found = (
        Difference(path, _shown(before, path), _shown(after, path), (after.get(path) or before[path]).change)
        for path in sorted(before | after)
    )
    return [each for each in found if each.before != each.after]


def difference(old: RunConfig, new: RunConfig) -> list[str]:
    """One line for each key of the identity that differs, old → new; empty when a resume is safe."""
    return [str(each) for each in differences(old, new) if each.change is not Change.ANY_RESUME]


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


def _keys(section: c.Config, path: str, base: str | None) -> Iterator[Key]:
    kind = section.__struct_config__
    if kind.tag_field is not None:
        yield Key(f"{path}{kind.tag_field}", kind.tag, change_of(type(section), kind.tag_field))
    for name in section.__struct_fields__:
        value = getattr(section, name)
        if isinstance(value, c.Config):
            yield from _keys(value, f"{path}{name}.", base)
        elif name in _MAPS and isinstance(value, dict):
            for key, item in value.items():
                yield from _keys(item, f"{path}{name}.{key}.", base)
        else:
            change = change_of(type(section), name)
            shown = _movable(str(value), base) if name in _PLACES and value is not None else plain(value)
            yield from (Key(at, item, change) for at, item in _flat(shown, f"{path}{name}"))


def _movable(path: str, base: str | None) -> str:
    """A path inside the configuration's folder as relative to it, so that the folder may move."""
    if base is None or not os.path.isabs(path):
        return path
    return os.path.relpath(path, base) if os.path.commonpath([path, base]) == base else path


def _flat(value: Any, path: str) -> list[tuple[str, Any]]:
    if not isinstance(value, dict) or not value:
        return [(path, value)]
    return [(f"{path}.{key}", item) for key, item in value.items()]


def _shown(keys: dict[str, Key], path: str) -> str:
    return repr(keys[path].value) if path in keys else "absent"
