"""Records of CSV and TSV files, one a row, under the names of the first row.

Law: a row that has not as many fields as the head is one refusal, and the other rows are read. Where a row has no
certain end, reading ends with one refusal: behind a lost quotation mark stand other rows than the file's.
"""

import csv
from collections.abc import Iterator
from itertools import chain

from msgspec.structs import replace

from actors.corpus.files import CorpusFile, narrow_blocks
from actors.corpus.json_text import End, lines
from actors.corpus.records import Item, Text, record_item, refused, wanted_fields
from actors.corpus.texts import undecodable
from schemas.config import Corpus
from schemas.corpus import DocumentRefused, Places, RefusalReason

_SEPARATORS = (",", ";", "\t", "|")
_SHOWN_COLUMNS = 10


class _Broken(Exception):
    """The file cannot be read beyond this point."""

    def __init__(self, reason: RefusalReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def table_items(source: CorpusFile, config: Corpus) -> Iterator[Item]:
    """The records of a table. `.tsv` is separated by tabs; `.csv` by the first of , ; tab | with which the head has a
    column named `text_field`, or the first of `columns`."""
    count = 0
    try:
        rows = _rows(source, config)
        names = next(rows, ([], 0))[0]
        wrong = _wrong_columns(source.uri, names, config)
        if wrong is not None:
            yield wrong
            return
        for row, line in rows:
            yield _item(f"{source.uri}#record={count}", names, (row, line), config)
            count += 1
        if not count:
            yield refused(source.uri, RefusalReason.EMPTY, "the file holds no records but its head")
    except _Broken as broken:
        yield refused(source.uri, broken.reason, f"{broken}; {count:,} records before that were read")


def _wrong_columns(uri: str, names: list[str], config: Corpus) -> DocumentRefused | None:
    if not names:
        return refused(uri, RefusalReason.EMPTY, "the file holds no records")
    for name, key in wanted_fields(config):
        if names.count(name) != 1:
            what = f"{names.count(name)} columns are named '{name}'" if name in names else f"no column '{name}'"
            has = ", ".join(each[:40] for each in names[:_SHOWN_COLUMNS])
            return refused(uri, RefusalReason.BAD_RECORD, f"{what} (corpus.{key}); it has: {has}")
    return None


def _item(uri: str, names: list[str], found: tuple[list[str], int], config: Corpus) -> Item:
    row, line = found
    where = f"line {line}: "
    if len(row) != len(names):
        detail = f"{where}{len(row):,} fields, where the head has {len(names):,}"
        return refused(uri, RefusalReason.BAD_RECORD, detail)
    record = dict(zip(names, row, strict=True))
    if record.get(config.id_field) == "":
        del record[config.id_field]  # a table has no other way to leave an id out
    item = record_item(uri, record, where, config)
    return replace(item, places=Places("line", (0,), (line,))) if isinstance(item, Text) else item


def _rows(source: CorpusFile, config: Corpus) -> Iterator[tuple[list[str], int]]:
    """The fields of each row that is not blank, and the number of its first line."""
    texts = _lines(source, config)
    first = next(texts, None)
    if first is None:
        return
    line, taken = 1, 0

    def of_one_row() -> Iterator[str]:
        nonlocal taken
        for text in chain([first], texts):
            taken += len(text)
            if taken > config.max_document_bytes:
                raise _too_long(line, config)
            yield text

    # of the whole process, and too low for texts; the bound here is `_too_long`
    csv.field_size_limit(max(csv.field_size_limit(), config.max_document_bytes))
    table = csv.reader(of_one_row(), delimiter=_separator(source, first, config), strict=True)
    try:
        for row in table:
            if row:
                yield row, line
            line, taken = table.line_num + 1, 0
    except csv.Error as error:
        raise _Broken(RefusalReason.BAD_RECORD, f"line {line}: {error}") from error


def _too_long(line: int, config: Corpus) -> _Broken:
    most = f"corpus.max_document_bytes ({config.max_document_bytes:,})"
    return _Broken(RefusalReason.TOO_LARGE, f"line {line}: a row longer than {most}")


def _separator(source: CorpusFile, head: str, config: Corpus) -> str:
    if source.suffix == ".tsv":
        return "\t"
    column = wanted_fields(config)[0][0]
    fits = (each for each in _SEPARATORS if column in next(csv.reader([head], delimiter=each), ()))
    return next(fits, ",")


def _lines(source: CorpusFile, config: Corpus) -> Iterator[str]:
    blocks, encoding = narrow_blocks(source, config.encoding)
    for piece in lines(blocks, config.max_document_bytes):
        if isinstance(piece, End):
            if piece.damage is not None:
                raise _Broken(RefusalReason.UNREADABLE, piece.damage)
            return
        if piece.data is None:
            raise _too_long(piece.number, config)
        try:
            text = piece.data.decode(encoding)
        except UnicodeDecodeError as error:
            detail = f"line {piece.number}: {undecodable(error, piece.offset, encoding)}"
            raise _Broken(RefusalReason.UNDECODABLE, detail) from error
        yield (text.removeprefix("\ufeff") if piece.number == 1 else text) + "\n"
