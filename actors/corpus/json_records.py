"""Records of JSON files: one a line (`.jsonl`, `.ndjson`), or in a `.json` file: an array, one object, or objects one
after another.

Law: an unusable record is one refusal, and the other records are read. In a damaged file all records before the damage
are read, and the damage is one refusal.
"""

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

from actors.corpus.files import CorpusFile, Damage, narrow_blocks
from actors.corpus.foreign import one_line
from actors.corpus.json_text import End, Piece, lines, values
from actors.corpus.records import Item, record_item, refused, too_large
from actors.corpus.texts import undecodable
from schemas.config import Corpus
from schemas.corpus import RefusalReason


def json_line_items(source: CorpusFile, config: Corpus) -> Iterator[Item]:
    """The records of a file of JSON lines."""
    blocks, encoding = narrow_blocks(source, config.encoding)
    return _Records(source.uri, "line", encoding, config).items(lines(blocks, config.max_document_bytes))


def json_items(source: CorpusFile, config: Corpus) -> Iterator[Item]:
    """The records of a `.json` file. Many hold one object a line; these are read as lines, so a bad line ends
    nothing."""
    stored, encoding = narrow_blocks(source, config.encoding)
    head, blocks = _first_line(stored, config.max_document_bytes)
    if _is_object(head):
        pieces, what = lines(blocks, config.max_document_bytes), "line"
    else:
        pieces, what = values(blocks, config.max_document_bytes), "element"
    return _Records(source.uri, what, encoding, config).items(pieces)


def _first_line(stored: Iterator[bytes | Damage], limit: int) -> tuple[bytes, Iterator[bytes | Damage]]:
    """The first line that is not blank, cut at the longest record's length, and all blocks from the start."""
    seen: list[bytes | Damage] = []
    head = b""
    for block in stored:
        seen.append(block)
        if isinstance(block, Damage):
            break
        head = (head + block).lstrip(b"\xef\xbb\xbf \t\r\n")
        if b"\n" in head or len(head) > limit or head[:1] == b"[":
            break
    return head.partition(b"\n")[0], chain(seen, stored)


def _is_object(data: bytes) -> bool:
    return isinstance(_try_json(data), dict)


def _try_json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


class _Records:
    """The records of one file, named by their place in it."""

    def __init__(self, uri: str, what: str, encoding: str, config: Corpus) -> None:
        self._uri = uri
        self._what = what
        self._encoding = encoding
        self._config = config

    def items(self, pieces: Iterator[Piece | End]) -> Iterator[Item]:
        count = 0
        for piece in pieces:
            match piece:
                case Piece() if piece.data is None or piece.data.strip():
                    yield self._item(count, piece)
                    count += 1
                case End(rest, damage):
                    if rest is not None and (damage is None or _is_object(rest.data or b"")):
                        yield self._item(count, rest)
                        count += 1
                    if damage is not None:
                        detail = f"{damage}; {count:,} records before that were read"
                        yield refused(self._uri, RefusalReason.UNREADABLE, detail)
                    elif not count:
                        yield refused(self._uri, RefusalReason.EMPTY, "the file holds no records")

    def _item(self, count: int, piece: Piece) -> Item:
        uri, where, encoding = f"{self._uri}#record={count}", f"{self._what} {piece.number}: ", self._encoding
        if piece.data is None:
            return too_large(uri, self._config, where)
        if (nul := piece.data.find(0)) >= 0:
            return refused(uri, RefusalReason.NUL_BYTES, f"{where}a NUL byte at byte {piece.offset + nul}")
        try:
            text = piece.data.decode(encoding).removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            return refused(uri, RefusalReason.UNDECODABLE, where + undecodable(error, piece.offset, encoding))
        except ValueError as error:
            return refused(uri, RefusalReason.UNDECODABLE, f"{where}not {encoding}: {one_line(error)}")
        return self._record(uri, where, text)

    def _record(self, uri: str, where: str, text: str) -> Item:
        try:
            record = json.loads(text)
        except (ValueError, RecursionError) as error:
            return refused(uri, RefusalReason.BAD_RECORD, f"{where}not a JSON record: {one_line(error)}")
        if isinstance(record, dict):
            return record_item(uri, record, where, self._config)
        detail = f"{where}a record must be an object with fields"
        if isinstance(record, list) and self._what == "line":
            detail += " (name a file that is one array .json)"
        return refused(uri, RefusalReason.BAD_RECORD, detail)
