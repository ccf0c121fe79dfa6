"""The one way to a terminal or to what stands in its place: every view of a person is written through a Screen.

Law: text is shown, never obeyed. Rich's markup is off, and what a model, document, ledger, folder or server wrote goes
through `printable` on its last step, whatever a view forgot; only Rich's own codes for colours and cursor pass. A
stream that cannot write a letter gets a sign that it can; one that takes nothing more is said so in one line.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from deployments.terminal.words import printable
from schemas.errors import OutputError

_ASCII = str.maketrans({
    "━": "=", "─": "-", "│": "|", "●": "o", "✓": "+", "✗": "x", "·": "-", "–": "-", "…": "~", "“": '"', "”": '"',
    "→": ">", "≥": ">",
})  # fmt: skip
"""Our own signs where a stream knows no other than ASCII: one cell each, so that columns stay where they are."""


class Screen(Console):
    """A console of standard output (or standard error), or of a `file`."""

    def __init__(self, *, stderr: bool = False, file: TextIO | None = None, **settings: Any) -> None:
        super().__init__(stderr=stderr, file=file, markup=False, emoji=False, **settings)

    @property
    def _stream(self) -> TextIO:
        return cast(TextIO, self.file)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As Rich does; text is made printable first, so that it is measured as it will be shown."""
        return super().render(_shown(renderable), options)

    def print(self, *objects: Any, **settings: Any) -> None:
        """As Rich does. Raises OutputError where the stream takes no more."""
        with writable(self._stream):
            super().print(*(_shown(each) for each in objects), **settings)

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        return written(super()._render_buffer(_printable(segment) for segment in buffer), self._stream)


def _shown(renderable: Any) -> Any:
    if isinstance(renderable, str):
        return printable(renderable)
    if isinstance(renderable, Text) and (plain := printable(renderable.plain)) != renderable.plain:
        renderable = renderable.copy()
        renderable.plain = plain
    return renderable


def _printable(segment: Segment) -> Segment:
    return segment if segment.control else Segment(printable(segment.text), segment.style)


def written(text: str, file: TextIO) -> str:
    """The text in letters that the stream's encoding has."""
    if is_utf(file):
        return text
    return text.translate(_ASCII).encode(file.encoding, errors="replace").decode(file.encoding)


def is_utf(file: TextIO) -> bool:
    """Whether the stream takes every letter; one in memory does."""
    return (getattr(file, "encoding", None) or "utf-8").lower().startswith("utf")


def put(text: str, file: TextIO | None = None) -> None:
    """Text that ends its line, to standard output or the `file`. Raises OutputError where it takes no more."""
    stream: TextIO = file or sys.stdout
    with writable(stream):
        stream.write(written(printable(text), stream) + "\n")
        stream.flush()


def put_document(document: str) -> None:
    """A JSON document on standard output: the same value, with every letter escaped that a terminal would obey or that
    the stream's encoding lacks."""
    plain = is_utf(sys.stdout)
    put("".join(each if (plain or each.isascii()) and printable(each) == each else _escaped(each) for each in document))


def _escaped(letter: str) -> str:
    units = letter.encode("utf-16-be", errors="surrogatepass")
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in zip(units[::2], units[1::2], strict=True))


@contextmanager
def writable(file: TextIO) -> Iterator[None]:
    """Around a write. A reader that went away (`| head`) stays a BrokenPipeError, which ends a command without words.

    Raises OutputError for anything else, such as a full disk; what the stream still holds is dropped, or Python would
    try it again at its end and complain a second time.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        _drop(file)
        name = getattr(file, "name", "the output")
        raise OutputError(f"cannot write to {name}: {error.strerror or error}") from error


def _drop(file: TextIO) -> None:
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, file.fileno())
        finally:
            os.close(nowhere)
