"""Records of Parquet files, one a row. Law: memory stays in the bound of `actors.text.parquet`, whatever the file says.

A row group that cannot be read does not end the file: the others are read, and all damage is one refusal.
"""

from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from typing import Any, BinaryIO

from actors.corpus.files import CorpusFile, Damage, blocks
from actors.corpus.foreign import error_line, one_line
from actors.corpus.records import Item, record_item, refused, too_large, wanted_fields
from actors.corpus.texts import decoded, undecodable
from actors.text.parquet import ParquetRows, TooMuchMemory
from schemas.config import Corpus
from schemas.corpus import DocumentRefused, RefusalReason

_PAGE_BYTES = 128 << 20
_DOCUMENTS = 8
"""A page may be 128 MiB, or so many documents of the greatest size if that is more: writers check a page's size only
every thousand values."""
_NOTED = 3


def parquet_items(source: CorpusFile, config: Corpus) -> Iterator[Item]:
    """The rows of a Parquet file."""
    limit = max(_PAGE_BYTES, _DOCUMENTS * config.max_document_bytes)
    opened = _unpacked(source, limit) if source.compressed else source.open()
    if isinstance(opened, DocumentRefused):
        yield opened
        return
    with closing(opened) as stream:
        try:
            file = ParquetRows(stream, limit)
        except Exception as error:  # noqa: BLE001 - any file's error; `error_line` logs unknown ones
            yield _unreadable(source.uri, error)
            return
        with closing(file):
            wrong = _wrong_columns(source.uri, file, config)
            if wrong is not None:
                yield wrong
            else:
                yield from _Rows(source.uri, file, config).items()


def _unpacked(source: CorpusFile, limit: int) -> BinaryIO | DocumentRefused:
    """Unpacks a Parquet file inside another compression, if it is small: Parquet is read from its end."""
    data = bytearray()
    for block in blocks(source):
        if isinstance(block, Damage):
            return refused(source.uri, RefusalReason.UNREADABLE, block.why)
        data += block
        if len(data) > limit:
            detail = f"Parquet of more than {limit:,} bytes inside another compression: unpack it"
            return refused(source.uri, RefusalReason.TOO_LARGE, detail)
    return BytesIO(data)


def _unreadable(uri: str, error: Exception) -> DocumentRefused:
    if isinstance(error, TooMuchMemory):
        return refused(uri, RefusalReason.TOO_LARGE, str(error))
    return refused(uri, RefusalReason.UNREADABLE, f"not readable as Parquet: {error_line(error, uri)}")


def _wrong_columns(uri: str, file: ParquetRows, config: Corpus) -> DocumentRefused | None:
    schema = file.schema
    names = list(schema.names)
    for name, key in (*wanted_fields(config), (config.id_field, "id_field")):
        if name not in names and key == "id_field":
            continue
        if name not in names:
            has = ", ".join(names[:10])
            return refused(uri, RefusalReason.BAD_RECORD, f"no column '{name}' (corpus.{key}); it has: {has}")
        if names.count(name) > 1:
            detail = f"{names.count(name)} columns are named '{name}' (corpus.{key})"
            return refused(uri, RefusalReason.BAD_RECORD, detail)
        kind = schema.field(name).type
        if kind.num_fields:
            detail = f"column '{name}' (corpus.{key}) is {str(kind)[:60]}, not single values"
            return refused(uri, RefusalReason.BAD_RECORD, detail)
    if not sum(file.group_rows):
        return refused(uri, RefusalReason.EMPTY, "the file holds no records")
    return None


class _Rows:
    """The rows of one file."""

    def __init__(self, uri: str, file: ParquetRows, config: Corpus) -> None:
        self._uri = uri
        self._file = file
        self._config = config
        wanted = (*(name for name, _ in wanted_fields(config)), config.id_field)
        names = set(file.schema.names)
        self._columns = list(dict.fromkeys(name for name in wanted if name in names))

    def items(self) -> Iterator[Item]:
        """The rows of all readable row groups, then one refusal for the others."""
        first, lost, reason = 0, list[str](), RefusalReason.UNREADABLE
        read = 0
        for group, rows in enumerate(self._file.group_rows):
            row = first
            try:
                for batch in self._file.batches(group, self._columns):
                    for index in range(batch.num_rows):
                        yield self._item({name: batch.column(name)[index] for name in self._columns}, row)
                        row += 1
            except Exception as error:  # noqa: BLE001 - any file's error; `error_line` logs unknown ones
                reason = RefusalReason.TOO_LARGE if isinstance(error, TooMuchMemory) else reason
                why = str(error) if isinstance(error, TooMuchMemory) else error_line(error, self._uri)
                lost.append(f"row group {group} from row {row:,} on: {why}")
            read += row - first
            first += rows
        if lost:
            more = f"; and {len(lost) - _NOTED} more row groups" if len(lost) > _NOTED else ""
            detail = f"not readable as Parquet: {'; '.join(lost[:_NOTED])}{more}; {read:,} rows were read"
            yield refused(self._uri, reason, detail)

    def _item(self, cells: dict[str, Any], index: int) -> Item:
        uri, where = f"{self._uri}#record={index}", f"row {index}: "
        values: dict[str, Any] = {}
        for name, cell in cells.items():
            try:
                values[name] = _value(cell)
            except UnicodeDecodeError as error:
                return refused(uri, RefusalReason.UNDECODABLE, where + undecodable(error, 0, "utf-8"))
            except Exception as error:  # noqa: BLE001 - some values do not fit into Python types
                detail = f"{where}column '{name}' is {cell.type}: {type(error).__name__}: {one_line(error)}"
                return refused(uri, RefusalReason.BAD_RECORD, detail)
        text = values.get(self._config.text_field) if self._config.columns is None else None
        if isinstance(text, bytes):
            if len(text) > self._config.max_document_bytes:
                return too_large(uri, self._config, where)
            item = decoded(uri, text, self._config.encoding)
            if isinstance(item, DocumentRefused):
                return item
            values[self._config.text_field] = item.text
        return record_item(uri, values, where, self._config)


def _value(cell: Any) -> Any:
    """A cell as a Python value. A float of 16 or 32 bits becomes the number that its shortest decimal form names."""
    import pyarrow as pa

    value = cell.as_py()
    if value is not None and (pa.types.is_float32(cell.type) or pa.types.is_float16(cell.type)):
        import numpy as np

        return float(str(np.float32(value) if pa.types.is_float32(cell.type) else np.float16(value)))
    return value
