"""A solution cut into its steps. Law: `"".join(step texts) == solution`, whatever the text; no step is blank.

A step is a line with the line end and the blank lines behind it; a solution that is blank is one step if it holds
anything. What is displayed over several lines (`$$…$$`, `\\[…\\]`, a LaTeX environment, a code fence) is never cut, if
it is closed.
"""

import re
from bisect import bisect_left
from itertools import pairwise

from schemas.solutions import Step

_LINE_ENDS = re.compile(r"\r\n|\n|\r")
_MARKS = re.compile(r"\$\$|\\\[|\\\]|\\(?:begin|end)\{[A-Za-z]+\*?\}|^```", re.MULTILINE)
_CLOSED_BY = {"$$": "$$", "\\[": "\\]", "```": "```"}


def steps(solution: str) -> tuple[Step, ...]:
    """The steps in order, with their offsets in characters; none for an empty solution."""
    held = _displays(solution)
    cuts = [found.end() for found in _LINE_ENDS.finditer(solution)]
    edges = [0, *_outside(cuts, held), len(solution)]
    return tuple(Step(solution[start:end], start, end) for start, end in _unblank(solution, edges))


def _displays(solution: str) -> list[tuple[int, int]]:
    """Each display from its opening to the first mark that closes it; what is never closed opens nothing."""
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
    """The cuts that lie in no held span; both are in order, so each is looked at once."""
    free: list[int] = []
    at = 0
    for cut in cuts:
        while at < len(held) and held[at][1] <= cut:
            at += 1
        if at == len(held) or cut <= held[at][0]:
            free.append(cut)
    return free


def _unblank(solution: str, edges: list[int]) -> list[tuple[int, int]]:
    """The spans between the edges, blank ones joined to the span before them (at the beginning: to the one behind)."""
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
