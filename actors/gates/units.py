r"""Units of measure and currencies at the end of an answer. Law: a name that is not known here is never compared.

One table of usual names; plurals, squares and cubes (`square feet`, `ft^2`) are worked out.
"""

import re

from msgspec import Struct

_NAMED = """
mm: millimeter millimetre | cm: centimeter centimetre | m: meter metre | km: kilometer kilometre
in: inch inche | ft: foot feet | yd: yard | mi: mile
mg: milligram | g: gram | kg: kilogram kilo | lb: pound | oz: ounce | ton: tonne
ml: milliliter millilitre mL | l: liter litre L | gal: gallon | qt: quart | pt: pint
s: second sec | min: minute | h: hour hr | day | week | month | year yr
mph: mile/hour mi/h mi/hr | km/h: kilometer/hour kph km/hr kmh | m/s: meter/second | ft/s: foot/second
dollar: buck USD | cent | euro: EUR | GBP: | yen: JPY
hz: hertz | j: joule | w: watt | v: volt | n: newton
"""
_ALIASES: dict[str, str] = {}
for _line in _NAMED.replace("\n", "|").split("|"):
    _name, _, _others = _line.strip().partition(":")
    for _alias in (_name, *_others.split()):
        _ALIASES[_alias] = _name
SYMBOLS = {"$": "dollar", "€": "euro", "£": "GBP"}

_POWERED = re.compile(r"(?:(?P<word>sq(?:uare|\.)?|cu(?:bic|\.)?)\s+)?(?P<name>.*?)(?:\s+(?P<after>squared|cubed))?")
_POWER = r"\s*(?:\^\s*\{?(?P<power>[23])\}?)?$"
_LATEX = re.compile(r"(?<=[^\s\\])\s*\\(?:text|textrm|mathrm|mbox)\{(?P<name>[^{}]*)\}" + _POWER)
_PLAIN = re.compile(r"(?<=[\d.}])(?P<space>\s*)(?P<name>[A-Za-z][A-Za-z/. ]*?)" + _POWER)
_FUNCTIONS = frozenset(
    ["sqrt", "sin", "cos", "tan", "cot", "sec", "csc", "log", "exp", "arcsin", "arccos", "arctan", "mod", "inf"]
)
_LONGEST = 64
"""Characters at an answer's end in which a unit is looked for: it bounds the search, whatever the text."""


class Measured(Struct, frozen=True):
    """A value and its unit: by its usual name if it is known, None if there is none or nobody knows it."""

    value: str
    unit: str | None = None


def measured(text: str) -> Measured:
    r"""The unit taken off the end of an answer: `5 cm`, `5\text{ cm}^2`, `3 apples`; what is no unit stays."""
    tail = max(0, len(text) - _LONGEST)
    found = _LATEX.search(text, tail)
    if found is None:
        found = _PLAIN.search(text, tail)
        if found is None or not _stands_apart(found["name"].strip(), found["space"]):
            return Measured(text)
    name = found["name"].strip()
    unit = unit_of(name, found["power"])
    if unit is None and not _is_wording(name):
        return Measured(text)
    return Measured(text[: found.start()].strip(), unit)


def unit_of(name: str, power: str | None = None) -> str | None:
    """The usual name of a unit (`square feet` gives `ft^2`); None for one that is not known."""
    found = _POWERED.fullmatch(" ".join(name.replace(".", "").split()))
    if found is None:
        return None
    base = _ALIASES.get(_singular(found["name"])) or _ALIASES.get(found["name"])
    squared = (found["word"] or "").startswith("sq") or found["after"] == "squared"
    cubed = (found["word"] or "").startswith("cu") or found["after"] == "cubed"
    exponent = power or ("2" if squared else "3" if cubed else None)
    return base if base is None or exponent is None else f"{base}^{exponent}"


def _singular(name: str) -> str:
    lower = name if len(name) <= 2 else name.lower()
    parts = [part.strip() for part in lower.replace(" per ", "/").split("/")]
    return "/".join(part.removesuffix("s") if len(part) > 2 else part for part in parts)


def _stands_apart(name: str, space: str) -> bool:
    """Whether letters behind a number are no factor of it: `5 m` and `5cm`, not `5x` or `5m`."""
    return bool(space) or (len(name) > 1 and unit_of(name) is not None)


def _is_wording(name: str) -> bool:
    words = name.split()
    return bool(words) and all(len(word) > 2 and word.isalpha() and word not in _FUNCTIONS for word in words)
