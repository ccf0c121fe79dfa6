r"""A final answer read as a value that can be compared.

Law: an answer that is not understood whole (a name, a date, a range, a ratio, a word that is no unit) has no value, and
equals only its own spelling. docs/tasks/math.md says what an answer may leave out (a unit, a percent sign, `x =`).
Pure; linear in the length of the text.
"""

import re
from collections.abc import Iterable

from msgspec import Struct

from actors.gates.numerals import is_a_name, joined_thousands
from actors.gates.quantities import Dropping, quantities_of, words_of
from actors.gates.splitting import inside, separators, split
from actors.gates.tokens import NotUnderstood
from actors.gates.trees import Constant, FunctionCall, Node, Symbol, children, is_constant, negative, with_children
from actors.gates.typography import normal, spelling
from actors.gates.values import (
    Bracket,
    Inequality,
    Joined,
    Listing,
    Matrix,
    Named,
    OptionLetter,
    Quantity,
    Value,
    Words,
)

MOST_ITEMS = 100
"""The most items of a list, a tuple or a matrix."""
DEEPEST = 4
"""The most levels of lists, tuples and sets inside each other."""
_TIME = re.compile(r"(\d{1,2})(?::(\d{2}))? ?([ap])\.? ?m\.?", re.IGNORECASE)
_CHOICE = re.compile(r"(?P<opening>\( ?)?(?P<letter>[A-Za-z])(?P<closing> ?\))?")
_WORDS = re.compile(r"[^\W\d_](?:[^\W\d_]|[ '.&]|(?<=[^\W\d_]{2})-)*+")
_MEANT = re.compile(r"(?<![A-Za-z])(?:pi|inf|infinity|sin|cos|tan|cot|sec|csc|ln|log|exp)(?![A-Za-z])")
_MATRIX = re.compile(r"(?P<square>\[ ?)?\\begin ?\{(?P<kind>[pb]?matrix|array)\}(?: ?\{[clr| ]{0,40}\})?")
_NAME = re.compile(
    r"[A-Za-zα-ωΑ-Ω]{1,3}'?(?:_(?:[A-Za-z0-9]|\{[A-Za-z0-9]{1,4}\}))?(?:\([a-z](?:,[a-z])*\))?|\([a-z](?:, ?[a-z])+\)"
)
_LIST = separators(r" ?[,;] ?(?:and |or )?| and | or ")
_OR = separators(" or ")
_UNION = separators(" ?∪ ?")
_RELATION = separators(" ?[=<>≤≥≠∈] ?")
_MEMBER = re.compile(r"^([A-Za-z]) in (?=[\[(⦃{])")
_TURNED = {">": "<", "≥": "≤"}
_EVERYTHING = Bracket("(", (Quantity(negative(Constant("∞"))), Quantity(Constant("∞"))), ")")
_EMPTY = ("∅", "⦃⦄", "⦃ ⦄", "{}", "{ }")


class Answer(Struct, frozen=True):
    """`spelled`: the same for answers that differ only in typography; `value`: None if it is not understood."""

    spelled: str
    value: Value | None
    words: frozenset[str] = frozenset()


def read_reference(text: str) -> Answer:
    """A reference answer. Words beside its number may be dropped."""
    return _read(text, Dropping())


def read_answer(text: str, reference: Answer) -> Answer:
    """An answer to compare with a reference. Beside its number it may have only units and words that the reference has
    too."""
    return _read(text, Dropping(reference.words))


def _read(text: str, dropping: Dropping) -> Answer:
    said = normal(text).lstrip("=≈ ")
    try:
        value = _Reading(dropping).value(said)
    except NotUnderstood:
        value = None
    return Answer(spelling(said), value, words_of(said))


class _Reading(Struct, frozen=True):
    dropping: Dropping
    depth: int = 0

    def value(self, text: str) -> Value:
        """Raises NotUnderstood."""
        if self.depth > DEEPEST or not text:
            raise NotUnderstood
        if text in _EMPTY:
            return Listing(())
        if text == "ℝ":
            return _EVERYTHING
        for reading in (_time, _choice, self._matrix, self._union, self._list, self._relation, self._bracket):
            found = reading(text)
            if found is not None:
                return found
        if len(text) > 1 and _WORDS.fullmatch(text) and not _MEANT.search(text):
            return Words(spelling(text))
        return self._quantity(text)

    def _inner(self, text: str) -> Value:
        return _Reading(self.dropping, self.depth + 1).value(text)

    def _matrix(self, text: str) -> Matrix | None:
        found = _MATRIX.match(text)
        if found is None:
            return None
        text = text.removesuffix("]").rstrip() if found["square"] else text
        end = rf"\end{{{found['kind']}}}"
        if not text.endswith(end):
            raise NotUnderstood
        rows = text[found.end() : len(text) - len(end)].strip()
        cells = [row.split("&") for row in rows.removesuffix("⏎").split("⏎")]
        if sum(map(len, cells)) > MOST_ITEMS:
            raise NotUnderstood
        return Matrix(tuple(tuple(self._inner(cell.strip()) for cell in row) for row in cells))

    def _union(self, text: str) -> Value | None:
        parts, found = split(text, _UNION)
        if not found:
            parts, found = split(text, _OR)
            if not found or not all(any(sign in part for sign in "<>≤≥") for part in parts):
                return None
        if len(parts) > MOST_ITEMS:
            raise NotUnderstood
        values = [self._inner(part) for part in parts]
        joined = Joined(tuple(_unnamed(value) for value in values))
        names = {value.name if isinstance(value, Named) else "" for value in values}
        if len(names) > 1 or not all(isinstance(part, Bracket | Listing) for part in joined.parts):
            raise NotUnderstood
        name = names.pop()
        return Named(name, joined) if name else joined

    def _list(self, text: str) -> Value | None:
        parts, found = split(joined_thousands(text), _LIST)
        return self._items(parts, either=any("or" in mark for mark in found)) if found else None

    def _items(self, parts: list[str], *, either: bool = False) -> Value:
        """`either`: there is an `or` between them, which means the same as `and` only between values of one thing."""
        if len(parts) > MOST_ITEMS:
            raise NotUnderstood
        values = [self._inner(part) for part in parts]
        if any(isinstance(value, Words) for value in values):
            if either or not all(isinstance(value, Words | OptionLetter) for value in values):
                raise NotUnderstood
            return Listing(tuple(values))
        if any(
            isinstance(value, Inequality | Joined) or (either and isinstance(value, OptionLetter)) for value in values
        ):
            raise NotUnderstood
        named = [value for value in values if isinstance(value, Named)]
        if len({value.name for value in named}) > 1:
            if either:
                raise NotUnderstood
            return _assigned(values, named)
        return Listing(tuple(_flat(values)))

    def _relation(self, text: str) -> Value | None:
        parts, signs = split(_MEMBER.sub(r"\1 ∈ ", text), _RELATION)
        if not signs:
            return None
        if signs == ["="]:
            return self._equation(*parts)
        if signs == ["∈"] and _NAME.fullmatch(parts[0]):
            return Named(parts[0], self._inner(parts[1]))
        sides = [self._side(part) for part in parts]
        if signs == ["≠"]:
            return Inequality(("≠",), tuple(sides))
        if all(sign in _TURNED for sign in signs):
            sides, signs = sides[::-1], [_TURNED[sign] for sign in signs[::-1]]
        if len(signs) > MOST_ITEMS or any(sign not in "<≤" for sign in signs):
            raise NotUnderstood
        return _interval(sides, signs) or Inequality(tuple(signs), tuple(sides))

    def _equation(self, left: str, right: str) -> Value:
        if not _NAME.fullmatch(left) and _NAME.fullmatch(right):
            left, right = right, left
        if not _NAME.fullmatch(left):
            return Inequality(("=",), (self._side(left), self._side(right)))
        value = self._inner(right)
        equation = None
        if isinstance(value, Quantity) and "(" not in left:
            equation = Inequality(("=",), (self._side(left), value))
        return Named(left.replace(" ", ""), value, equation)

    def _side(self, text: str) -> Quantity:
        value = self._quantity(text) if len(text) != 1 or not text.isalpha() else Quantity(Symbol(text))
        if not isinstance(value, Quantity):
            raise NotUnderstood
        return value

    def _bracket(self, text: str) -> Value | None:
        found = inside(text)
        if found is None:
            return None
        opening, content, closing = found
        parts, marks = split(content, _LIST)
        if not marks:
            alone = opening + closing in ("()", "{}") and "\\over" not in content and not is_a_name(text)
            if opening == "⦃":
                return Listing(tuple(_flat([self._inner(content)])))
            return self._inner(content) if alone else None
        if not all(mark in (",", ";") for mark in marks) or len(parts) > MOST_ITEMS:
            raise NotUnderstood
        if opening in "{⦃":
            return self._items(parts)
        return Bracket(opening, tuple(self._inner(part) for part in parts), closing)

    def _quantity(self, text: str) -> Value:
        found = quantities_of(text, self.dropping)
        values = [value for quantity in found for value in _signs_apart(quantity)]
        return values[0] if len(values) == 1 else Listing(tuple(values))


def _time(text: str) -> Words | None:
    found = _TIME.fullmatch(text)
    return None if found is None else Words(f"{int(found[1])}:{found[2] or '00'} {found[3].lower()}m")


def _choice(text: str) -> OptionLetter | None:
    found = _CHOICE.fullmatch(text)
    if found is None or not (found["opening"] or found["closing"] or found["letter"].isupper()):
        return None
    return OptionLetter(found["letter"])


def _unnamed(value: Value) -> Value:
    return value.value if isinstance(value, Named) else value


def _flat(values: Iterable[Value]) -> list[Value]:
    """The values, with `±3` inside a list as two of them."""
    flat: list[Value] = []
    for value in values:
        inner = _unnamed(value)
        flat.extend(inner.items if isinstance(inner, Listing) else [value])
    return flat


def _assigned(values: list[Value], named: list[Named]) -> Named:
    """`x = 1, y = 2` as `(x,y) = (1,2)`, in the order of the names."""
    if len({value.name for value in named}) < len(values):
        raise NotUnderstood
    ordered = sorted(named, key=lambda value: value.name)
    return Named(f"({','.join(value.name for value in ordered)})", Bracket("(", tuple(v.value for v in ordered), ")"))


def _signs_apart(quantity: Quantity) -> list[Quantity]:
    """`2 ± x` as two quantities."""
    both = [_with_sign(quantity.tree, minus=minus) for minus in (False, True)]
    if both[0] == both[1]:
        return [quantity]
    return [Quantity(tree, quantity.unit, quantity.percent, quantity.labels, quantity.runs) for tree in both]


def _with_sign(tree: Node, *, minus: bool) -> Node:
    parts = tuple(_with_sign(part, minus=minus) for part in children(tree))
    if isinstance(tree, FunctionCall) and tree.function == "plus_minus":
        return negative(parts[0]) if minus else parts[0]
    return with_children(tree, parts)


def _interval(sides: list[Quantity], signs: list[str]) -> Named | None:
    """The interval of an ascending chain with one lone letter, between constants or at its end; None for others."""
    letters = [isinstance(side.tree, Symbol) for side in sides]
    if sum(letters) != 1 or len(sides) > 3 or (len(sides) == 3 and not letters[1]):
        return None
    if any(not is_constant(side.tree) for side, letter in zip(sides, letters, strict=True) if not letter):
        return None
    at = letters.index(True)
    low = sides[at - 1] if at else Quantity(negative(Constant("∞")))
    high = sides[at + 1] if at + 1 < len(sides) else Quantity(Constant("∞"))
    opening = "[" if at and signs[at - 1] == "≤" else "("
    closing = "]" if at < len(signs) and signs[at] == "≤" else ")"
    letter = sides[at].tree
    return Named(letter.name, Bracket(opening, (low, high), closing)) if isinstance(letter, Symbol) else None
