"""Facts about a configuration's keys, from its types. Law: a key's words and class are read only from its field.

A section is a struct. A key that holds one, or a union or a map of them, has no class of its own, but for two cases:
the choice among a union's variants (`kind`, `form`, `mode`), and a section that may be absent.
"""

from functools import cache
from typing import Any

from msgspec import Struct, inspect

from schemas.config import RunConfig
from schemas.config_base import CHANGE, Change, Config


class Fact(Struct, frozen=True):
    """Words and class of a field. `change`: None if the keys inside have classes of their own."""

    words: str
    change: Change | None


class Section(Struct, frozen=True):
    """A kind of section, the places where it may be, and the class of the choice that puts it there."""

    cls: type[Config]
    places: tuple[str, ...]
    choice: Change | None

    @property
    def type(self) -> inspect.StructType:
        kind = inspect.type_info(self.cls)
        assert isinstance(kind, inspect.StructType)
        return kind


@cache
def facts(section: type[Config]) -> dict[str, Fact]:
    """The facts of each key of a section, by its name. Raises LookupError for a key without words."""
    return {field.name: _fact(section, field) for field in Section(section, (), None).type.fields}


def change_of(section: type[Config], name: str) -> Change:
    """The class of a section's key. Raises LookupError if it has none."""
    change = facts(section)[name].change
    if change is None:
        raise LookupError(f"{section.__name__}.{name} has no class: never, replay or any_resume")
    return change


def bare(kind: inspect.Type) -> inspect.Type:
    """The type without its `Meta`."""
    return kind.type if isinstance(kind, inspect.Metadata) else kind


def is_section(kind: inspect.Type) -> bool:
    """Whether a key of the type holds further keys, each with its class."""
    match bare(kind):
        case inspect.StructType():
            return True
        case inspect.UnionType(types=types):
            return any(is_section(each) for each in types)
        case inspect.DictType(value_type=value):
            return is_section(value)
    return False


def sections(root: type[Config] = RunConfig) -> list[Section]:
    """Every kind of section once, in the order of the fields."""
    found: dict[type[Config], Section] = {}
    _find(inspect.type_info(root), found, "", None)
    return list(found.values())


def key_count(root: type[Config] = RunConfig) -> int:
    """How many keys a configuration may have. Keys with a class count: a key that holds a value, a section that may be
    absent, and the `kind`, `form` or `mode` of each variant of a union. A section that may be in several places counts
    once; a key that only groups others (`queue:`) does not count."""
    return sum(_keys_of(section.type) for section in sections(root))


def _keys_of(section: inspect.StructType) -> int:
    own = sum(not is_section(field.type) or field.default is None for field in section.fields)
    return own + (section.tag_field is not None)


def _fact(section: type[Config], field: inspect.Field) -> Fact:
    kind = field.type
    if not isinstance(kind, inspect.Metadata) or not (kind.extra_json_schema or {}).get("description"):
        raise LookupError(f"{section.__name__}.{field.name} has no words: never, replay, any_resume or section")
    assert kind.extra_json_schema is not None
    return Fact(kind.extra_json_schema["description"], (kind.extra or {}).get(CHANGE))


def _find(kind: inspect.Type, found: dict[type[Config], Section], place: str, choice: Change | None) -> None:
    match bare(kind):
        case inspect.StructType() as struct:
            cls: Any = struct.cls
            known = found.get(cls, Section(cls, (), choice))
            places = known.places if place in known.places else (*known.places, place)
            found[cls] = Section(cls, places, known.choice)
            for field in struct.fields:
                below = f"{place}.{field.encode_name}" if place else field.encode_name
                _find(field.type, found, below, facts(cls)[field.name].change)
        case inspect.UnionType(types=types):
            for each in types:
                _find(each, found, place, choice)
        case inspect.DictType(value_type=value):
            _find(value, found, f"{place}.NAME", choice)
