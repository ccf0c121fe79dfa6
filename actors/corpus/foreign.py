"""What foreign bytes and foreign libraries raise, in words. Law: it never ends a run.

What a damaged or missing file is known to raise is told in one line. Anything else may be a fault of ours: it is told
with its type, and its traceback is logged.
"""

import logging
import lzma
import zlib

log = logging.getLogger("gleaner.corpus")

EXPECTED = (OSError, EOFError, zlib.error, lzma.LZMAError, UnicodeError)
"""What opening or reading a damaged or missing file raises."""


def one_line(error: Exception) -> str:
    """What a foreign error says, in one line of at most 300 characters."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(reason).split())[:300]


def told(error: Exception, uri: str) -> str:
    """The error in one line, with its type where it is none that bad files are known to raise (logged then)."""
    if isinstance(error, EXPECTED) or type(error).__module__.startswith("pyarrow"):
        return one_line(error)
    log.error("a file could not be read for a reason that is not known", exc_info=error, extra={"uri": uri})
    return f"{type(error).__name__}: {one_line(error)}"
