"""Cuts JSON into records without reading the whole file: lines, an array's elements, or values one after another.

Law: at most one block and one record of at most `limit` bytes are in memory; a longer record is skipped. This is our
own scanner because parsers that build values (ijson) keep values of any length. The `json` module reads the records.
"""

import re
from collections.abc import Iterator

from msgspec import Struct

from actors.corpus.files import Damage

_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_STRUCTURE = re.compile(rb'["\[\]{},]')
_BLANK = b" \t\r\n"


class Piece(Struct, frozen=True):
    """The bytes of one record."""

    number: int
    """The line's or element's number, from 1."""
    offset: int
    data: bytes | None
    """None: the record is too long to be kept."""


class End(Struct, frozen=True):
    """The end of the records. `rest`: a last record without an end. `damage`: why reading stopped early; None if it did
    not."""

    rest: Piece | None
    damage: str | None


class _Kept:
    """The record that is being read."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._data = bytearray()
        self.number, self._start, self._length = 1, 0, 0

    def add(self, data: bytes) -> None:
        self._length += len(data)
        if len(self._data) <= self._limit:
            self._data += data[: self._limit + 1]

    def cut(self, skip: int) -> Piece:
        """The record so far. The next record begins `skip` bytes after it."""
        whole = len(self._data) <= self._limit
        piece = Piece(self.number, self._start, bytes(self._data) if whole else None)
        self._data.clear()
        self.number, self._start, self._length = self.number + 1, self._start + self._length + skip, 0
        return piece

    def skip(self, size: int) -> None:
        """Moves the record's beginning forward by so many bytes."""
        self._start += size

    @property
    def blank(self) -> bool:
        return not self._data.strip(_BLANK)


def lines(blocks: Iterator[bytes | Damage], limit: int) -> Iterator[Piece | End]:
    """Every line, then the end."""
    kept = _Kept(limit)
    for block in blocks:
        if isinstance(block, Damage):
            yield End(None if kept.blank else kept.cut(0), block.why)
            return
        *ended, rest = block.split(b"\n")
        for piece in ended:
            kept.add(piece)
            yield kept.cut(1)
        kept.add(rest)
    if not kept.blank:
        yield kept.cut(0)
    yield End(None, None)


def values(blocks: Iterator[bytes | Damage], limit: int) -> Iterator[Piece | End]:
    """The elements of an array, or values one after another; then the end."""
    scan = _Scan(limit)
    for block in blocks:
        if isinstance(block, Damage):
            yield scan.end(block.why)
            return
        yield from scan.feed(block)
    yield scan.end(None)


class _Scan:
    """Finds the end of each record: at a comma of the outermost array, or where a value outside an array closes."""

    def __init__(self, limit: int) -> None:
        self._kept = _Kept(limit)
        self._top: bytes | None = None
        """The first character: `[` for an array."""
        self._depth = 0
        self._string = self._escape = self._closed = False

    def feed(self, block: bytes) -> Iterator[Piece]:
        at = start = 0 if self._top is not None else self._begin(block)
        while at < len(block) and not self._closed:
            if self._string:
                at = self._in_string(block, at)
                continue
            found = _STRUCTURE.search(block, at)
            if found is None:
                break
            at = found.end()
            ended = self._structure(found[0])
            if ended is not None:
                self._kept.add(block[start : at - ended])
                start = at
                if not (self._closed and self._kept.blank):
                    yield self._kept.cut(ended)
        self._kept.add(block[start:])

    def end(self, damage: str | None) -> End:
        """What follows the last record."""
        rest = None if self._kept.blank else self._kept.cut(0)
        if damage is None and self._top == b"[" and not self._closed:
            damage = "the array is not closed: the file was cut off"
        elif damage is None and self._closed and rest is not None:
            return End(None, "there is text after the end of the array")
        return End(rest, damage)

    def _begin(self, block: bytes) -> int:
        """The position of the first record in this block."""
        text = block.removeprefix(b"\xef\xbb\xbf").lstrip(_BLANK)
        at = len(block) - len(text)
        self._top = text[:1] or None
        if self._top == b"[":
            self._depth, at = 1, at + 1
        self._kept.skip(at)
        return at

    def _in_string(self, block: bytes, at: int) -> int:
        if self._escape:
            self._escape = False
            return at + 1
        found = _STRING.match(block, at)
        at = len(block) if found is None else found.end()
        if at < len(block):
            self._string, self._escape = block[at : at + 1] != b'"', block[at : at + 1] == b"\\"
            at += 1
        return at

    def _structure(self, character: bytes) -> int | None:
        """None inside a record. Else a record ends: how many bytes of the character do not belong to it."""
        if character == b'"':
            self._string = True
        elif character in b"[{":
            self._depth += 1
        elif character in b"]}":
            self._depth -= 1
            if self._top == b"[" and self._depth == 0:
                self._closed = True
                return 1
            if self._top != b"[" and self._depth <= 0:
                self._depth = 0
                return 0
        elif character == b"," and self._top == b"[" and self._depth == 1:
            return 1
        return None
