"""Reads any Parquet file within a memory bound. Law: no page is unpacked and no batch decoded that may need more than
`limit` bytes. If a row group would, `TooMuchMemory` is raised before any of it is read.

A small file can hold huge values: one that is stored once and used by every row, one that repeats the beginning of the
last, or one that compresses well. Only each page's header says what Arrow will allocate (the file's own sums may be
wrong), so the headers are read first. Footer and headers are read by our own code, because a damaged or encrypted
footer can make Arrow end the process. Columns with repetition (lists) are not counted correctly: call `check_lists`
first.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate
from typing import Any, BinaryIO

from msgspec import Struct

from actors.text.thrift import MalformedBytes, Wanted, read_struct

_MOST_ROWS = 1024
"""Rows of a batch. More rows would save nothing."""
_MOST_PAGES = 100_000
_FOOTER_BYTES = 16 << 20
_HEADER_BYTES = 16 << 20
_TAIL = 8
_METADATA: Wanted = {5: [{1: bytes, 2: bytes}], 8: {}}
"""The file's own keys and values; the encryption's name."""
_COLUMN: Wanted = {3: [bytes], 5: int, 7: int, 9: int, 11: int}
_FOOTER: Wanted = {3: int, 4: [{1: [{3: _COLUMN, 8: {}, 9: bytes}], 3: int}], 8: {}}
"""Rows; row groups with their column chunks and rows; the encryption's name."""
_PAGE_HEADER: Wanted = {1: int, 2: int, 3: int, 5: {1: int, 2: int}, 7: {1: int}, 8: {1: int, 4: int}}
"""Kind, bytes unpacked and stored; values and encoding of a page, by kind."""
_PLAIN_DICTIONARY, _DELTA_BYTE_ARRAY, _RLE_DICTIONARY = 2, 7, 8
_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3
"""Fields, encodings and kinds of pages by their numbers in the format's definition (parquet.thrift)."""


class TooMuchMemory(Exception):
    """A file, or a part of one, cannot be read within the bound. The text says what is too large, and how large."""


class _Page(Struct, frozen=True):
    rows: int
    bytes: int
    """The size of its own values."""


class _Column(Struct, frozen=True):
    pages: tuple[_Page, ...]
    shared: int
    """The largest size of a single value that several rows may share."""


class ParquetRows:
    """The rows of one Parquet file, by row group. The owner closes it."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        """Raises `TooMuchMemory` for too large a footer, and OSError (or Arrow's error) when it is not Parquet."""
        import pyarrow.parquet as pq  # 30 MB; only Parquet needs it

        self._stream = stream
        self._limit = limit
        footer = _footer(stream)
        groups = footer.get(4) or []
        self._columns: list[list[dict[int, Any]]] = [_columns(group) for group in groups]
        self.group_rows: list[int] = [max(0, group.get(3, 0)) for group in groups]
        """The number of rows in each row group."""
        stream.seek(0)
        self._file = pq.ParquetFile(stream, buffer_size=1 << 20, pre_buffer=False)
        self.schema = self._file.schema_arrow

    def batches(self, group: int, columns: Collection[str]) -> Iterator[Any]:
        """The record batches of a row group, with these top-level columns. Raises `TooMuchMemory`, or Arrow's
        errors."""
        names = [name.encode() for name in columns]
        wanted = [chunk for chunk in self._columns[group] if (chunk.get(3) or [b""])[0] in names]
        found = [_column(chunk, self._stream, self._limit) for chunk in wanted]
        rows = _batch_rows(found, self._limit)
        yield from self._file.iter_batches(rows, row_groups=[group], columns=list(columns), use_threads=False)

    def check_lists(self, group: int, limit: int) -> None:
        """Raises `TooMuchMemory` when a row group with its lists may need more than `limit` bytes. Call it before lists
        are read: `batches` does not count them correctly."""
        found = [_column(chunk, self._stream, self._limit) for chunk in self._columns[group]]
        most = sum(_most_bytes(column, sum(page.rows for page in column.pages)) for column in found)
        if most > limit:
            raise TooMuchMemory(f"a row group may take {most:,} bytes unpacked; at most {limit:,} are read")

    def close(self) -> None:
        self._file.close()


def file_metadata(stream: BinaryIO) -> dict[str, str]:
    """The metadata that the file's writer added, by key. Raises `TooMuchMemory` for too large a footer, and OSError
    when it is not Parquet."""
    pairs = _footer(stream, _METADATA).get(5) or []
    return {_text(pair.get(1)): _text(pair.get(2)) for pair in pairs}


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else ""


def _footer(stream: BinaryIO, wanted: Wanted = _FOOTER) -> dict[int, Any]:
    size = stream.seek(0, 2)
    stream.seek(max(0, size - _TAIL))
    tail = stream.read(_TAIL)
    if tail[4:] == b"PARE":
        raise OSError("it is encrypted")
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != b"PAR1" or length > size - _TAIL:
        raise OSError("it does not end as Parquet does: cut off, or another format")
    if length > _FOOTER_BYTES:
        raise TooMuchMemory(f"its footer has {length:,} bytes; at most {_FOOTER_BYTES:,} are read")
    stream.seek(size - _TAIL - length)
    try:
        footer, _ = read_struct(stream.read(length), wanted)
    except (MalformedBytes, IndexError) as error:
        raise OSError(f"its footer is damaged: {error}") from error
    if 8 in footer:
        raise OSError("its columns are encrypted")
    return footer


def _columns(group: dict[int, Any]) -> list[dict[int, Any]]:
    """The metadata of a row group's column chunks. Raises OSError when it is missing or encrypted."""
    chunks = [chunk.get(3) for chunk in group.get(1) or []]
    if any(8 in chunk or 9 in chunk for chunk in group.get(1) or []) or None in chunks:
        raise OSError("its columns are encrypted, or its footer is damaged")
    return chunks


def _column(chunk: dict[int, Any], stream: BinaryIO, limit: int) -> _Column:
    """Reads the header of each page of a column chunk. Raises `TooMuchMemory`."""
    name = ".".join(part.decode(errors="replace") for part in chunk.get(3) or [])
    at = min(filter(None, (chunk.get(9), chunk.get(11))), default=0)
    end, values = at + chunk.get(7, 0), 0
    pages: list[_Page] = []
    dictionary = shared = 0
    while at < end and values < chunk.get(5, 0):
        header, at = _header(stream, at)
        kind, unpacked, stored = (header.get(field, 0) for field in (1, 2, 3))
        if not 0 <= stored <= limit or not 0 <= unpacked <= limit:
            raise TooMuchMemory(
                f"a page of column '{name}' has {unpacked:,} bytes unpacked; at most {limit:,} are read "
                "(write smaller pages or row groups, or raise corpus.max_document_bytes)"
            )
        if len(pages) >= _MOST_PAGES:
            raise TooMuchMemory(f"column '{name}' has more than {_MOST_PAGES:,} pages in a row group")
        at += stored
        if kind == _DICTIONARY:
            dictionary = max(dictionary, unpacked)
            if 16 * header.get(7, {}).get(1, 0) > limit:
                raise TooMuchMemory(f"the dictionary of column '{name}' names too many values")
        elif kind in (_DATA, _DATA_V2):
            page = header.get(5 if kind == _DATA else 8, {})
            rows, encoding = max(0, page.get(1, 0)), page.get(2 if kind == _DATA else 4, 0)
            values += rows
            by_dictionary = encoding in (_PLAIN_DICTIONARY, _RLE_DICTIONARY)
            shared = max(shared, dictionary if by_dictionary else unpacked if encoding == _DELTA_BYTE_ARRAY else 0)
            pages.append(_Page(rows, 0 if by_dictionary else unpacked))
    return _Column(tuple(pages), shared)


def _header(stream: BinaryIO, at: int) -> tuple[dict[int, Any], int]:
    """The page header at this position, and where its page begins. Raises OSError when there is no header."""
    size = 256
    while True:
        stream.seek(at)
        data = stream.read(size)
        try:
            header, length = read_struct(data, _PAGE_HEADER)
            return header, at + length
        except MalformedBytes as error:
            raise OSError(f"no page header at byte {at}: {error}") from error
        except IndexError:
            if len(data) < size or size >= _HEADER_BYTES:
                raise OSError(f"the page header at byte {at} has no end") from None
            size *= 16


def _batch_rows(columns: Sequence[_Column], limit: int) -> int:
    """The most rows that surely decode to at most half of `limit`, all columns together; at least 1."""
    rows = _MOST_ROWS
    while rows > 1 and sum(_most_bytes(column, rows) for column in columns) > limit // 2:
        rows //= 2
    return rows


def _most_bytes(column: _Column, rows: int) -> int:
    """The most bytes that so many rows in a row may need: each shared value once a row, and all pages they touch."""
    before = list(accumulate((page.rows for page in column.pages), initial=0))
    most = window = first = 0
    for last, page in enumerate(column.pages):
        window += page.bytes
        while first < last and before[last] - before[first + 1] > rows - 2:
            window -= column.pages[first].bytes
            first += 1
        most = max(most, window)
    return most + rows * column.shared
