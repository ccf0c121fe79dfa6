"""One number or expression with its currency, percent sign, unit and words.

Law: words that are no unit are dropped only as `Dropping` allows; nothing else is dropped.
"""

import re

from msgspec import Struct

from actors.gates.expressions import parse
from actors.gates.numerals import is_a_name, joined_thousands, written_out
from actors.gates.tokens import NotUnderstood
from actors.gates.trees import Expression, FunctionCall, Node, Symbol, children, is_constant
from actors.gates.units import SYMBOLS, changes_a_number, unit_of
from actors.gates.values import Quantity

LONGEST_UNIT = 80
MOST_WORDS = 40
"""The most words of a sentence with a number."""
_CURRENCY = re.compile(r"([-+]? ?)([$€£¥₹₩]|(?:USD|EUR|GBP)(?= ?[-+\d.])) ?(?=[-+\d.\\])")
_PER = re.compile(r" per | ?/ ?(?=[A-Za-z])")
_AMOUNT = re.compile(r"[-+ \d.,]++")
_PERCENT = re.compile(r"(?<=\S) ?(?:%|(?:per ?cent|pct)\b\.?)$")
_BASE = re.compile(r"(?<!\w)(?P<digits>\d[0-9A-Fa-f]*+)_(?:\{ ?(?P<base>\d{1,2}) ?\}|(?P<digit>\d))")
_MODULUS = re.compile(r" ?(?:\\pmod ?\{? ?(\d{1,9}) ?\}?|\( ?\\?mod ?(\d{1,9}) ?\))$")
_UNIT_BEGINS = re.compile(r"(?<=[\d.)}\]π!]) ?(?=[^\W\d_]|[°¢€$£₹₩])")
_ORDINAL = re.compile(r"\d(?:st|nd|rd|th)(?![A-Za-z])", re.IGNORECASE)
_ABBREVIATION = re.compile(r"[A-Za-z]")
_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|['-](?=[^\W\d_]))+[.,;:!?]?")
_COMPOUND = re.compile(r"(?<![\w.])(\d++(?:\.\d++)?) ?([A-Za-z]++\.?)(?: ?, ?and | and | ?, ?| |$)")


class Dropping(Struct, frozen=True):
    """The words beside a number that may be dropped.

    In a reference (`words` is None): all that do not change the number. In an answer: those that the reference has too.
    """

    words: frozenset[str] | None = None

    def allows(self, word: str) -> bool:
        """Whether the word may be dropped."""
        return not changes_a_number(word) and (self.words is None or word in self.words)


def words_of(text: str) -> frozenset[str]:
    """The words of a text in normal form, in lower case, of two letters or more."""
    return frozenset(_bare(word) for word in text.split() if _WORD.fullmatch(word))


def quantities_of(text: str, dropping: Dropping) -> tuple[Quantity, ...]:
    """One quantity, or several for a compound (`2 hours 30 minutes`). Raises NotUnderstood."""
    for reading in (_measured, _compound):
        try:
            return reading(text)
        except NotUnderstood:
            continue
    return (_among_words(text, dropping),)


def _measured(text: str) -> tuple[Quantity, ...]:
    text = joined_thousands(text)
    if based := _BASE.fullmatch(text):
        digits = based["digits"].lower().lstrip("0") or "0"
        tree = parse(digits).tree if digits.isdecimal() else Symbol(digits)
        return (Quantity(tree, modulus=f"base {based['base'] or based['digit']}"),)
    if found := _MODULUS.search(text):
        expression = _number(text[: found.start()])
        return (Quantity(expression.tree, modulus=f"mod {found[1] or found[2]}"),)
    unit = None
    if currency := _CURRENCY.match(text):
        unit = SYMBOLS[currency[2]]
        text = currency[1] + text[currency.end() :]
        per = _PER.search(text)
        if per is not None and _AMOUNT.fullmatch(text, 0, per.start()):
            unit, text = None, f"{text[: per.start()]} {unit}{text[per.start() :]}"
    if percent := _PERCENT.search(text):
        if unit is not None:
            raise NotUnderstood
        return (Quantity(_number(text[: percent.start()]).tree, percent=True),)
    text = written_out(text)
    found = None if unit is not None else _with_unit(text)
    if found is not None:
        return (found,)
    expression = _understood(text)
    return (Quantity(expression.tree, unit=unit, runs=expression.runs),)


def _with_unit(text: str) -> Quantity | None:
    for begins in _UNIT_BEGINS.finditer(text, max(0, len(text) - LONGEST_UNIT)):
        name = text[begins.end() :]
        unit = unit_of(name)
        if unit is None or (len(name) == 1 and _ABBREVIATION.match(name) and not begins[0]):
            continue  # 5m is a product
        try:
            expression = _understood(text[: begins.start()])
        except NotUnderstood:
            continue
        angle = unit == "°" and any(isinstance(node, FunctionCall) for node in _nodes(expression.tree))
        if angle or (len(name) < 3 and not is_constant(expression.tree)):
            continue
        return Quantity(expression.tree, unit=unit, runs=expression.runs)
    return None


def _compound(text: str) -> tuple[Quantity, ...]:
    """Several quantities with different units in a row, with or without `and` between them."""
    parts: list[Quantity] = []
    at = 0
    while at < len(text):
        found = _COMPOUND.match(text, at)
        unit = None if found is None else unit_of(found[2])
        if found is None or unit is None:
            raise NotUnderstood
        parts.append(Quantity(parse(found[1]).tree, unit=unit))
        at = found.end()
    if len({part.unit for part in parts}) < max(2, len(parts)):
        raise NotUnderstood
    return tuple(parts)


def _among_words(text: str, dropping: Dropping) -> Quantity:
    """The one number of a sentence whose other words may be dropped."""
    tokens = text.split(" ")
    if len(tokens) > MOST_WORDS:
        raise NotUnderstood
    first, last = 0, len(tokens)
    while first < last and _drops(tokens[first], dropping):
        first += 1
    for end in range(last, first, -1):
        try:
            (found,) = _measured(" ".join(tokens[first:end]).rstrip(".,;:!?"))
        except NotUnderstood:
            if not _drops(tokens[end - 1], dropping):
                raise
            continue
        if found.modulus is not None or not is_constant(found.tree):
            break
        dropped = [*tokens[:first], *tokens[end:]]
        return Quantity(found.tree, found.unit, found.percent, labels=frozenset(_bare(word) for word in dropped))
    raise NotUnderstood


def _drops(word: str, dropping: Dropping) -> bool:
    return _WORD.fullmatch(word) is not None and dropping.allows(_bare(word))


def _bare(word: str) -> str:
    return word.rstrip(".,;:!?").casefold()


def _number(text: str) -> Expression:
    return _understood(written_out(text))


def _understood(text: str) -> Expression:
    if is_a_name(text) or _ORDINAL.search(text):
        raise NotUnderstood
    return parse(text)


def _nodes(tree: Node) -> list[Node]:
    found = [tree]
    for node in found:
        found.extend(children(node))
    return found
