"""The identity of a run's samples, and the keys of a configuration that may change once a folder holds a run.

Law: every key has one class, at its field (a test checks the whole schema). Keys that change no sample may change on
any resume. Keys that change how attempts are made and judged may change with `gleaner replay`, for the orders that it
puts back. A number of orders may grow on any resume. All other keys that change which orders there are never change.
The identity is all keys but those of the first class.
"""

import math
import os
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import msgspec

from deployments.config.schema import change_of, facts
from schemas.config import RunConfig
from schemas.config_base import Change, Config
from schemas.until_dry import UntilDry, orders_of_passage

_PLACES = ("model", "tokenizer")
"""Keys whose value may be a path in the configuration's folder."""


class Key(msgspec.Struct, frozen=True):
    """One key of a configuration with its whole path, its value and its class."""

    path: str
    value: Any
    change: Change


class Difference(msgspec.Struct, frozen=True):
    """A key that differs in two configurations, with both values as text."""

    path: str
    before: str
    after: str
    change: Change
    grows: bool = False
    """Whether it is a number that may grow, and did."""

    def __str__(self) -> str:
        return f"{self.path}: {self.before} → {self.after}"


def keys(config: RunConfig) -> Iterator[Key]:
    """Every key of the configuration, with defaults; also the order of the gates, if it decides which are asked."""
    yield from _keys(config, "", config.corpus.base)
    if config.judging.short_circuit:
        yield Key("gates (their order)", list(config.gates), Change.REPLAY)


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
        Difference(
            path,
            _shown(before, path),
            _shown(after, path),
            (after.get(path) or before[path]).change,
            _grows(before.get(path), after.get(path)),
        )
        for path in sorted(before | after)
    )
    return [each for each in found if each.before != each.after]


def difference(old: RunConfig, new: RunConfig) -> list[str]:
    """One line for each key of the identity that differs, old → new; empty when a resume is safe."""
    return [str(each) for each in differences(old, new) if each.change is not Change.ANY_RESUME]


def plain(value: Any) -> Any:
    """A configuration as dicts and lists, with tags and defaults, in the order of its types."""
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


def _keys(section: Config, path: str, base: str | None, choice: Change | None = None) -> Iterator[Key]:
    kind = section.__struct_config__
    if kind.tag_field is not None and choice is not None:
        yield Key(f"{path}{kind.tag_field}", kind.tag, choice)
    for name in section.__struct_fields__:
        value = getattr(section, name)
        if isinstance(value, Config):
            yield from _keys(value, f"{path}{name}.", base, facts(type(section))[name].change)
        elif isinstance(value, dict) and all(isinstance(item, Config) for item in value.values()) and value:
            for key, item in value.items():
                yield from _keys(item, f"{path}{name}.{key}.", base, facts(type(section))[name].change)
        else:
            change = change_of(type(section), name)
            if change is Change.GROW:
                yield Key(f"{path}{name}", _number(orders_of_passage(value)), change)
                continue
            shown = _movable(str(value), base) if name in _PLACES and value is not None else plain(value)
            yield from (Key(at, item, change) for at, item in _flat(shown, f"{path}{name}"))


def _movable(path: str, base: str | None) -> str:
    """A path; inside the configuration's folder it is made relative, so that the folder may be moved."""
    if base is None or not os.path.isabs(path):
        return path
    return os.path.relpath(path, base) if os.path.commonpath([path, base]) == base else path


def _flat(value: Any, path: str) -> list[tuple[str, Any]]:
    if not isinstance(value, dict) or not value:
        return [(path, value)]
    return [(f"{path}.{key}", item) for key, item in value.items()]


def _grows(before: Key | None, after: Key | None) -> bool:
    if before is None or after is None or after.change is not Change.GROW:
        return False
    return _size(after.value) > _size(before.value)


def _number(orders: int | UntilDry) -> int | dict[str, int]:
    """A number of orders as it is recorded and shown: that of a rule with all its keys."""
    return {"at_most": orders.at_most, "patience": orders.patience} if isinstance(orders, UntilDry) else orders


def _size(orders: int | dict[str, int]) -> tuple[float, float]:
    """The most orders, and the patience, which a fixed number never loses."""
    return (orders, math.inf) if isinstance(orders, int) else (orders["at_most"], orders["patience"])


def _shown(keys: dict[str, Key], path: str) -> str:
    return repr(keys[path].value) if path in keys else "absent"
