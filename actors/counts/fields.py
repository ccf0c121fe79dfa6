"""The fields of a row, read from its type: keys, and measures with their annotations."""

from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, NewType, Union, get_args, get_origin, get_type_hints

from msgspec import Struct, UnsetType

from schemas.measures import Exposed, Together


class Field(Struct, frozen=True):
    """One field. `of`: its type, without annotations."""

    name: str
    of: Any
    together: Together | None
    exposed: Exposed | None

    @property
    def is_key(self) -> bool:
        """Whether it tells its row from others: a name, a member of an enum, or several of these."""
        return self.together is None and _is_name(self.of)

    @property
    def row(self) -> type[Struct] | None:
        """The type of its rows, if it is a table; otherwise None."""
        args = get_args(self.of)
        if get_origin(self.of) is tuple and args[1:] == (...,) and is_struct(args[0]):
            return args[0]
        return args[1] if get_origin(self.of) is dict and is_struct(args[1]) else None


@cache
def fields(kind: type[Struct]) -> tuple[Field, ...]:
    """The fields of a struct, in order."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple(_field(name, hints[name]) for name in kind.__struct_fields__)


def is_struct(kind: Any) -> bool:
    """Whether it is a struct type."""
    return isinstance(kind, type) and issubclass(kind, Struct)


def _field(name: str, hint: Any) -> Field:
    said = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return Field(
        name,
        _there(get_args(hint)[0] if said else hint),
        next((each for each in said if isinstance(each, Together)), None),
        next((each for each in said if isinstance(each, Exposed)), None),
    )


def _there(kind: Any) -> Any:
    """The type of a table where it is there at all."""
    there = [each for each in get_args(kind) if each is not UnsetType]
    return there[0] if UnsetType in get_args(kind) and len(there) == 1 else kind


def _is_name(kind: Any) -> bool:
    if isinstance(kind, NewType):
        return _is_name(kind.__supertype__)
    if get_origin(kind) in (tuple, Union, UnionType):
        return all(each in (..., NoneType) or _is_name(each) for each in get_args(kind))
    return isinstance(kind, type) and issubclass(kind, str | Enum)
