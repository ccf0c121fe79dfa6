"""One file of the corpus: how it is opened, unpacked and read in blocks. And which files of a folder are read."""

import codecs
import io
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import closing
from fnmatch import fnmatchcase
from itertools import chain
from typing import Any, BinaryIO, cast

from msgspec import Struct

from actors.corpus.foreign import error_line
from actors.corpus.names import KNOWN, name_parts, shown_suffix, with_lower_suffix
from schemas.corpus import DocumentRefused

BLOCK = 1 << 20
_SMALL = 1 << 12
_SUFFIXES = 50
"""The most suffixes of skipped files that are counted separately: a folder may hold any number."""
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class CorpusFile(Struct, frozen=True):
    """One file. `open` gives its decompressed bytes. `size`: of the stored bytes, where it is known."""

    uri: str
    suffix: str
    """The suffix of its format, in lower case."""
    open: Callable[[], BinaryIO]
    size: int | None
    compressed: bool


Found = CorpusFile | DocumentRefused


class Damage(Struct, frozen=True):
    """A file cannot be read beyond this point. `why`: the reason in one line."""

    why: str


class Skipped:
    """Counts the files of folders that are not read, by suffix."""

    def __init__(self) -> None:
        self._files: Counter[str] = Counter()

    def add(self, name: str) -> None:
        """Counts one file."""
        suffix = shown_suffix(name)
        self._files[suffix if suffix in self._files or len(self._files) < _SUFFIXES else "others"] += 1

    def counts(self) -> dict[str, int]:
        """The number of files by suffix, highest first."""
        return dict(self._files.most_common())


class Selection:
    """Selects files of a folder: those that match a pattern, or without patterns those of a known format; without those
    that match a pattern of `excluded`."""

    def __init__(
        self,
        patterns: tuple[str, ...] | None,
        skipped: Skipped,
        known: Collection[str] = KNOWN,
        excluded: tuple[str, ...] = (),
    ) -> None:
        self._patterns = patterns
        self._excluded = excluded
        self._known = known
        self._skipped = skipped

    def takes(self, relative: str) -> bool:
        """Whether the file at this path below the folder is read. Counts it if not, unless it is a dot file or
        excluded."""
        name = relative.rsplit("/", 1)[-1]
        if _matches_any_case(relative, self._excluded):
            return False
        if self._patterns is None:
            taken = name[:1] != "." and name_parts(name)[0] in self._known
        else:
            taken = _matches_any_case(relative, self._patterns)
        if not taken and name[:1] != ".":
            self._skipped.add(name)
        return taken


def _matches_any_case(relative: str, patterns: tuple[str, ...]) -> bool:
    """Matches with the suffix as it is written, or in lower case."""
    return _matches(relative, patterns) or _matches(with_lower_suffix(relative), patterns)


def _matches(relative: str, patterns: tuple[str, ...]) -> bool:
    """Matches as a shell does: `*` skips dot files; a pattern with a slash is for the whole path below the folder."""
    name = relative.rsplit("/", 1)[-1]
    return any(
        fnmatchcase(relative if "/" in pattern else name, pattern) and (name[0] != "." or pattern[0] == ".")
        for pattern in patterns
        if pattern
    )


def unpacked(plain: BinaryIO, compression: str | None) -> BinaryIO:
    """The decompressed stream of a file. Raises OSError for a bad header, and then closes the file."""
    try:
        return plain if compression is None else _decompressed(plain, compression)
    except BaseException:
        plain.close()
        raise


def _decompressed(plain: BinaryIO, compression: str) -> BinaryIO:
    if compression == "zstd":
        return cast(BinaryIO, _Zstd(plain))
    from fsspec.compression import compr

    return cast(dict[str, Any], compr)[compression](plain, mode="rb")


class _Zstd:
    """A zstd stream, read through Arrow. When a call meets damage, Arrow loses all that this call has unpacked, so each
    call asks for little."""

    def __init__(self, plain: BinaryIO) -> None:
        import pyarrow as pa  # 30 MB; only few corpora need it

        self._plain = plain
        self._stream = pa.CompressedInputStream(plain, "zstd")

    def read1(self, size: int) -> bytes:
        return self._stream.read(min(size, _SMALL))

    def close(self) -> None:
        self._stream.close()
        self._plain.close()


def blocks(source: CorpusFile) -> Iterator[bytes | Damage]:
    """The file in blocks of at most 1 MiB. When it is damaged, first all readable blocks come, then the Damage."""
    try:
        with closing(source.open()) as stream:
            # `read1` gives the bytes that are there; `read` would lose them if damage follows.
            read: Callable[[int], bytes] = getattr(stream, "read1", None) or stream.read
            while block := read(BLOCK):
                yield block
    except Exception as error:  # noqa: BLE001 - a stream may raise anything; `error_line` logs unknown errors
        yield Damage(error_line(error, source.uri))


def stream(source: CorpusFile) -> io.BufferedReader:
    """The file as a stream of decompressed bytes, without seeking. Damage raises OSError."""
    return io.BufferedReader(_Stream(blocks(source)), BLOCK)


def whole(source: CorpusFile, most: int) -> bytes:
    """All bytes of the file. Raises OSError when it is damaged or larger than `most`."""
    with stream(source) as plain:
        data = plain.read(most + 1)
    if len(data) > most:
        raise OSError(f"larger than {most:,} bytes")
    return data


class _Stream(io.RawIOBase):
    def __init__(self, stored: Iterator[bytes | Damage]) -> None:
        self._stored = stored
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if not self._left:
            block = next(self._stored, b"")
            if isinstance(block, Damage):
                raise OSError(block.why)
            self._left = block
        taken, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)

    def close(self) -> None:
        """Closes the file, even when it was not read to its end."""
        stored, self._left = self._stored, b""
        if isinstance(stored, Generator):
            stored.close()
        super().close()


def narrow_blocks(source: CorpusFile, encoding: str) -> tuple[Iterator[bytes | Damage], str]:
    """The blocks, in an encoding with one byte for each ASCII character, and that encoding. A file of a wider encoding
    (its byte order mark's, or else `encoding`) is converted to UTF-8."""
    stored = blocks(source)
    first = next(stored, b"")
    while isinstance(first, bytes) and len(first) < 4 and isinstance(more := next(stored, None), bytes):
        first += more
    wide = None if isinstance(first, Damage) else mark(first) or (encoding if is_wide(encoding) else None)
    whole = chain([first], stored)
    return (whole, encoding) if wide is None else (_as_utf8(whole, wide), "utf-8")


def _as_utf8(stored: Iterator[bytes | Damage], encoding: str) -> Iterator[bytes | Damage]:
    try:
        decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
        for block in stored:
            if isinstance(block, Damage):
                yield block
                return
            yield decoder.decode(block).encode("utf-8", "surrogatepass")
        yield decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")
    except (UnicodeError, LookupError) as error:
        yield Damage(f"not {encoding}: {error}")


def mark(data: bytes) -> str | None:
    """The encoding named by a byte order mark at the start; None without one, and for UTF-8's mark."""
    return next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)


def is_wide(encoding: str) -> bool:
    """Whether ASCII characters take more than one byte each, as in UTF-16."""
    return "\n".encode(encoding) != b"\n"
