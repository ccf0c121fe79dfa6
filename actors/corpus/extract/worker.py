"""A process that gives the texts of files, one after another, until its parent closes the pipe or kills it.

Law: whatever a file holds, the answer is its text or one line. A file that takes too much memory or processor time, or
crashes a library, ends this process alone. It opens no file of its own and no connection, and starts no process.
"""

import importlib
import logging
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable
from typing import BinaryIO

import msgspec

from actors.corpus.extract.answers import Extracted, ExtractReply, FileAsked, Limits, NoText, Unusable, unreadable
from actors.corpus.foreign import one_line
from actors.corpus.names import DOCX, EPUB, HTML, PDF
from schemas.corpus import RefusalReason

FORMATS: dict[str, str] = {
    PDF: "actors.corpus.extract.pdf:pdf_text",
    EPUB: "actors.corpus.extract.epub:epub_text",
    DOCX: "actors.corpus.extract.docx:docx_text",
    **dict.fromkeys(HTML, "actors.corpus.extract.html:html_text"),
}
"""The function for each suffix. Its module is loaded for the first file."""
SIZE = struct.Struct("<Q")
_SIGNATURES = {
    b"%PDF-": "a PDF",
    b"PK\x03\x04": "a zip file",
    b"\xd0\xcf\x11\xe0": "an old or an encrypted Office file",
    b"\x1f\x8b": "a gzip file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\x7fELF": "a program",
    b"MZ\x90": "a program",
    b"{\\rtf": "an RTF text",
}
_BEGINS = {PDF: "a PDF", EPUB: "a zip file", DOCX: "a zip file"}
_HEAD = 1024


def main() -> None:
    """Serves files from standard input. The arguments are limits in JSON."""
    limits = msgspec.json.decode(sys.argv[1], type=Limits)
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    logging.disable(logging.CRITICAL)
    memory = limits.memory_mib << 20
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    for kind in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE):
        resource.setrlimit(kind, (0, 0))
    while (asked := _request(sys.stdin.buffer)) is not None:
        signal.setitimer(signal.ITIMER_PROF, limits.time_s)
        try:
            reply: ExtractReply = extracted(asked[1], asked[0])
        except MemoryError:
            reply = Unusable(RefusalReason.TOO_LARGE, f"it takes more than {limits.memory_mib:,} MiB of memory to read")
        signal.setitimer(signal.ITIMER_PROF, 0)
        data = msgspec.msgpack.encode(reply)
        replies.write(SIZE.pack(len(data)) + data)
        replies.flush()
        del asked, reply, data


def extracted(data: bytes, asked: FileAsked) -> ExtractReply:
    """The text of a file's bytes, or why there is none. Raises MemoryError alone."""
    try:
        _check_beginning(data, asked.suffix)
        return _function(asked.suffix)(data, asked)
    except NoText as error:
        return Unusable(error.reason, one_line(error))
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a library's error about a stranger's file
        return Unusable(RefusalReason.UNREADABLE, f"not readable: {type(error).__name__}: {one_line(error)}")


def _function(suffix: str) -> Callable[[bytes, FileAsked], Extracted]:
    module, _, name = FORMATS[suffix].partition(":")
    return getattr(importlib.import_module(module), name)


def _check_beginning(data: bytes, suffix: str) -> None:
    if not data.strip():
        raise NoText(RefusalReason.EMPTY, "empty" if not data else "nothing but white space")
    begins = next((kind for signature, kind in _SIGNATURES.items() if data.startswith(signature)), None)
    if begins is None and suffix == PDF and b"%PDF-" in data[:_HEAD]:
        return
    if begins != _BEGINS.get(suffix):
        what = f"those of {begins}" if begins else "not those of such a file"
        raise unreadable(f"named '{suffix}', but its first bytes are {what}")


def _request(stream: BinaryIO) -> tuple[FileAsked, bytes] | None:
    """The next file; None at the end, and where the parent gave up a file."""
    head = _piece(stream)
    if head is None:
        return None
    data = bytearray()
    while piece := _piece(stream):
        data += piece
    return None if piece is None else (msgspec.msgpack.decode(head, type=FileAsked), bytes(data))


def _piece(stream: BinaryIO) -> bytes | None:
    size = stream.read(SIZE.size)
    if len(size) < SIZE.size:
        return None
    (length,) = SIZE.unpack(size)
    piece = stream.read(length)
    return piece if len(piece) == length else None


if __name__ == "__main__":
    main()
