"""Checks that every reader must pass: ours, and a user's own.

Law: a check has a finding or none; it never raises, whatever the reader does. Files are made in memory from one sample:
whole, cut off, damaged, empty, and filled with random bytes.
"""

import io
import time
from collections.abc import Awaitable, Callable, Iterator
from random import Random
from typing import BinaryIO

from msgspec import Struct

from actors.corpus.files import CorpusFile
from actors.corpus.names import name_parts
from actors.corpus.own import BadItem, Reader, checked
from actors.corpus.records import Item, Text
from schemas.config import Corpus
from schemas.conformance import Broken, CheckFinding, Noted, found_by
from schemas.corpus import DocumentRefused
from schemas.errors import described

LONGEST_S = 30.0
"""The longest time for one file."""
MOST_ITEMS = 100_000
"""The most items of one file. No file of these checks holds so many."""


class ReaderSubject(Struct, frozen=True):
    """The reader that is checked, as its author wrote it, and a file that it should be able to read."""

    reader: Reader
    name: str
    data: bytes
    config: Corpus


ReaderCheck = Callable[[ReaderSubject], Awaitable[None]]


async def examine(subject: ReaderSubject) -> list[CheckFinding]:
    """Every check's finding, in order."""
    return [await finding(name, subject) for name in CHECKS]


async def finding(name: str, subject: ReaderSubject) -> CheckFinding:
    """One check's finding."""
    return await found_by(name, CHECKS[name](subject))


class _MemoryFile:
    """A corpus file in memory. It remembers the streams that were opened on it."""

    def __init__(self, subject: ReaderSubject, data: bytes, uri: str = "memory://check/") -> None:
        self.streams: list[io.BytesIO] = []
        self._data = data
        suffix, _ = name_parts(subject.name)
        self.source = CorpusFile(uri + f"sample{suffix}", suffix, self._opened, len(data), compressed=False)

    def _opened(self) -> BinaryIO:
        self.streams.append(io.BytesIO(self._data))
        return self.streams[-1]

    @property
    def left_open(self) -> bool:
        return any(not stream.closed for stream in self.streams)


def _read(subject: ReaderSubject, file: _MemoryFile) -> list[Item]:
    """All items of the file. Raises Broken for what no reader may do. The reader's own errors pass through."""
    found: list[Item] = []
    until = time.monotonic() + LONGEST_S
    try:
        for item in checked(subject.reader(file.source, subject.config), file.source, subject.config):
            found.append(item)
            if len(found) > MOST_ITEMS:
                raise Broken(f"it gave more than {MOST_ITEMS:,} documents for one file of {len(subject.data):,} bytes")
            if time.monotonic() > until:
                raise Broken(f"it did not read one file within {LONGEST_S:g} s")
    except BadItem as bad:
        raise Broken(str(bad)) from None
    return found


def _sample(subject: ReaderSubject) -> list[Item]:
    try:
        return _read(subject, _MemoryFile(subject, subject.data))
    except Broken:
        raise
    except Exception as bug:
        raise Broken(f"it raised {described(bug)}") from bug


async def _reads_the_sample(subject: ReaderSubject) -> None:
    found = _sample(subject)
    texts = [item for item in found if isinstance(item, Text)]
    refusals = [item for item in found if isinstance(item, DocumentRefused)]
    if not any(text.text.strip() for text in texts):
        why = f": {refusals[0].detail}" if refusals else ""
        raise Broken(f"it gives no text for the sample{why}")
    if refusals:
        raise Noted(f"it refuses {len(refusals)} of {len(found)} documents of the sample: {refusals[0].detail}")


async def _reads_the_same_again(subject: ReaderSubject) -> None:
    if _sample(subject) != _sample(subject):
        raise Broken("it reads something else the second time: spans are exact in what was read")


async def _knows_no_place(subject: ReaderSubject) -> None:
    there = _MemoryFile(subject, subject.data, "elsewhere/")
    texts = [item.text for item in _sample(subject) if isinstance(item, Text)]
    try:
        moved = [item.text for item in _read(subject, there) if isinstance(item, Text)]
    except Broken:
        raise
    except Exception as bug:
        raise Broken(f"for the same file in another place it raised {described(bug)}") from bug
    if moved != texts:
        raise Broken("it reads something else in the same file at another place")


async def _reads_torn_files(subject: ReaderSubject) -> None:
    """Checks only that reading ends and gives documents of this file. An exception refuses the file, which is
    allowed."""
    for name, data in torn(subject.data):
        try:
            _read(subject, _MemoryFile(subject, data))
        except Broken as broken:
            raise Broken(f"for a file that is {name}: {broken}") from None
        except Exception:  # noqa: BLE001 - a reader raises to say that a file cannot be read
            continue


async def _takes_no_torn_text_for_whole(subject: ReaderSubject) -> None:
    whole = [item for item in _sample(subject) if isinstance(item, Text)]
    if len(whole) != 1 or whole[0].uri.endswith("#record=0"):
        return
    try:
        found = _read(subject, _MemoryFile(subject, subject.data[: len(subject.data) // 2]))
    except Exception:  # noqa: BLE001 - a reader raises to say that a file cannot be read
        return
    if any(isinstance(item, Text) and whole[0].text.startswith(item.text) for item in found):
        raise Noted("it reads half a file as a whole text: a format that marks its end lets a reader notice a cut file")


async def _closes_what_it_opens(subject: ReaderSubject) -> None:
    file = _MemoryFile(subject, subject.data)
    try:
        items = iter(subject.reader(file.source, subject.config))
        next(items, None)
        close = getattr(items, "close", None)
        if close is not None:
            close()
        for _ in subject.reader(file.source, subject.config):
            pass
    except Exception:  # noqa: BLE001 - other checks report it
        return
    if file.left_open:
        raise Noted("it leaves files open, and a corpus has many")


def torn(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The sample as broken disks and networks leave it, each version with its description."""
    random = Random(0)
    half = len(data) // 2
    yield "empty", b""
    yield "cut off in the middle", data[:half]
    yield "cut off at the last byte", data[:-1]
    yield "without its beginning", data[half:]
    yield "zeros in the middle", data[:half] + b"\0" * 64 + data[half + 64 :]
    yield "noise", random.randbytes(4096)
    yield "twice over", data + data
    for number in range(8):
        spoilt = bytearray(data)
        for _ in range(3):
            if spoilt:
                spoilt[random.randrange(len(spoilt))] = random.randrange(256)
        yield f"damaged in three bytes ({number})", bytes(spoilt)


CHECKS: dict[str, ReaderCheck] = {
    "it reads the sample": _reads_the_sample,
    "read again it is the same": _reads_the_same_again,
    "it does not know where the file lies": _knows_no_place,
    "it reads torn files to an end": _reads_torn_files,
    "half a text is not taken for a whole": _takes_no_torn_text_for_whole,
    "it closes what it opens": _closes_what_it_opens,
}
