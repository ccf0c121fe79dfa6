r"""A final answer as it is compared: looks, unit, percent and degree signs taken off its value.

Pure, and linear in the length of the text. What an answer may leave out (a unit, a percent sign) is a policy, told in
docs/tasks/math.md.
"""

import re
from fractions import Fraction

from msgspec import Struct

from actors.gates.units import SYMBOLS, measured

_SAID = {
    "−": "-", "–": "-", "×": r"\times ", "·": r"\cdot ", "÷": r"\div ", "π": r"\pi ", "∞": r"\infty ", "≤": r"\le ",
    "≥": r"\ge ", "∪": r"\cup ", "∅": r"\emptyset", "°": r"^\circ", r"\varnothing": r"\emptyset", r"\degree": r"^\circ",
    r"\leqslant": r"\le", r"\geqslant": r"\ge", "**": "^", "{,}": ",", r"\!": "", r"\left": "", r"\right": "",
    r"\displaystyle": "", r"\dfrac": r"\frac", r"\tfrac": r"\frac", r"\cfrac": r"\frac",
}  # fmt: skip
"""Looks that mean the same. A command is replaced as a whole only."""
_LOOKS = re.compile("|".join(re.escape(said) + (r"(?![A-Za-z])" if said[-1].isalpha() else "") for said in _SAID))
_THIN_SPACE = re.compile(r"(?<=\d)\\[,:;](?=\d{3})")
_SPACE = re.compile(r"(?:(?<!\\)\\[,:; ]|~|\s)+")
_WRAPPED = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"), (r"\boxed{", "}"), (r"\fbox{", "}"))
_WORDY = re.compile(r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mbox)\s*\{([^{}]*)\}")
_WORDS = re.compile(r"(?=.*[A-Za-z]{3})[A-Za-z][A-Za-z ,.'’&-]*")
_CHOICE = re.compile(r"\(?([A-Za-z])\)?")
_HOUR = re.compile(r"(\d{1,2})(?::(\d{2}))? ?([aApP])[.]?[mM][.]?")
_REPEATING = re.compile(r"(?P<sign>-?)(?P<whole>\d+)\.(?P<once>\d*)\\overline ?\{(?P<again>\d+)\}")
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?!\d|,\d)")
_BRACKETS = re.compile(r"[(\[]|\\\{")
_CURRENCY = re.compile(r"(?P<sign>[-+]?)\s*(?:(?P<symbol>\\?\$|€|£)|(?P<code>USD|EUR|GBP)\s)\s*(?=[-+\d.])")
_SCALED = re.compile(
    r"(?P<number>[-+]?\d+(?:\.\d+)?)\s*(?P<scale>hundred|thousand|million|billion|trillion)\b(?P<rest>.*)"
)
_SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_PERCENT = re.compile(r"\s*(?:\\?%|\bper ?cent)$")
_CIRC = r"(?:\s*\^\s*\{?\s*\\circ\s*\}?|\s*\bdegrees?\b|\s*\\text\{\s*degrees?\s*\})"
_DEGREES = re.compile(_CIRC + "$")
_FUNCTION = re.compile(r"\\(?:sin|cos|tan|cot|sec|csc)(?![A-Za-z])")
_INNER_DEGREES = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)" + _CIRC)
_BASE = re.compile(r"(\d[0-9A-F]*)_\{?(\d{1,2})\}?")
_SCIENTIFIC = re.compile(r"([-+]?\d+(?:\.\d+)?)[eE]([-+]?\d{1,3})")
_MIXED = re.compile(
    r"(?P<sign>-?)(?P<whole>\d+) ?(?:\\frac\{?(?P<over>\d+?)\}?\{?(?P<under>\d+)\}?| (?P<a>\d+)/(?P<b>\d+))"
)
_NUMBER = re.compile(r"[-+]? ?(?:\d+(?:\.\d*)?|\.\d+)")
_FRACTION = re.compile(r"([-+]?) ?(\d+) ?/ ?(\d+)|([-+]?) ?\\frac\{(-?\d+)\}\{(-?\d+)\}")


class Answer(Struct, frozen=True):
    """`value` is LaTeX (for words: in lower case); `unit` is the usual name of a known one; a sign was there or not."""

    value: str
    words: bool = False
    unit: str | None = None
    percent: bool = False
    degrees: bool = False

    @property
    def number(self) -> Fraction | None:
        """The exact value, where the answer is one plain number or fraction."""
        return _exact(self.value)


def read_answer(text: str) -> Answer:
    """An answer of at most 4,000 characters, taken apart."""
    value = _bare(text)
    spoken = _WORDY.fullmatch(value)
    words = spoken[1].strip() if spoken else value
    if hour := _HOUR.fullmatch(" ".join(_WORDY.sub(r"\1", value).split())):
        return Answer(f"{int(hour[1])}:{hour[2] or '00'} {hour[3].lower()}m", words=True)
    choice = _CHOICE.fullmatch(words)
    if choice and (spoken or words != choice[1] or words.isupper()):
        return Answer(choice[1].lower(), words=True)
    if _WORDS.fullmatch(words) and (spoken or " " in words or not words.islower() or len(words) > 3):
        return Answer(" ".join(words.casefold().strip(" .").split()), words=True)
    return _measured(words)


def _measured(value: str) -> Answer:
    currency = _CURRENCY.match(value)
    unit = None
    if currency is not None:
        unit = SYMBOLS.get((currency["symbol"] or "").lstrip("\\")) or measured(f"1 {currency['code']}").unit
        value = currency["sign"] + value[currency.end() :]
    if not _BRACKETS.search(value):
        value = _THOUSANDS.sub(lambda found: found[0].replace(",", ""), value)
    if scaled := _SCALED.fullmatch(value):
        value = _shifted(scaled["number"], _SCALES[scaled["scale"]]) + scaled["rest"]
    value, percent = _taken_off(_PERCENT, value)
    degrees = False
    if not _FUNCTION.search(value):
        value, degrees = _taken_off(_DEGREES, value)
    found = measured(value)
    value, unit = found.value, unit or found.unit
    if based := _BASE.fullmatch(value):
        value, unit = based[1], f"base {based[2]}"
    return Answer(_for_library(value), unit=unit, percent=percent, degrees=degrees)


def _bare(text: str) -> str:
    value = _SPACE.sub(" ", _THIN_SPACE.sub("", _LOOKS.sub(lambda found: _SAID[found[0]], text))).strip()
    while True:
        before = value
        value = value.rstrip(" .").strip()
        for opening, closing in _WRAPPED:
            inside = value[len(opening) : len(value) - len(closing)]
            if value.startswith(opening) and value.endswith(closing) and _whole(inside, opening, closing):
                value = inside.strip()
                break
        if value == before:
            return value


def _whole(inside: str, opening: str, closing: str) -> bool:
    """Whether the wrapping belongs together, as in `$1$` and not in `$1$ and $2$`."""
    if closing != "}":
        return bool(inside) and opening not in inside and closing not in inside
    depth = 0
    for letter in inside.replace(r"\{", "").replace(r"\}", ""):
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if depth < 0:
            return False
    return depth == 0


def _taken_off(sign: re.Pattern[str], value: str) -> tuple[str, bool]:
    found = sign.search(value)
    return (value, False) if found is None or not found.start() else (value[: found.start()].strip(), True)


def _shifted(number: str, places: int) -> str:
    whole, _, part = number.partition(".")
    moved = whole + part[:places].ljust(places, "0")
    return f"{moved}.{part[places:]}" if part[places:] else moved


def _for_library(value: str) -> str:
    """What the library misreads, in a form that it reads."""
    if mixed := _MIXED.fullmatch(value):
        over, under = mixed["over"] or mixed["a"], mixed["under"] or mixed["b"]
        if int(under):
            total = int(mixed["whole"]) * int(under) + int(over)
            return rf"{mixed['sign']}\frac{{{total}}}{{{under}}}"
    if repeating := _REPEATING.fullmatch(value):
        return _repeated(repeating["whole"], repeating["once"], repeating["again"], sign=repeating["sign"])
    if scientific := _SCIENTIFIC.fullmatch(value):
        return rf"{scientific[1]} \cdot 10^{{{int(scientific[2])}}}"
    return _INNER_DEGREES.sub(r"\\frac{\1\\pi}{180}", value)


def _repeated(whole: str, once: str, again: str, *, sign: str) -> str:
    """A repeating decimal as a fraction: all its digits less those before the repetition, over 9…90…0."""
    over = int(whole + once + again) - int(whole + once)
    return rf"{sign}\frac{{{over}}}{{{'9' * len(again) + '0' * len(once)}}}"


def _exact(value: str) -> Fraction | None:
    if _NUMBER.fullmatch(value):
        return Fraction(value.replace(" ", ""))
    found = _FRACTION.fullmatch(value)
    if found is None:
        return None
    sign, over, under = (found[1], found[2], found[3]) if found[2] else (found[4], found[5], found[6])
    return Fraction(int(over), int(under)) * (-1 if sign == "-" else 1) if int(under) else None
