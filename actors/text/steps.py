"""Cuts a solution into its steps. Law: `"".join(step texts) == solution` for any text. No step is blank, with one
exception: a blank solution is one step, unless it is empty.

A step is a line with its line end and the blank lines after it. A display over several lines (`$$…$$`, `\\[…\\]`, a
LaTeX environment, a code fence) is never cut if it is closed.
"""

import re
from bisect import bisect_left
from itertools import pairwise

from schemas.solutions import Step

_LINE_ENDS = re.compile(r"\r\n|\n|\r")
_MARKS = re.compile(r"\$\$|\\\[|\\\]|\\(?:begin|end)\{[A-Za-z]+\*?\}|^```", re.MULTILINE)
_CLOSED_BY = {"$$": "$$", "\\[": "\\]", "```": "```"}


def steps(solution: str) -> tuple[Step, ...]:
    """The steps in order, with their offsets in characters. None for an empty solution."""
    held = _displays(solution)
    cuts = [found.end() for found in _LINE_ENDS.finditer(solution)]
    edges = [0, *_outside(cuts, held), len(solution)]
    return tuple(Step(solution[start:end], start, end) for start, end in _unblank(solution, edges))


def _displays(solution: str) -> list[tuple[int, int]]:
    """Each display from its opening mark to the first mark that closes it. A mark that is never closed opens
    nothing."""
    marks = list(_MARKS.finditer(solution))
    places: dict[str, list[int]] = {}
    for mark in marks:
        places.setdefault(mark[0], []).append(mark.start())
    spans: list[tuple[int, int]] = []
    until = 0
    for mark in marks:
        closing = _closed_by(mark[0])
        if mark.start() < until or closing not in places:
            continue
        closings = places[closing]
        at = bisect_left(closings, mark.end())
        if at < len(closings):
            until = closings[at] + len(closing)
            spans.append((mark.start(), until))
    return spans


def _closed_by(mark: str) -> str:
    return mark.replace("begin", "end", 1) if mark.startswith("\\begin") else _CLOSED_BY.get(mark, "")


def _outside(cuts: list[int], held: list[tuple[int, int]]) -> list[int]:
    """The cuts outside all of these spans. Both lists are in order, so each item is looked at once."""
    free: list[int] = []
    at = 0
    for cut in cuts:
        while at < len(held) and held[at][1] <= cut:
            at += 1
        if at == len(held) or cut <= held[at][0]:
            free.append(cut)
    return free


def _unblank(solution: str, edges: list[int]) -> list[tuple[int, int]]:
    """The spans between the edges. A blank span joins the span before it, or the next one at the beginning."""
    spans: list[tuple[int, int]] = []
    for start, end in pairwise(edges):
        if start == end:
            continue
        blank = not solution[start:end].strip()
        if spans and (blank or not solution[spans[-1][0] : spans[-1][1]].strip()):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans
