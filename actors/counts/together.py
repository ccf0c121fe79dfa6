"""Combines the tables of several queue shards into those of the whole run.

Law: a number is added only if its field says so, because a sum of means looks like a result and is none. A field
without an annotation is refused when its type is first used. Rows with the same keys become one row.
"""

import operator
from collections.abc import Callable, Sequence
from functools import cache, reduce
from typing import Any, TypeVar, get_origin

from msgspec import UNSET, Struct

from actors.counts.fields import Field, fields, is_struct
from actors.counts.rates import rate
from schemas.gate_audit import Rate
from schemas.measures import Together

T = TypeVar("T", bound=Struct)
Join = Callable[[Any, Any], Any]


def together(parts: Sequence[T]) -> T:
    """These parts (one or more) combined. Raises TypeError for a field that does not say how to join its values."""
    return reduce(_structs, parts)


@cache
def joins(kind: type[Struct]) -> dict[str, Join]:
    """How each field of a struct is joined. Raises TypeError."""
    return {field.name: _join(kind, field) for field in fields(kind)}


def _join(kind: type[Struct], field: Field) -> Join:
    if field.together is not None:
        return _JOINS[field.together]
    if field.is_key:
        return lambda one, _: one
    if field.row is not None:
        joins(field.row)
        if get_origin(field.of) is dict:
            return _by_key
        if not _keys(field.row):
            raise TypeError(f"{kind.__name__}.{field.name}: its rows have no key by which to join them")
        return _rows
    if field.of is Rate:
        return _rates
    if is_struct(field.of):
        joins(field.of)
        return _structs_there
    raise TypeError(f"{kind.__name__}.{field.name}: say at the field what it is of several shards together")


def _structs(one: T, other: T) -> T:
    kind = type(one)
    return kind(**{name: join(getattr(one, name), getattr(other, name)) for name, join in joins(kind).items()})


def _structs_there(one: Any, other: Any) -> Any:
    """Of a table that may be missing."""
    return other if one is UNSET else one if other is UNSET else _structs(one, other)


def _rows(one: tuple[Struct, ...], other: tuple[Struct, ...]) -> tuple[Struct, ...]:
    if not one or not other:
        return one or other
    keys = operator.attrgetter(*_keys(type(one[0])))
    return tuple(_by_key({keys(row): row for row in one}, {keys(row): row for row in other}).values())


def _by_key(one: dict[Any, Struct], other: dict[Any, Struct]) -> dict[Any, Struct]:
    both = {key: _structs(row, other[key]) for key, row in one.items() if key in other}
    return one | other | both


@cache
def _keys(kind: type[Struct]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.is_key)


def _rates(one: Rate, other: Rate) -> Rate:
    return rate(one.successes + other.successes, one.trials + other.trials)


def _added(one: Any, other: Any) -> Any:
    if isinstance(one, dict):
        return {key: one.get(key, 0) + other.get(key, 0) for key in sorted(one | other)}
    if isinstance(one, tuple):
        return tuple(map(operator.add, one, other)) if one and other else one or other
    return one + other


def _size(value: Any) -> Any:
    return sum(value.values()) if isinstance(value, dict) else value


def _known(choose: Callable[..., Any]) -> Join:
    def join(one: Any, other: Any) -> Any:
        return other if one is None else one if other is None else choose(one, other, key=_size)

    return join


_JOINS: dict[Together, Join] = {
    Together.ADDED: _added,
    Together.LARGEST: _known(max),
    Together.SMALLEST: _known(min),
    Together.FIRST: lambda one, other: one or other,
    Together.ANY: operator.or_,
    Together.ALL: operator.and_,
}
