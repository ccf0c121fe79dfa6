"""Cuts a text into the parts that no passage may cross: sections, blocks or sentences. Law: the parts cover the text,
in order, and do not overlap.

Where a format shows no headings or tables (`plain`), only its paragraphs and sentences are known. A fence of code and
a table are one block, whatever stands in them.
"""

import re
from collections.abc import Iterator
from typing import Literal

from schemas.corpus import Form

By = Literal["headings", "blocks", "sentences"]
Span = tuple[int, int]
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
_HEADING = re.compile(r"^(?=#{1,6} )", re.MULTILINE)
_GAP = re.compile(r"\n[ \t\r]*\n(?:[^\S\n]*\n)*")
_SENTENCE = re.compile(
    r"[.!?][\"'”’)\]]*\s+(?=[\"'“‘(\[]?[A-Z0-9\u00c0-\u024f\u0370-\u04ff])|[。！？]\s*|\n[ \t\r]*\n\s*"
)


def parts(text: str, by: By, form: Form) -> Iterator[Span]:
    """The parts' spans."""
    fences = list(_fences(text)) if form == "markdown" else []
    match by:
        case "headings":
            ends = _ends(_HEADING, text) if form == "markdown" else iter(())
        case "blocks":
            ends = _ends(_GAP, text)
        case "sentences":
            ends = _ends(_SENTENCE, text)
    yield from _cut(len(text), ends, fences)


def _ends(pattern: re.Pattern[str], text: str) -> Iterator[int]:
    return (found.end() for found in pattern.finditer(text))


def _fences(text: str) -> Iterator[Span]:
    """From the first line of each fence to the end of its last line; an open one ends with the text."""
    opened: re.Match[str] | None = None
    for found in _FENCE.finditer(text):
        if opened is None:
            opened = found
        elif found[1][0] == opened[1][0] and len(found[1]) >= len(opened[1]):
            end = text.find("\n", found.end())
            yield opened.start(), len(text) if end < 0 else end
            opened = None
    if opened is not None:
        yield opened.start(), len(text)


def _cut(length: int, ends: Iterator[int], fences: list[Span]) -> Iterator[Span]:
    """The spans between these ends. An end inside a fence is none."""
    begin, held = 0, iter([*fences, (length, length)])
    low, high = next(held)
    for end in ends:
        while high < end:
            low, high = next(held, (length, length))
            if low == length:
                break
        if end > begin and not low < end < high:
            yield begin, end
            begin = end
    if begin < length:
        yield begin, length
