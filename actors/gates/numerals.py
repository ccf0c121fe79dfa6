"""Rewrites numerals as people write them into plain digits.

Law: the value stays the same; a text that may be a list or a name is left as it is.
"""

import re

from actors.gates.units import SCALES

_GROUPED = re.compile(
    r"(?<![\d.,'_])(?:"
    r"[1-9]\d{0,2}(?: \d{3})++(?![\d,]| ?/)"  # 1 234 567
    r"|[1-9]\d{0,2}(?:'\d{3})++(?![\d'])|[1-9]\d{0,2}(?:_\d{3})++(?![\d_{])"
    r"|[1-9]\d{0,2}(?:\.\d{3}){2,}+(?![\d.,])"  # 1.234.567
    r")"
)
_COMMAS = re.compile(r"(?<![\d.,'_])(?:\d{1,3}(?:,\d{3})++(?!\d|,\d)|[1-9]\d?(?:,\d{2}(?=,))++,\d{3}(?!\d|,\d))")
_SCALED = re.compile(rf"(?<![\d.])([-+]?\d++(?:\.\d++)?) ?({'|'.join(SCALES)})s?(?![A-Za-z-])")
_SCIENTIFIC = re.compile(r"^([-+]?(?:\d++(?:\.\d*+)?|\.\d++))[eE]([-+]?\d{1,4})(?![\w.^+*/-])")
_TIMES = re.compile(r"(?<=\d) ?x ?(?=10 ?\^)")
_NAME_MARKS = re.compile(r"[-:]|/[^/]*/")
_REPEATING = re.compile(r"(?<![\d.])(\d++)\.(\d*+)\\overline ?\{(\d++)\}")
_PLAIN = re.compile(r"[-\d./: (){}]*")


def joined_thousands(text: str) -> str:
    """The text without marks between groups of digits; a comma inside brackets separates values, and stays."""
    text = _GROUPED.sub(lambda found: re.sub(r"[ '_.]", "", found[0]), text)
    if any(bracket in text for bracket in "([⦃") or text.startswith("{"):
        return text
    return _COMMAS.sub(lambda found: found[0].replace(",", ""), text)


def written_out(text: str) -> str:
    r"""`1.5e3`, `6 x 10^3` and `3 dozen` as products, `0.\overline{3}` as a fraction."""
    text = _REPEATING.sub(lambda found: _fraction(found[1], found[2], found[3]), text)
    text = _SCIENTIFIC.sub(lambda found: f"{found[1]}*10^{{{int(found[2])}}}", text)
    return _SCALED.sub(lambda found: f"{found[1]}*{SCALES[found[2]]}", _TIMES.sub("*", text))


def _fraction(whole: str, once: str, again: str) -> str:
    """The fraction of a repeating decimal: all its digits less those before the repetition, over 9…90…0."""
    return rf"(\frac{{{int(whole + once + again) - int(whole + once)}}}{{{'9' * len(again) + '0' * len(once)}}})"


def is_a_name(text: str) -> bool:
    """Whether a text has only numerals with `-`, `:` or several `/` between them: a date, a range, a score, a ratio."""
    if _PLAIN.fullmatch(text) is None:
        return False
    bare = re.sub(r"[(){} ]", "", text).lstrip("-")
    return _NAME_MARKS.search(bare) is not None
