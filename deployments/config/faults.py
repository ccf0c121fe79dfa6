"""Explains a fault of a configuration in one line: path of the key, value, allowed values, nearest valid name.

It compares the values with the types in `schemas.config`, which alone decide. Values of keys that may hold a secret are
never shown.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import inspect

from deployments.config.schema import bare
from deployments.config.secrets import names_a_secret
from schemas.config_base import gone_keys
from schemas.config_engines import VLLM_REFUSED
from schemas.errors import UserError

T = TypeVar("T")
_MAY_BE_SECRET = frozenset({"api_key_env", "base_url"})


def fault(value: object, kind: type) -> str | None:
    """The first reason why the value is not of the type, as `path: what is wrong`; None if it is."""
    return _fault(value, inspect.type_info(kind), "")


def nearest(name: object, names: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or "" if no name is similar."""
    near = get_close_matches(str(name), list(names), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def known_name(option: str, name: str, names: Sequence[str]) -> str:
    """The name as we spell it. Raises UserError, with the nearest, for one that there is not."""
    if name.strip().lower() in names:
        return name.strip().lower()
    hint = nearest(name.lower(), names) or f"; the names are {', '.join(names)}"
    raise UserError(f"{option} {name}: there is no such name{hint}")


def at(path: str, problem: str) -> str:
    return f"{path}: {problem}" if path else problem


def shown(value: object, path: str = "") -> str:
    """The value for a message: one short line; a value that may be a secret is not shown."""
    *sections, name = path.split(".")
    if name in _MAY_BE_SECRET or "headers" in sections or names_a_secret(name):
        return "the value (not shown)"
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case dict():
            return "a section"
        case list():
            return "a list" if value else "an empty list"
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _fault(value: Any, declared: inspect.Type, path: str) -> str | None:
    kind = bare(declared)
    match kind:
        case inspect.StructType():
            return _section_fault(value, kind, path)
        case inspect.UnionType() if value is None and any(isinstance(each, inspect.NoneType) for each in kind.types):
            return None
        case inspect.UnionType() if structs := [each for each in kind.types if isinstance(each, inspect.StructType)]:
            return _one_of_fault(value, kind, structs, path)
        case inspect.UnionType() if isinstance(value, list) and (lists := _of_type(kind, inspect.VarTupleType)):
            return _fault(value, lists[0], path)
        case inspect.UnionType() if isinstance(value, dict) and (maps := _of_type(kind, inspect.DictType)):
            return _fault(value, maps[0], path)
        case inspect.DictType() if isinstance(value, dict):
            return _unknown_name(value, kind, path) or _first(
                _fault(item, kind.value_type, below(path, key)) for key, item in value.items()
            )
        case inspect.VarTupleType() if isinstance(value, list) and len(value) >= (kind.min_length or 0):
            return _first(_fault(item, kind.item_type, f"{path}[{index}]") for index, item in enumerate(value))
        case _ if _fits(value, kind):
            return None
    hint = nearest(value, map(str, kind.values)) if isinstance(kind, inspect.LiteralType) else ""
    return at(path, f"must be {allowed(declared)}, not {shown(value, path)}{hint}")


def _of_type(kind: inspect.UnionType, wanted: type[T]) -> list[T]:
    return [each for each in map(bare, kind.types) if isinstance(each, wanted)]


def _unknown_name(value: dict[Any, Any], kind: inspect.DictType, path: str) -> str | None:
    """The fault of an unknown key, in a mapping with a fixed set of keys; other mappings take any name."""
    if not isinstance(kind.key_type, inspect.LiteralType):
        return None
    names = [str(name) for name in kind.key_type.values]
    unknown = next((key for key in value if key not in names), None)
    if unknown is None:
        return None
    if unknown in VLLM_REFUSED and "max_num_seqs" in names:
        return at(below(path, unknown), f"not passed to vLLM: {VLLM_REFUSED[unknown]}")
    return at(below(path, unknown), f"unknown key{nearest(unknown, names) or f'; the keys here are {_listed(names)}'}")


def _first(faults: Iterable[str | None]) -> str | None:
    return next((found for found in faults if found is not None), None)


def below(path: str, key: object) -> str:
    """The path of a key in a section: always one printable line."""
    name = str(key) if str(key).isprintable() and len(str(key)) <= 80 else shown(key)
    return f"{path}.{name}" if path else name


def _section_fault(value: Any, kind: inspect.StructType, path: str) -> str | None:
    if not isinstance(value, dict):
        return at(path, f"must be a section of keys, not {shown(value, path)}")
    if kind.tag_field is not None and value.get(kind.tag_field, kind.tag) != kind.tag:
        found = value[kind.tag_field]
        return at(below(path, kind.tag_field), f"must be {kind.tag}, not {shown(found)}")
    fields = {field.encode_name: field for field in kind.fields}
    for key in value:
        if key not in fields and key in (gone := gone_keys(kind.cls)):
            return at(below(path, key), f"no longer a key: {gone[key]}")
        if key not in fields and key != kind.tag_field:
            hint = (
                nearest(key, [*fields, *([kind.tag_field] if kind.tag_field else [])])
                or f"; the keys here are {', '.join(fields)}"
            )
            return at(below(path, key), f"unknown key{hint}")
    for name, field in fields.items():
        if field.required and name not in value:
            return at(below(path, name), f"missing; it must be {allowed(field.type)}")
    return _first(_fault(value[name], fields[name].type, below(path, name)) for name in value if name in fields)


def _one_of_fault(value: Any, kind: inspect.UnionType, structs: list[inspect.StructType], path: str) -> str | None:
    if value is None and any(isinstance(each, inspect.NoneType) for each in kind.types):
        return None
    if structs[0].tag_field is None:
        return _section_fault(value, structs[0], path)
    return _tagged_fault(value, structs, path)


def _tagged_fault(value: Any, kinds: list[inspect.StructType], path: str) -> str | None:
    if not isinstance(value, dict):
        return at(path, f"must be a section of keys, not {shown(value, path)}")
    tag_field = str(kinds[0].tag_field)
    tagged = {str(kind.tag): kind for kind in kinds}
    choices = "one of " + ", ".join(tagged)
    if tag_field not in value:
        typo = next((key for key in value if nearest(key, [tag_field])), None)
        if typo is not None:
            return at(below(path, typo), f"unknown key; did you mean '{tag_field}'?")
        return at(below(path, tag_field), f"missing; it must be {choices}")
    found = value[tag_field]
    if not isinstance(found, str) or found not in tagged:
        return at(below(path, tag_field), f"must be {choices}, not {shown(found)}{nearest(found, tagged)}")
    return _section_fault(value, tagged[found], path)


def _fits(value: Any, kind: inspect.Type) -> bool:
    kind = bare(kind)
    match kind:
        case inspect.UnionType():
            return any(_fits(value, each) for each in kind.types)
        case inspect.LiteralType():
            return value in kind.values
        case inspect.NoneType():
            return value is None
        case inspect.DictType():
            return isinstance(value, dict) and all(_fits(item, kind.value_type) for item in value.values())
        case inspect.BoolType():
            return isinstance(value, bool)
        case inspect.StrType():
            return _converts(value, str, pattern=kind.pattern)
        case inspect.IntType():
            return _converts(value, int, gt=kind.gt, ge=kind.ge, lt=kind.lt, le=kind.le)
        case inspect.FloatType():
            return _converts(value, float, gt=kind.gt, ge=kind.ge, lt=kind.lt, le=kind.le)
    return False


def _converts(value: Any, kind: type, **bounds: Any) -> bool:
    try:
        msgspec.convert(value, Annotated[kind, msgspec.Meta(**bounds)])
    except msgspec.ValidationError:
        return False
    return True


def allowed(kind: inspect.Type) -> str:
    """The allowed values of a type, in words: its title, if it has one (beside a pattern), or else from the type."""
    match kind:
        case inspect.Metadata():
            return (kind.extra_json_schema or {}).get("title") or allowed(kind.type)
        case inspect.UnionType():
            return " or ".join(dict.fromkeys(allowed(each) for each in kind.types))
        case inspect.LiteralType():
            return f"one of {_listed(kind.values)}"
        case inspect.NoneType():
            return "null"
        case inspect.BoolType():
            return "true or false"
        case inspect.StrType():
            return "text"
        case inspect.IntType() | inspect.FloatType():
            return _number(kind)
        case inspect.VarTupleType():
            return ("a list that is not empty, each " if kind.min_length else "a list, each ") + allowed(kind.item_type)
        case inspect.DictType(key_type=inspect.LiteralType(values=names)):
            return f"a section with any of {_listed(names)}"
    return "a section of keys"


def _listed(names: Iterable[object]) -> str:
    return ", ".join(str(name) for name in names)


def _number(kind: inspect.IntType | inspect.FloatType) -> str:
    what = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
    words = {"greater than": kind.gt, "at least": kind.ge, "less than": kind.lt, "at most": kind.le}
    parts = [f"{word} {bound:,g}" for word, bound in words.items() if bound is not None]
    return f"{what} {' and '.join(parts)}" if parts else what
