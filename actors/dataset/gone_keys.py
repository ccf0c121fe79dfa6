"""Reads a run.yaml that an earlier version wrote. Law: keys that a section no longer has are dropped; the section lists
them (`Config.gone`). All other keys stay as they were written, and the configuration's types check them.
"""

from functools import cache
from typing import Any

from msgspec import inspect

from schemas.config import RunConfig
from schemas.config_base import gone_keys

MOST_VALUES = 1 << 20
"""The most values in a configuration. A file of one mebibyte has fewer, unless it uses aliases."""


def without_gone_keys(values: Any) -> Any:
    """A configuration's values without those keys. Raises ValueError for too many values: YAML copies an alias to each
    place that names it, so a short text can stand for very many values."""
    return _Copy().of(values, _type())


@cache
def _type() -> inspect.Type:
    """The configuration's types as a tree, which takes 5 ms to make."""
    return inspect.type_info(RunConfig)


class _Copy:
    def __init__(self) -> None:
        self._left = MOST_VALUES

    def of(self, value: Any, kind: inspect.Type | None) -> Any:
        self._left -= 1
        if self._left < 0:
            raise ValueError(f"holds more than {MOST_VALUES:,} values")
        match value:
            case dict():
                section, each = _inside(value, kind)
                types = {} if section is None else {field.encode_name: field.type for field in section.fields}
                gone = () if section is None else gone_keys(section.cls).keys() - types.keys()
                return {key: self.of(item, types.get(key, each)) for key, item in value.items() if key not in gone}
            case list():
                return [self.of(item, None) for item in value]
        return value


def _inside(value: dict[Any, Any], kind: inspect.Type | None) -> tuple[inspect.StructType | None, inspect.Type | None]:
    """The section that a mapping holds, or else the type of the mapping's values; None where the types do not say."""
    match kind:
        case inspect.Metadata():
            return _inside(value, kind.type)
        case inspect.StructType():
            return kind, None
        case inspect.DictType():
            return None, kind.value_type
        case inspect.UnionType():
            structs = [each for each in kind.types if isinstance(each, inspect.StructType)]
            fitting = (each for each in structs if each.tag_field is None or value.get(each.tag_field) == each.tag)
            return next(fitting, None), None
    return None, None
