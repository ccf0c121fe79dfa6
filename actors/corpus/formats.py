"""What a file holds: one text, or records (JSON lines, Parquet). Bad input is a refusal, never an exception.

Never more than one block of the file and one document (`max_document_bytes`) is held at once: lines are read in blocks
and one that is too long is skipped without being kept; Parquet comes in batches sized by its row groups.
"""

import codecs
import json
import lzma
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from msgspec import Struct

from actors.corpus.sources import COMPRESSIONS, Source, one_line
from schemas.config import Corpus
from schemas.corpus import DocumentRefused, RefusalReason

_BLOCK = 1 << 20
_BATCH_BYTES = 8 << 20
"""A batch of Parquet rows is about this large."""
READING = (OSError, EOFError, zlib.error, lzma.LZMAError)
"""What opening or reading a damaged or missing file raises."""
_MARKS = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


class Text(Struct, frozen=True):
    """A document's text, not yet checked. `id` is None where the format gives none; `where` is for messages."""

    uri: str
    text: str
    id: str | None = None
    where: str = ""
    reference: str | None = None


Item = Text | DocumentRefused


def is_markdown(uri: str) -> bool:
    """Whether a uri names a Markdown file."""
    return _suffix(uri.split("#", 1)[0]) in (".md", ".markdown")


def is_text_encoding(encoding: str) -> bool:
    """Whether Python knows the encoding, and it is one of text."""
    try:
        b"    ".decode(encoding)
    except UnicodeDecodeError:
        return True
    except (LookupError, ValueError):
        return False
    return True


def items(source: Source, config: Corpus) -> Iterator[Item]:
    """What one file holds, in order."""
    read = {".jsonl": _json_lines, ".ndjson": _json_lines, ".parquet": _parquet}.get(_suffix(source.uri), _text)
    try:
        yield from read(source, config)
    except READING as error:
        yield _refused(source.uri, RefusalReason.UNREADABLE, one_line(error))


def _suffix(uri: str) -> str:
    path = PurePosixPath(uri)
    return (PurePosixPath(path.stem) if path.suffix in COMPRESSIONS else path).suffix.lower()


def _refused(uri: str, reason: RefusalReason, detail: str) -> DocumentRefused:
    return DocumentRefused(uri=uri, reason=reason, detail=detail)


def too_large(uri: str, config: Corpus, where: str = "") -> DocumentRefused:
    """The refusal of a document over the bound; `where` says which part of the file."""
    detail = f"{where}larger than corpus.max_document_bytes ({config.max_document_bytes:,})"
    return _refused(uri, RefusalReason.TOO_LARGE, detail)


# One text


def _text(source: Source, config: Corpus) -> Iterator[Item]:
    limit = config.max_document_bytes
    if config.answer_field is not None:
        detail = f"a text, not records with a field '{config.answer_field}' (corpus.answer_field)"
        yield _refused(source.uri, RefusalReason.BAD_RECORD, detail)
        return
    if source.size is not None and source.size > limit and not source.compressed:
        yield too_large(source.uri, config, f"{source.size:,} bytes: ")
        return
    with closing(source.open()) as stream:
        data = _read(stream, limit + 1)
    if len(data) > limit:
        yield too_large(source.uri, config)
    else:
        yield _decoded(source.uri, data, config.encoding)


def _read(stream: BinaryIO, size: int) -> bytes:
    """Up to `size` bytes, as many as there are (a stream may give fewer at a time)."""
    blocks: list[bytes] = []
    while size > 0 and (block := stream.read(min(size, _BLOCK))):
        blocks.append(block)
        size -= len(block)
    return b"".join(blocks)


def _decoded(uri: str, data: bytes, encoding: str) -> Item:
    if not _wide(encoding) and (mark := _mark(data)):
        detail = f"starts with the byte order mark of {mark}, not {encoding}: set corpus.encoding or convert it"
        return _refused(uri, RefusalReason.UNDECODABLE, detail)
    if not _wide(encoding) and (nul := data.find(0)) >= 0:
        return _refused(uri, RefusalReason.NUL_BYTES, f"a NUL byte at byte {nul}: not a text")
    try:
        return Text(uri=uri, text=data.decode(encoding).removeprefix("\ufeff"))
    except UnicodeDecodeError as error:
        return _refused(uri, RefusalReason.UNDECODABLE, _undecodable(error, 0, encoding))
    except ValueError as error:
        return _refused(uri, RefusalReason.UNDECODABLE, f"not {encoding}: {one_line(error)}")


def _wide(encoding: str) -> bool:
    """Whether ASCII characters take more than their one byte, as in UTF-16."""
    return "\n".encode(encoding) != b"\n"


def _mark(data: bytes) -> str | None:
    return next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)


def _undecodable(error: UnicodeDecodeError, offset: int, encoding: str) -> str:
    return f"not {encoding}: byte 0x{error.object[error.start]:02x} at byte {offset + error.start} ({error.reason})"


# JSON lines


class _Line(Struct, frozen=True):
    number: int
    """From 1."""
    offset: int
    data: bytes | None
    """None: too long to be kept."""


def _lines(stream: BinaryIO, limit: int) -> Iterator[_Line]:
    number, offset, start = 1, 0, 0
    kept = bytearray()
    while block := stream.read(_BLOCK):
        pieces = block.split(b"\n")
        for piece in pieces[:-1]:
            offset += len(piece) + 1
            whole = len(kept) + len(piece) <= limit
            yield _Line(number=number, offset=start, data=bytes(kept) + piece if whole else None)
            kept.clear()
            number, start = number + 1, offset
        offset += len(pieces[-1])
        if len(kept) <= limit:
            kept += pieces[-1][: limit + 1]
    if kept:
        yield _Line(number=number, offset=start, data=bytes(kept) if len(kept) <= limit else None)


def _json_lines(source: Source, config: Corpus) -> Iterator[Item]:
    if _wide(config.encoding):
        detail = f"JSON lines cannot be split in {config.encoding}: convert the file to utf-8"
        yield _refused(source.uri, RefusalReason.UNDECODABLE, detail)
        return
    count = 0
    with closing(source.open()) as stream:
        for line in _lines(stream, config.max_document_bytes):
            if line.data is not None and not line.data.strip():
                continue
            yield _json_line(f"{source.uri}#record={count}", line, config)
            count += 1
    if not count:
        yield _refused(source.uri, RefusalReason.EMPTY, "the file holds no records")


def _json_line(uri: str, line: _Line, config: Corpus) -> Item:
    where = f"line {line.number}: "
    if line.data is None:
        return too_large(uri, config, where)
    if (nul := line.data.find(0)) >= 0:
        return _refused(uri, RefusalReason.NUL_BYTES, f"{where}a NUL byte at byte {line.offset + nul}")
    try:
        text = line.data.decode(config.encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        return _refused(uri, RefusalReason.UNDECODABLE, where + _undecodable(error, line.offset, config.encoding))
    except ValueError as error:
        return _refused(uri, RefusalReason.UNDECODABLE, f"{where}not {config.encoding}: {one_line(error)}")
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        return _refused(uri, RefusalReason.BAD_RECORD, f"{where}not a JSON record: {one_line(error)}")
    if not isinstance(record, dict):
        return _refused(uri, RefusalReason.BAD_RECORD, f"{where}a record is an object with fields, not this")
    return _record(uri, record, where, config)


def _record(uri: str, record: dict[str, Any], where: str, config: Corpus) -> Item:
    field = config.text_field
    for wanted, key in ((field, "text_field"), (config.answer_field, "answer_field")):
        if wanted is not None and wanted not in record:
            fields = ", ".join(str(name)[:40] for name in list(record)[:10])
            detail = f"{where}no field '{wanted}' (corpus.{key}); it has: {fields}"
            return _refused(uri, RefusalReason.BAD_RECORD, detail)
    text, name = record[field], record.get(config.id_field)
    if not isinstance(text, str):
        detail = f"{where}field '{field}' is {type(text).__name__}, not text"
        return _refused(uri, RefusalReason.BAD_RECORD, detail)
    if name is not None and (isinstance(name, bool) or not isinstance(name, str | int) or name == ""):
        detail = f"{where}field '{config.id_field}' is {type(name).__name__}, neither text nor a whole number, or empty"
        return _refused(uri, RefusalReason.BAD_RECORD, detail)
    reference = None if config.answer_field is None else _answer(record[config.answer_field])
    if config.answer_field is not None and reference is None:
        detail = f"{where}field '{config.answer_field}' holds no answer: neither a text nor a number"
        return _refused(uri, RefusalReason.BAD_RECORD, detail)
    return Text(uri=uri, text=text, id=None if name is None else str(name), where=where, reference=reference)


def _answer(value: object) -> str | None:
    """A reference answer as text; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value) if str(value).strip() else None


# Parquet


def _parquet(source: Source, config: Corpus) -> Iterator[Item]:
    import pyarrow as pa  # 30 MB; only Parquet corpora need it
    import pyarrow.parquet as pq

    with closing(source.open()) as stream:
        try:
            with pq.ParquetFile(stream, buffer_size=_BLOCK, pre_buffer=False) as file:
                yield from _rows(source.uri, file, config)
        except pa.ArrowException as error:
            yield _refused(source.uri, RefusalReason.UNREADABLE, f"not readable as Parquet: {one_line(error)}")


def _rows(uri: str, file: Any, config: Corpus) -> Iterator[Item]:
    names = list(file.schema_arrow.names)
    for wanted, key in ((config.text_field, "text_field"), (config.answer_field, "answer_field")):
        if wanted is not None and wanted not in names:
            detail = f"no column '{wanted}' (corpus.{key}); it has: {', '.join(names[:10])}"
            yield _refused(uri, RefusalReason.BAD_RECORD, detail)
            return
    if not file.metadata.num_rows:
        yield _refused(uri, RefusalReason.EMPTY, "the file holds no records")
        return
    wanted = (config.text_field, config.id_field, config.answer_field)
    columns = [name for name in wanted if name is not None and name in names]
    count = 0
    for batch in file.iter_batches(batch_size=_batch_rows(file.metadata), columns=columns):
        for index in range(batch.num_rows):
            yield _row(f"{uri}#record={count}", {name: batch.column(name)[index] for name in columns}, count, config)
            count += 1


def _batch_rows(metadata: Any) -> int:
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    row_bytes = max((group.total_byte_size // max(1, group.num_rows) for group in groups), default=1)
    return max(1, min(1024, _BATCH_BYTES // max(1, row_bytes)))


def _row(uri: str, cells: dict[str, Any], index: int, config: Corpus) -> Item:
    where = f"row {index}: "
    try:
        values = {name: cell.as_py() for name, cell in cells.items()}
    except UnicodeDecodeError as error:
        return _refused(uri, RefusalReason.UNDECODABLE, where + _undecodable(error, 0, "utf-8"))
    text = values[config.text_field]
    if isinstance(text, bytes):
        if len(text) > config.max_document_bytes:
            return too_large(uri, config, where)
        decoded = _decoded(uri, text, config.encoding)
        if isinstance(decoded, DocumentRefused):
            return decoded
        values[config.text_field] = decoded.text
    return _record(uri, values, where, config)
