"""A run.yaml that an earlier version wrote. Law: keys that a section no longer has are passed over, by the names that
the section itself tells (`Config.gone`); everything else stays as it was written, and the types judge it.
"""

from typing import Any

from msgspec import inspect

from schemas.config import RunConfig
from schemas.config_base import gone_keys

MOST_VALUES = 1 << 20
"""Of a configuration: one of a mebibyte has fewer, unless it repeats itself."""


def without_gone_keys(values: Any) -> Any:
    """A configuration's values without them. Raises ValueError for more values than a configuration holds: an alias is
    copied wherever it stands, so a short text may stand for very many."""
    return _Copy().of(values, inspect.type_info(RunConfig))


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
    """The kind of section that a mapping is, or else the type of its values; None where the types do not say."""
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
