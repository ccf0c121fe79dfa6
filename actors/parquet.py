"""Parquet of anybody's read within a bound. Law: no page is unpacked and no batch decoded that may take more memory
than `limit` bytes each; where a row group would, `TooMuchMemory` says so before any of it is read.

A small file can hold huge values: one stored once and used by every row, one that repeats how the last began, one that
compresses well. Nothing but the header of each page says what Arrow will allocate (the file's own sums may lie), so the
headers are read first. Only columns without repetition are read (no lists).
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, BinaryIO

from msgspec import Struct

from actors.thrift import MAX_HEADER, Malformed, read_struct

_MOST_ROWS = 1024
"""Rows of a batch; more save nothing."""
_MOST_PAGES = 100_000
_FOOTER_BYTES = 16 << 20
_TAIL = 8
_PLAIN_DICTIONARY, _DELTA_BYTE_ARRAY, _RLE_DICTIONARY = 2, 7, 8
_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3
"""Encodings and kinds of pages by their numbers in the format's definition (parquet.thrift)."""


class TooMuchMemory(Exception):
    """A file, or a part of one, that cannot be read within the bound; the text says what and how large."""


class _Page(Struct, frozen=True):
    rows: int
    bytes: int
    """Of its own values."""


class _Column(Struct, frozen=True):
    pages: tuple[_Page, ...]
    shared: int
    """The most bytes that a single value may take that is not stored for it alone."""


def open_parquet(stream: BinaryIO) -> Any:
    """A `pyarrow.parquet.ParquetFile`. Raises `TooMuchMemory` for a footer that is too large, or what Arrow raises."""
    import pyarrow.parquet as pq  # 30 MB; only Parquet needs it

    size = stream.seek(0, 2)
    if size >= _TAIL:
        stream.seek(size - _TAIL)
        footer = int.from_bytes(stream.read(4), "little")
        if _FOOTER_BYTES < footer <= size:
            raise TooMuchMemory(f"its footer has {footer:,} bytes; at most {_FOOTER_BYTES:,} are read")
    stream.seek(0)
    return pq.ParquetFile(stream, buffer_size=1 << 20, pre_buffer=False)


def batches(file: Any, stream: BinaryIO, group: int, columns: Sequence[str], limit: int) -> Iterator[Any]:
    """The record batches of a row group, with these columns of the top. Raises `TooMuchMemory`, or what Arrow does."""
    metadata = file.metadata.row_group(group)
    chunks = [metadata.column(index) for index in range(metadata.num_columns)]
    wanted = [chunk for chunk in chunks if chunk.path_in_schema.split(".")[0] in columns]
    rows = _batch_rows([_column(chunk, stream, limit) for chunk in wanted], limit)
    yield from file.iter_batches(batch_size=rows, row_groups=[group], columns=list(columns), use_threads=False)


def _column(chunk: Any, stream: BinaryIO, limit: int) -> _Column:
    """Reads the header of each page. Raises `TooMuchMemory`."""
    start = chunk.data_page_offset
    if chunk.has_dictionary_page and chunk.dictionary_page_offset:
        start = min(start, chunk.dictionary_page_offset)
    at, end, values = start, start + chunk.total_compressed_size, 0
    pages: list[_Page] = []
    dictionary = shared = 0
    while at < end and values < chunk.num_values:
        header, at = _header(stream, at)
        kind, unpacked, stored = (header.get(field, 0) for field in (1, 2, 3))
        if not 0 <= stored <= limit or not 0 <= unpacked <= limit:
            raise TooMuchMemory(
                f"a page of column '{chunk.path_in_schema}' has {unpacked:,} bytes unpacked; at most {limit:,} are "
                "read (write smaller pages or row groups, or raise corpus.max_document_bytes)"
            )
        if len(pages) >= _MOST_PAGES:
            raise TooMuchMemory(f"column '{chunk.path_in_schema}' has more than {_MOST_PAGES:,} pages in a row group")
        at += stored
        if kind == _DICTIONARY:
            dictionary = max(dictionary, unpacked)
            if 16 * header.get(7, {}).get(1, 0) > limit:
                raise TooMuchMemory(f"the dictionary of column '{chunk.path_in_schema}' names too many values")
        elif kind in (_DATA, _DATA_V2):
            page = header.get(5 if kind == _DATA else 8, {})
            rows, encoding = page.get(1, 0), page.get(2 if kind == _DATA else 4, 0)
            values += max(0, rows)
            by_dictionary = encoding in (_PLAIN_DICTIONARY, _RLE_DICTIONARY)
            shared = max(shared, dictionary if by_dictionary else unpacked if encoding == _DELTA_BYTE_ARRAY else 0)
            pages.append(_Page(max(0, rows), 0 if by_dictionary else unpacked))
    return _Column(tuple(pages), shared)


def _header(stream: BinaryIO, at: int) -> tuple[dict[int, Any], int]:
    """The page header at this place, and where its page begins. Raises OSError for bytes that are none."""
    size = 256
    while True:
        stream.seek(at)
        data = stream.read(size)
        try:
            header, length = read_struct(data)
            return header, at + length
        except Malformed as error:
            raise OSError(f"no page header at byte {at}: {error}") from error
        except IndexError:
            if len(data) < size or size >= MAX_HEADER:
                raise OSError(f"the page header at byte {at} has no end") from None
            size *= 16


def _batch_rows(columns: Sequence[_Column], limit: int) -> int:
    """The most rows that surely decode to `limit` bytes or less, columns together; 1 at least."""
    rows = _MOST_ROWS
    while rows > 1 and sum(_most_bytes(column, rows) for column in columns) > limit // 2:
        rows //= 2
    return rows


def _most_bytes(column: _Column, rows: int) -> int:
    """What so many rows in a row may take: each shared value once a row, and all pages that they touch."""
    before = list(accumulate((page.rows for page in column.pages), initial=0))
    most = window = first = 0
    for last, page in enumerate(column.pages):
        window += page.bytes
        while first < last and before[last] - before[first + 1] > rows - 2:
            window -= column.pages[first].bytes
            first += 1
        most = max(most, window)
    return most + rows * column.shared
