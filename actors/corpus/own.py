"""How readers are plugged in: a reader makes documents from a file. Ours are in `formats`; a configuration adds others
by suffix.

Law: whatever a reader does, the run gets documents and refusals. An exception, or an item that is not a document of the
file, becomes one refusal with the file's name, and the other files are read.
"""

from collections.abc import Iterator
from typing import Any, Protocol

from actors.corpus.files import CorpusFile
from actors.corpus.foreign import error_line
from actors.corpus.records import MAX_ID_BYTES, Item, Text, refused
from schemas.config import Corpus
from schemas.corpus import DocumentRefused, RefusalReason


class Reader(Protocol):
    """Reads one file lazily: one text under the file's uri, or several, each under `uri#record=N` with rising N."""

    def __call__(self, source: CorpusFile, config: Corpus, /) -> Iterator[Item]: ...


class BadItem(Exception):
    """A reader gave an item that is not a document of its file."""


class OwnReader:
    """Runs a user's reading function. It never raises."""

    def __init__(self, name: str, function: Reader) -> None:
        self._name = name
        self._function = function

    def __call__(self, source: CorpusFile, config: Corpus, /) -> Iterator[Item]:
        """The function's items, each checked."""
        count = 0
        try:
            for item in checked(self._function(source, config), source, config):
                count += 1
                yield item
        except Exception as error:  # noqa: BLE001 - a user's code on any file; `error_line` logs unknown errors
            why = str(error) if isinstance(error, BadItem) else error_line(error, source.uri)
            before = f"; {count:,} documents before that were read" if count else ""
            yield refused(source.uri, RefusalReason.UNREADABLE, f"{self._name}: {why}{before}")
            return
        if not count:
            yield refused(source.uri, RefusalReason.EMPTY, f"{self._name} found no documents in it")


def checked(items: Any, source: CorpusFile, config: Corpus) -> Iterator[Item]:
    """The items of one file. Raises BadItem for the first that is not valid."""
    last = -1
    for item in items:
        if not isinstance(item, Text | DocumentRefused):
            raise BadItem(f"it gave {type(item).__name__}; a reader gives Text or DocumentRefused")
        if isinstance(item, DocumentRefused):
            _place(item.uri, source)
            yield item
            continue
        last = _next(item.uri, source, last)
        yield _valid(item, config)


def _valid(item: Text, config: Corpus) -> Item:
    if not isinstance(item.text, str):
        raise BadItem(f"the text of {item.uri} is {type(item.text).__name__}")
    if item.id is not None and not (isinstance(item.id, str) and 0 < len(item.id) <= MAX_ID_BYTES):
        return refused(item.uri, RefusalReason.BAD_RECORD, f"its id must be a text of 1 to {MAX_ID_BYTES:,} bytes")
    if (item.reference is not None) != config.has_answers:
        what = (
            "without a reference answer" if item.reference is None else "with a reference answer, which is for problems"
        )
        return refused(item.uri, RefusalReason.BAD_RECORD, f"{item.where}{what} (corpus.answer_field)")
    return item


def _place(uri: str, source: CorpusFile) -> int | None:
    """The number of the record that a uri names; None for the whole file."""
    if uri == source.uri:
        return None
    number = uri.removeprefix(f"{source.uri}#record=")
    if number == uri or not (number.isascii() and number.isdigit()) or str(int(number)) != number:
        raise BadItem(f"{uri!r:.200} is not a place in the file; it must be {source.uri} or {source.uri}#record=N")
    return int(number)


def _next(uri: str, source: CorpusFile, last: int) -> int:
    """The place of one more document. It must come after the last one, so that no two documents have the same uri."""
    number = _place(uri, source)
    if number is None and last < 0:
        return _WHOLE
    if number is None or number <= last:
        raise BadItem(f"{uri!r:.200} comes again or too late; each document has a place of its own, in rising order")
    return number


_WHOLE = 1 << 62
"""The place of a document that is the whole file: no document may follow it."""
