"""Flaws that are put into a sentence of real prose by rule: one thing is changed, and with it what the sentence says.

Law: a flaw is found, or None is given; what is given says something else of the same matter. No model is asked.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from random import Random

from msgspec import Struct

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip
NUMBER_WORDS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_YEAR = re.compile(r"(?<![\d,.$])(1[0-9]{3}|20\d\d)(?!\d|,\d|\.\d|%| [a-z]*met| feet| km| m\b)")
_MONTH = re.compile(rf"\b({'|'.join(MONTHS)})\b")
_PARTICLES = re.compile(r"\W*(?:(?:the|of|de|al|da|bin|and the)\W*)+")
_CENTURY = re.compile(r"\b(\d{1,2})(st|nd|rd|th)(?=[- ]centur)")
_NUMBER = re.compile(r"(?<![\w.,-])((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)(?![\w-]|[.,]\d)")
_NUMBER_WORD = re.compile(rf"\b({'|'.join(NUMBER_WORDS)})\b", re.I)
_NAME = re.compile(r"(?<![.!?:] )(?<!^)\b[A-Z][\w’'-]+(?: (?:of |and the )?[A-Z][\w’'-]+)*")
_OPPOSITES = """
north south|northern southern|northward southward|east west|eastern western|northeast southwest
northeastern southwestern|northwest southeast
northwestern southeastern|before after|first last|largest smallest|larger smaller|higher lower
highest lowest|increase decrease|increased decreased|increasing decreasing|more fewer|more less|most least|many few
won lost|win lose|wins loses|victory defeat|success failure|successful unsuccessful|majority minority|early late
earlier later|inside outside|internal external|joined left|public private|urban rural|strong weak|stronger weaker
best worst|upper lower|male female|men women|always never|import export|imports exports|above below|rich poor
gained lost|accepted rejected|approved rejected|strengthened weakened|expanded shrank|formal informal|began ended
permanent temporary|domestic foreign|oldest newest|older younger|winter summer|dry wet|hot cold|warm cool
positive negative|minimum maximum|support oppose|supported opposed|supports opposes|legal illegal|known unknown
major minor|heavy light|long short|longest shortest|high low|deep shallow|thick thin|good bad|rapid slow|rapidly slowly
old new|young old|top bottom|allow forbid|allows forbids|allowed forbade|started stopped|starts ends
begins ends|rose fell|rising falling|growth decline|united divided|black white|red blue|green yellow|gold silver
founded abolished|created dissolved|established abolished|enemy ally|peace war|easy hard|common rare|rarely often
usually seldom|with without|all none|every no|possible impossible|able unable|safe dangerous
complete incomplete|fast slow|faster slower|cheap expensive|simple complex|soft hard|metal gas|solid liquid
natural artificial|same different|wide narrow|wider narrower|full empty|open closed|northernmost southernmost
failed managed|refused agreed|denied confirmed|banned permitted|over under|buy sell|bought sold|day night|son father
"""
OPPOSITES: Mapping[str, str] = {
    one: other
    for pair in _OPPOSITES.replace("\n", "|").split("|")
    if pair
    for one, other in (pair.split(), reversed(pair.split()))
}
_OPPOSED = re.compile(rf"\b({'|'.join(OPPOSITES)})\b", re.I)
_AUXILIARY = re.compile(r"\b(is|are|was|were|can|could|will|would|should|must|has been|have been|had been)\b(?! not\b)")
_HAS_DONE = re.compile(r"\b(has|have|had)\b(?= (?:[a-z]+ly )?(?:[a-z]+ed|taken|made|become|grown|held|led|won|lost)\b)")
_NEGATED = re.compile(r"\b(is|are|was|were|can|could|will|would|should|must|has|have|had|do|does|did) not\b")
_BASE = {"became": "become", "began": "begin", "took": "take", "fell": "fall", "rose": "rise", "went": "go",
         "gave": "give", "grew": "grow", "arrived": "arrive", "remained": "remain"}  # fmt: skip
_FINITE = re.compile(rf"(?<!and )(?<!, )\b({'|'.join(_BASE)})\b(?! by)")


class Around(Struct, frozen=True):
    """What a flaw may draw on. `names`: of all texts, by the word before them."""

    passage: str
    names: Mapping[str, Sequence[str]]


def number(sentence: str, around: Around, rng: Random) -> str | None:
    """Another number; half of the time one that stands in the passage."""
    found = [each for each in _NUMBER.finditer(sentence) if not _YEAR.fullmatch(each[1]) and not _dated(sentence, each)]
    words = list(_NUMBER_WORD.finditer(sentence))
    if not found or (words and rng.random() < 0.5):
        return _other_word(sentence, words, NUMBER_WORDS, rng)
    spot = rng.choice(found)
    there = [each[1] for each in _NUMBER.finditer(around.passage) if not _YEAR.fullmatch(each[1])]
    others = [each for each in there if _value(each) != _value(spot[1])]
    return _put(sentence, spot, rng.choice(others) if others and rng.random() < 0.5 else _scaled(spot[1], rng))


def date(sentence: str, around: Around, rng: Random) -> str | None:
    """Another year, century or month; a year is half of the time one that stands in the passage."""
    ways = [way for way in (_other_year, _other_century, _other_month) if way(sentence, around, Random(0))]
    return rng.choice(ways)(sentence, around, rng) if ways else None


def _other_year(sentence: str, around: Around, rng: Random) -> str | None:
    found = list(_YEAR.finditer(sentence))
    if not found:
        return None
    spot = rng.choice(found)
    others = sorted({each[1] for each in _YEAR.finditer(around.passage)} - {each[1] for each in found})
    moved = str(int(spot[1]) + rng.choice((-1, 1)) * rng.choice((1, 2, 3, 5, 7, 10, 12, 20, 35, 60)))
    return _put(sentence, spot, rng.choice(others) if others and rng.random() < 0.5 else moved)


def _other_century(sentence: str, around: Around, rng: Random) -> str | None:
    found = list(_CENTURY.finditer(sentence))
    if not found:
        return None
    spot = rng.choice(found)
    new = rng.choice([each for each in range(4, 21) if each != int(spot[1])])
    return _put(sentence, spot, f"{new}th")


def _other_month(sentence: str, around: Around, rng: Random) -> str | None:
    return _other_word(sentence, [each for each in _MONTH.finditer(sentence) if each[1] != "May"], MONTHS, rng)


def name(sentence: str, around: Around, rng: Random) -> str | None:
    """Another name that is used behind the same word; half of the time one that stands in the passage."""
    found = [each for each in _NAME.finditer(sentence) if not _MONTH.search(each[0])]
    rng.shuffle(found)
    for spot in found:
        alike = around.names.get(before(sentence, spot.start()), ())
        others = [each for each in alike if not _share_words(each, sentence)]
        here = [each for each in others if each in around.passage]
        if others:
            return _put(sentence, spot, rng.choice(here if here and rng.random() < 0.5 else others))
    return None


def negation(sentence: str, around: Around, rng: Random) -> str | None:
    """A *not* taken out, or put in."""
    if negated := list(_NEGATED.finditer(sentence)):
        spot = rng.choice(negated)
        return None if spot[1] in ("do", "does", "did") else _put(sentence, spot, spot[1])
    auxiliaries = [*_AUXILIARY.finditer(sentence), *_HAS_DONE.finditer(sentence)]
    if auxiliaries:
        spot = min(auxiliaries, key=lambda each: each.start())
        first, *rest = spot[1].split()
        put = rng.choice((f"{first} not", f"{first} not", f"{first} never", f"{first} no longer"))
        return _put(sentence, spot, " ".join((put, *rest)))
    finite = next(_FINITE.finditer(sentence), None)
    return None if finite is None else _put(sentence, finite, f"did not {_BASE[finite[1]]}")


def relation(sentence: str, around: Around, rng: Random) -> str | None:
    """The other end of a pair of opposites, or two names changed about."""
    opposed, exchanged = list(_OPPOSED.finditer(sentence)), _exchanged(sentence, rng)
    if not opposed or (exchanged and rng.random() < 0.4):
        return exchanged
    spot = rng.choice(opposed)
    other = OPPOSITES[spot[1].lower()]
    return _put(sentence, spot, other.capitalize() if spot[1][0].isupper() else other)


FLAWS: Mapping[str, Callable[[str, Around, Random], str | None]] = {
    "number": number,
    "date": date,
    "name": name,
    "negation": negation,
    "relation": relation,
}


def names_in(sentence: str) -> list[tuple[str, str]]:
    """Each name with the word before it."""
    spots = (each for each in _NAME.finditer(sentence) if not _MONTH.search(each[0]))
    return [(before(sentence, spot.start()), spot[0]) for spot in spots]


def before(sentence: str, place: int) -> str:
    """The word before a place, in lower case."""
    words = sentence[:place].split()
    return words[-1].lower() if words else ""


def figures_in(text: str) -> set[str]:
    """The numbers of a text."""
    return {each.replace(",", "") for each in re.findall(r"\d[\d,]*(?:\.\d+)?", text)}


def _exchanged(sentence: str, rng: Random) -> str | None:
    """Two neighbouring names changed about, where a verb or a preposition stands between them and no list."""
    found = list(_NAME.finditer(sentence))
    pairs = [
        (one, other)
        for one, other in pairwise(found)
        if 1 <= len((between := sentence[one.end() : other.start()]).split()) <= 6
        and not _PARTICLES.fullmatch(between)
        and not re.search(r"[,;(]|\b(and|or|with|between)\b", between)
        and "between" not in sentence[: one.start()]
        and not _share_words(one[0], other[0])
        and not _MONTH.search(one[0] + other[0])
    ]
    if not pairs:
        return None
    one, other = rng.choice(pairs)
    return sentence[: one.start()] + other[0] + sentence[one.end() : other.start()] + one[0] + sentence[other.end() :]


def _other_word(sentence: str, found: Sequence[re.Match[str]], words: Sequence[str], rng: Random) -> str | None:
    if not found:
        return None
    spot = rng.choice(found)
    new = rng.choice([word for word in words if word.lower() != spot[1].lower()])
    return _put(sentence, spot, new.capitalize() if spot[1][0].isupper() else new)


def _scaled(digits: str, rng: Random) -> str:
    value = _value(digits)
    decimals = len(digits.partition(".")[2])
    steps = (0.25, 0.5, 0.7, 1.3, 1.6, 2, 3, 10) if value >= 10 else (2, 3, 4, 5)
    new = value * rng.choice(steps)
    text = f"{new:,.{decimals}f}" if "," in digits or new >= 10_000 else f"{new:.{decimals}f}"
    return text if _value(text) != value else f"{value + 2:.{decimals}f}"


def _value(digits: str) -> float:
    return float(digits.replace(",", "").rstrip("."))


def _dated(sentence: str, spot: re.Match[str]) -> bool:
    """A day of a month says little; it is no number of anything."""
    return bool(_MONTH.match(sentence[spot.end() :].lstrip()) or _MONTH.search(sentence[: spot.start()][-10:]))


def _share_words(one: str, other: str) -> bool:
    return bool({word.lower() for word in one.split()} & {word.lower().strip(".,") for word in other.split()})


def _put(sentence: str, spot: re.Match[str], new: str) -> str | None:
    found = sentence[: spot.start()] + new + sentence[spot.end() :]
    return None if found == sentence else found
