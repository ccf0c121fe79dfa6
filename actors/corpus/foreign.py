"""Describes the errors of files and of other libraries. Law: such an error never ends a run.

An error that damaged or missing files are known to raise becomes one line. Any other error may be a fault of ours: the
line also names its type, and its traceback is logged.
"""

import logging
import lzma
import zlib

log = logging.getLogger("gleaner.corpus")

EXPECTED = (OSError, EOFError, zlib.error, lzma.LZMAError, UnicodeError)
"""Errors that opening or reading a damaged or missing file raises."""


def one_line(error: Exception) -> str:
    """An error's message in one line of at most 300 characters."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(reason).split())[:300]


def error_line(error: Exception, uri: str) -> str:
    """The error in one line. An error that bad files are not known to raise also gets its type's name, and is
    logged."""
    if isinstance(error, EXPECTED) or type(error).__module__.startswith("pyarrow"):
        return one_line(error)
    log.error("a file could not be read for an unknown reason", exc_info=error, extra={"uri": uri})
    return f"{type(error).__name__}: {one_line(error)}"
