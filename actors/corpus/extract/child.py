"""Asks a process for the texts of files. Law: a file is one text or one line, whatever it does to the process; a new
process takes the place of one that ended.

The limit is one of processor time, so that a busy machine refuses no file. A process that gets too little of it is
waited for `PATIENCE` times as long.
"""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec

import msgspec

from actors.corpus.extract.answers import Extracted, ExtractReply, FileAsked, Limits, Unusable
from actors.corpus.extract.worker import SIZE
from actors.corpus.files import CorpusFile, Damage, blocks
from actors.corpus.names import EPUB, HTML, PDF
from actors.corpus.records import Item, Text, no_records, refused
from schemas.config import Corpus
from schemas.corpus import RefusalReason

LIMITS = Limits(memory_mib=1024, time_s=60)
MOST_BYTES = 128 << 20
"""Of one file: its pictures are in it too."""
PATIENCE = 20
NEEDS = {PDF: "pypdfium2", EPUB: "selectolax", **dict.fromkeys(HTML, "selectolax")}
"""The package that a suffix is read with, of the extra `documents`."""
_REPLIES: msgspec.msgpack.Decoder[ExtractReply] = msgspec.msgpack.Decoder(ExtractReply)


def is_missing(suffix: str) -> bool:
    """Whether files of this suffix cannot be read here, for want of a package."""
    return suffix in NEEDS and find_spec(NEEDS[suffix]) is None


class ExtractingReader:
    """Reads files whose text must be extracted, as a `Reader`. It has one process, started for the first file."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self, source: CorpusFile, config: Corpus, /) -> Iterator[Item]:
        """The one text of a file, and one refusal for what of it has no text."""
        wrong = no_records(source.uri, config)
        if wrong is not None:
            yield wrong
            return
        match self._reply(source, config):
            case Unusable(reason, detail):
                yield refused(source.uri, reason, detail)
            case Extracted() as found:
                if found.unread is not None:
                    place = f"{source.uri}#{found.places.unit}={found.unread_from}"
                    yield refused(place, RefusalReason.EMPTY, found.unread)
                yield Text(
                    uri=source.uri,
                    text=found.text,
                    places=found.places,
                    license=found.license,
                    extractor=found.extractor,
                    form=found.form,
                )

    def close(self) -> None:
        """Ends the process at once."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _reply(self, source: CorpusFile, config: Corpus) -> ExtractReply:
        process = self._process or self._started()
        asked = FileAsked(source.suffix, config.max_document_bytes, config.encoding)
        try:
            lost = _sent(process, source, asked)
            if lost is not None:
                self.close()
                return lost
            reply = _received(process, PATIENCE * self._limits.time_s)
        except BrokenPipeError:
            reply = None
        except TimeoutError:
            self.close()
            return Unusable(RefusalReason.UNREADABLE, f"not read within {PATIENCE * self._limits.time_s:g} s")
        if reply is None:
            return self._dead(process)
        if isinstance(reply, Unusable) and reply.reason is RefusalReason.TOO_LARGE:
            self.close()  # its memory may be spoilt
        return reply

    def _dead(self, process: subprocess.Popen[bytes]) -> Unusable:
        process.wait()
        code = process.returncode
        self.close()
        if code == -signal.SIGPROF:
            detail = f"it takes more than {self._limits.time_s:g} s of processor time to read"
            return Unusable(RefusalReason.TOO_LARGE, detail)
        return Unusable(RefusalReason.UNREADABLE, f"the process that read it ended (code {code})")

    def _started(self) -> subprocess.Popen[bytes]:
        paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
        limits = msgspec.json.encode(self._limits).decode()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "actors.corpus.extract.worker", limits],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": paths},
        )
        return self._process


def _sent(process: subprocess.Popen[bytes], source: CorpusFile, asked: FileAsked) -> Unusable | None:
    """Sends the file; or says why it was given up half-way. Raises BrokenPipeError when the process has ended."""
    assert process.stdin is not None
    head = msgspec.msgpack.encode(asked)
    process.stdin.write(SIZE.pack(len(head)) + head)
    length = 0
    for block in blocks(source):
        if isinstance(block, Damage):
            where = f", damaged after {length:,} bytes" if length else ""
            return Unusable(RefusalReason.UNREADABLE, f"{block.why}{where}")
        length += len(block)
        if length > MOST_BYTES:
            return Unusable(RefusalReason.TOO_LARGE, f"a file of more than {MOST_BYTES:,} bytes")
        process.stdin.write(SIZE.pack(len(block)) + block)
    process.stdin.write(SIZE.pack(0))
    process.stdin.flush()
    return None


def _received(process: subprocess.Popen[bytes], timeout_s: float) -> ExtractReply | None:
    """The answer; None when the process has ended. Raises TimeoutError."""
    assert process.stdout is not None
    until = time.monotonic() + timeout_s
    readable = select.poll()
    readable.register(process.stdout, select.POLLIN)
    said = bytearray()
    while len(said) < SIZE.size or len(said) < SIZE.size + SIZE.unpack_from(said)[0]:
        if not readable.poll(1000 * max(0.0, until - time.monotonic())):
            raise TimeoutError
        block = os.read(process.stdout.fileno(), 1 << 20)
        if not block:
            return None
        said += block
    return _REPLIES.decode(memoryview(said)[SIZE.size :])
