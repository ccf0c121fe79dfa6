"""Reads Thrift's compact protocol, as far as Parquet's footer and page headers need it.

Only requested fields are kept; others are walked over, with an end for a result, and need no memory. Deeply nested data
is malformed. Every struct ends with a byte of its own, so whatever claims to be longer than the data meets an
IndexError there at the latest.
"""

from collections.abc import Mapping
from typing import Any

Form = type | list["Form"] | Mapping[int, "Form"]
"""The form of a field: `int`, `bytes`, a list of a form, or a struct with the forms of its requested fields."""
Wanted = Mapping[int, Form]
_DEEPEST = 16
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12
_INTEGERS = (4, 5, 6)
_BOOLEANS = (_TRUE, _FALSE)
"""As a field, one is all in its head; in a list it has a byte."""


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
        kind = head & 0x0F
        if head > 0x0F:
            number += head >> 4
        else:
            number, at = _integer(data, at)
        if number in wanted:
            fields[number], at = _value(data, at, kind, wanted[number], depth)
        elif kind not in _BOOLEANS:
            at = _end(data, at, kind, depth)
    return fields, at + 1


def _value(data: bytes, at: int, kind: int, form: Form, depth: int) -> tuple[Any, int]:
    """The value, and where it ends. Raises `MalformedBytes` when it is of another form."""
    if form is int:
        if kind in _INTEGERS:
            return _integer(data, at)
        if kind == _BYTE:
            return data[at], at + 1
    elif form is bytes:
        if kind == _BINARY:
            size, at = _varint(data, at)
            return data[at : at + size], at + size
    elif isinstance(form, list):
        if kind in (_LIST, _SET):
            return _list(data, at, form[0], depth)
    elif kind == _STRUCT and not isinstance(form, type):
        return _struct(data, at, form, depth + 1)
    raise MalformedBytes(f"a field is of another kind: {kind}")


def _list(data: bytes, at: int, form: Form, depth: int) -> tuple[list[Any], int]:
    if depth > _DEEPEST:
        raise MalformedBytes("nested too deeply")
    kind, size, at = _list_head(data, at)
    kept: list[Any] = []
    for _ in range(size):
        value, at = _value(data, at, kind, form, depth + 1)
        kept.append(value)
    return kept, at


def _end(data: bytes, at: int, kind: int, depth: int) -> int:
    """Where the value that begins here ends."""
    if kind == _STRUCT:
        return _end_of_struct(data, at, depth + 1)
    if kind in _INTEGERS:
        while data[at] > 0x7F:
            at += 1
        return at + 1
    if kind == _BYTE or kind in _BOOLEANS:
        return at + 1
    if kind == _DOUBLE:
        return at + 8
    if kind == _BINARY:
        size, at = _varint(data, at)
        return at + size
    if kind in (_LIST, _SET):
        kind, size, at = _list_head(data, at)
        return _end_of_list(data, at, (kind,), size, depth)
    if kind == _MAP:
        size, at = _varint(data, at)
        kinds = (data[at] >> 4, data[at] & 0x0F) if size else ()
        return _end_of_list(data, at + bool(size), kinds, size, depth)
    raise MalformedBytes(f"a field of kind {kind}")


def _end_of_struct(data: bytes, at: int, depth: int) -> int:
    if depth > _DEEPEST:
        raise MalformedBytes("nested too deeply")
    while head := data[at]:
        kind = head & 0x0F
        at = at + 1 if head > 0x0F else _varint(data, at + 1)[1]
        if kind in _INTEGERS:  # as in `_end`: most fields are numbers
            while data[at] > 0x7F:
                at += 1
            at += 1
        elif kind not in _BOOLEANS:
            at = _end(data, at, kind, depth)
    return at + 1


def _end_of_list(data: bytes, at: int, kinds: tuple[int, ...], size: int, depth: int) -> int:
    if depth > _DEEPEST:
        raise MalformedBytes("nested too deeply")
    for _ in range(size):
        for kind in kinds:
            at = _end(data, at, kind, depth + 1)
        if at > len(data):  # a size that is a lie takes no longer than the data
            raise IndexError("the bytes end too early")
    return at


def _list_head(data: bytes, at: int) -> tuple[int, int, int]:
    """The kind of a list's values, their number, and where they begin."""
    head, at = data[at], at + 1
    size, at = _varint(data, at) if head >> 4 == 15 else (head >> 4, at)
    return head & 0x0F, size, at


def _integer(data: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = data[at]
    at += 1
    if value < 0x80:
        return value, at
    value &= 0x7F
    for shift in range(7, 64, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise MalformedBytes("a number of more than 64 bits")
