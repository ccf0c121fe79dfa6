"""Tracebacks of Python as it writes them to stderr. Law: they are a program's own words, so what is read here describes
a failure and never decides that there is one."""

import re

from msgspec import Struct

_FRAME = re.compile(r'  File "(?P<file>[^"\n]*)", line (?P<line>\d+)(?:, in (?P<function>[^\n]*))?')
_ERROR = re.compile(r"(?:\w+\.)*(?P<name>\w+)(?:: (?P<said>.*))?")
_HEAD = "Traceback (most recent call last):"


class Frame(Struct, frozen=True):
    """A line that was running. `file`: its name without folders; `function`: "" at the top of a file that does not
    compile."""

    file: str
    line: int
    function: str


class TracedError(Struct, frozen=True):
    """An exception that nobody caught: the name of its class, its first line, and the frames from the outermost to the
    one that raised it."""

    error: str
    said: str
    frames: tuple[Frame, ...]

    @property
    def message(self) -> str:
        """As Python writes it."""
        return f"{self.error}: {self.said}" if self.said else self.error

    def line_in(self, file: str) -> int | None:
        """The innermost line of a file."""
        return next((frame.line for frame in reversed(self.frames) if frame.file == file), None)


def raised_in(stderr: str) -> TracedError | None:
    """The last exception that stderr tells of; None if it tells of none."""
    lines = stderr.rpartition(_HEAD)[2].split("\n")
    frames: list[Frame] = []
    error: re.Match[str] | None = None
    for line in lines:
        if (frame := _FRAME.fullmatch(line)) is not None:
            file = frame["file"].rpartition("/")[2]
            frames.append(Frame(file, int(frame["line"]), frame["function"] or ""))
            error = None
        elif frames and error is None and line[:1].strip():
            error = _ERROR.fullmatch(line)
    return None if error is None else TracedError(error["name"], error["said"] or "", tuple(frames))
