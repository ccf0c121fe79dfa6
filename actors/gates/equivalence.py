r"""Whether two final answers are equal: what reading decides at once, and what a mathematics library is asked.

`by_reading` is pure and takes microseconds; only where it cannot tell is the library asked about `library_forms`, in a
process that may be killed (`actors.gates.equality_worker`). The policies are told in docs/tasks/math.md.
"""

import re
from collections.abc import Iterator
from fractions import Fraction

from actors.gates.answers import Answer, read_answer

_SPACES = re.compile(r"(?<!\d) | (?!\d)")
EXACT_DECIMALS = 6
"""A decimal of so many places stands for what it was cut or rounded from; a shorter one for itself alone."""


def by_reading(reference: str, candidate: str) -> bool | None:
    """Equal, different, or None: it takes a library to tell."""
    expected, given = read_answer(reference), read_answer(candidate)
    if not given.value:
        return False
    if expected.unit is not None and given.unit is not None and expected.unit != given.unit:
        return False
    if expected.words and given.words:
        return expected.value == given.value
    a, b = expected.number, given.number
    if a is not None and b is not None and expected.degrees == given.degrees:
        unit = max(_last_place(expected.value), _last_place(given.value))
        return a == b or abs(a - b) < unit or (a / 100 if expected.percent else a) == (b / 100 if given.percent else b)
    if _compact(expected.value) == _compact(given.value):
        return True
    if _compact(expected.value).lower() == _compact(given.value).lower():
        return False  # the library knows no capitals: R is no r
    return False if _one_is_a_set(expected.value, given.value) else None


def library_forms(reference: str, candidate: str) -> Iterator[tuple[str, str]]:
    """Pairs in LaTeX; the answers are equal if the library finds one pair equal."""
    expected, given = read_answer(reference), read_answer(candidate)
    yield expected.value, given.value
    if any(len(each.value) == 1 and each.value.isalpha() for each in (expected, given)):
        yield rf"({expected.value})+1", rf"({given.value})+1"  # the library compares lone letters by their looks
    if expected.percent != given.percent:
        yield _times(expected, r"\frac{1}{100}", expected.percent), _times(given, r"\frac{1}{100}", given.percent)
    if expected.degrees != given.degrees:
        yield _times(expected, r"\frac{\pi}{180}", expected.degrees), _times(given, r"\frac{\pi}{180}", given.degrees)


def _times(answer: Answer, factor: str, signed: bool) -> str:
    return rf"({answer.value}) \cdot {factor}" if signed else answer.value


def _last_place(value: str) -> Fraction:
    """The value of the last digit of a decimal that is long enough to be an approximation; else 0."""
    places = len(value.partition(".")[2])
    return Fraction(1, 10**places) if places >= EXACT_DECIMALS else Fraction(0)


def _compact(value: str) -> str:
    """Without spaces, but for those between digits."""
    return _SPACES.sub("", value)


def _one_is_a_set(a: str, b: str) -> bool:
    """Braces against other brackets: `(0,1)` is no way to write `\\{0,1\\}`."""
    braced = [value.startswith(r"\{") and value.endswith(r"\}") for value in (a, b)]
    bracketed = [value.startswith(("(", "[")) and value.endswith((")", "]")) for value in (a, b)]
    return any(braced) and any(bracketed)
