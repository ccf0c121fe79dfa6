"""Reads Thrift's compact protocol, as far as Parquet's footer and page headers need it.

Only requested fields are kept; others are skipped and need no memory. Deeply nested data is malformed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Form = type | Sequence["Form"] | Mapping[int, "Form"]
"""The form of a field: `int`, `bytes`, a list of a form, or a struct with the forms of its requested fields."""
Wanted = Mapping[int, Form]
_DEEPEST = 16
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12
_INTEGERS = (4, 5, 6)
_NONE: Wanted = {}


class MalformedBytes(ValueError):
    """Bytes that are not a struct."""


def read_struct(data: bytes, wanted: Wanted) -> tuple[dict[int, Any], int]:
    """The struct's requested fields by number, and its length in bytes.

    Raises `MalformedBytes`, and IndexError when the bytes end too early.
    """
    return _struct(data, 0, wanted, 0)


def _struct(data: bytes, at: int, wanted: Wanted, depth: int) -> tuple[dict[int, Any], int]:
    if depth > _DEEPEST:
        raise MalformedBytes("nested too deeply")
    fields: dict[int, Any] = {}
    number = 0
    while head := data[at]:
        at += 1
        kind, step = head & 0x0F, head >> 4
        if step:
            number += step
        else:
            number, at = _integer(data, at)
        if kind in (_TRUE, _FALSE):
            value: Any = kind == _TRUE
        else:
            value, at = _value(data, at, kind, wanted.get(number), depth)
        if number in wanted:
            if not _is(value, wanted[number]):
                raise MalformedBytes(f"field {number} is of another kind")
            fields[number] = value
    return fields, at + 1


def _value(data: bytes, at: int, kind: int, wanted: Form | None, depth: int) -> tuple[Any, int]:
    """The value, and where it ends. `wanted`: None for a value that is skipped; a value of another form is skipped
    too."""
    if kind in _INTEGERS:
        return _integer(data, at)
    if kind == _STRUCT:
        return _struct(data, at, wanted if isinstance(wanted, Mapping) else _NONE, depth + 1)
    if kind in (_TRUE, _FALSE, _BYTE):  # in a list a boolean has a byte
        return data[at], at + 1
    if kind == _DOUBLE:
        return None, _within(data, at + 8)
    if kind == _BINARY:
        size, at = _varint(data, at)
        end = _within(data, at + size)
        return None if wanted is None else data[at:end], end
    if kind in (_LIST, _SET):
        head, at = data[at], at + 1
        size, at = _varint(data, at) if head >> 4 == 15 else (head >> 4, at)
        form = wanted[0] if isinstance(wanted, Sequence) else None
        return _list(data, at, (head & 0x0F,), size, form, depth)
    if kind == _MAP:
        size, at = _varint(data, at)
        kinds = (data[at] >> 4, data[at] & 0x0F) if size else ()
        return _list(data, at + bool(size), kinds, size, None, depth)
    raise MalformedBytes(f"a field of kind {kind}")


def _list(
    data: bytes, at: int, kinds: tuple[int, ...], size: int, wanted: Form | None, depth: int
) -> tuple[list[Any] | None, int]:
    if depth > _DEEPEST:
        raise MalformedBytes("nested too deeply")
    kept: list[Any] = []
    for _ in range(size):
        for kind in kinds:
            value, at = _value(data, at, kind, wanted, depth + 1)
            if wanted is not None:
                kept.append(value)
    return kept if wanted is not None else None, at


def _is(value: Any, form: Form) -> bool:
    if isinstance(form, Mapping):
        return isinstance(value, dict)
    if isinstance(form, Sequence):
        return isinstance(value, list) and all(_is(each, form[0]) for each in value)
    return type(value) is form


def _within(data: bytes, at: int) -> int:
    if at > len(data):
        raise IndexError("the bytes end too early")
    return at


def _integer(data: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise MalformedBytes("a number of more than 64 bits")
