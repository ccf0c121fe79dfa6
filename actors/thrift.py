"""The compact protocol of Thrift, as far as page headers of Parquet need it: structs of numbers and structs.

Texts, lists and maps are stepped over. Bounded: what is nested deeply or longer than `MAX_HEADER` is malformed.
"""

from typing import Any

MAX_HEADER = 16 << 20
"""Bytes: as Arrow has it."""
_DEEPEST = 8
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12
_INTEGERS = (4, 5, 6)


class Malformed(ValueError):
    """Bytes that are no struct."""


def read_struct(data: bytes) -> tuple[dict[int, Any], int]:
    """Its fields by number (integers, booleans and structs only) and its length in bytes.

    Raises `Malformed`, and IndexError where the bytes end too early.
    """
    return _struct(data, 0, 0)


def _struct(data: bytes, at: int, depth: int) -> tuple[dict[int, Any], int]:
    if depth > _DEEPEST:
        raise Malformed("nested too deeply")
    fields: dict[int, Any] = {}
    number = 0
    while head := data[at]:
        at += 1
        kind, step = head & 0x0F, head >> 4
        if step:
            number += step
        else:
            number, at = _integer(data, at)
        value, at = (kind == _TRUE, at) if kind in (_TRUE, _FALSE) else _value(data, at, kind, depth)
        if value is not None:
            fields[number] = value
    return fields, at + 1


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    """None for what is stepped over."""
    if kind in _INTEGERS:
        return _integer(data, at)
    if kind == _STRUCT:
        return _struct(data, at, depth + 1)
    if kind in (_TRUE, _FALSE, _BYTE):  # in a list a boolean has a byte
        return None, _within(at + 1)
    if kind == _DOUBLE:
        return None, _within(at + 8)
    if kind == _BINARY:
        size, at = _varint(data, at)
        return None, _within(at + size)
    if kind in (_LIST, _SET):
        head, at = data[at], at + 1
        size, at = _varint(data, at) if head >> 4 == 15 else (head >> 4, at)
        return None, _skip(data, at, (head & 0x0F,), size, depth)
    if kind == _MAP:
        size, at = _varint(data, at)
        kinds = (data[at] >> 4, data[at] & 0x0F) if size else ()
        return None, _skip(data, at + bool(size), kinds, size, depth)
    raise Malformed(f"a field of kind {kind}")


def _skip(data: bytes, at: int, kinds: tuple[int, ...], size: int, depth: int) -> int:
    if depth > _DEEPEST:
        raise Malformed("nested too deeply")
    for _ in range(size):
        for kind in kinds:
            _, at = _value(data, at, kind, depth + 1)
            if at > len(data):
                raise IndexError
    return at


def _within(at: int) -> int:
    if at > MAX_HEADER:
        raise Malformed("too long")
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
            raise Malformed("a number of more than 64 bits")
