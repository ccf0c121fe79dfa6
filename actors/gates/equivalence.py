r"""Whether two final answers are equal, by the rules of docs/tasks/math.md.

Law: fail closed. Answers are equal if they have the same spelling, or if their values are shown to be equal part by
part. Rational numbers are decided here, exactly and in microseconds; expressions go to `Scalars`, which in a run is a
process with an algebra library (`actors.gates.equality_worker`).
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Protocol

from actors.gates.answers import read_answer, read_reference
from actors.gates.arithmetic import exact, same_number
from actors.gates.trees import FunctionCall, Node, Number, Product, Sum, Symbol, is_constant, negative
from actors.gates.units import unit_of
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

_PLAIN = re.compile(r"\$?(-?(?:\d{1,3}(?:,\d{3})++|\d{1,1000}+)(?:\.\d{1,1000}+)?)")


class Scalars(Protocol):
    """Decides the cases that rational arithmetic cannot."""

    def equal(self, expected: Node, given: Node) -> bool:
        """Whether two expressions have the same value."""
        ...

    def proportional(self, expected: Node, given: Node) -> bool:
        """Whether one is the other times a constant that is not zero."""
        ...


class LibraryNeeded(Exception):
    """Reading alone cannot decide."""


class _NoLibrary:
    def equal(self, expected: Node, given: Node) -> bool:
        raise LibraryNeeded

    def proportional(self, expected: Node, given: Node) -> bool:
        raise LibraryNeeded


def by_reading(reference: str, candidate: str) -> bool | None:
    """Whether they are equal; None: only a library can decide."""
    plain = _plain(reference), _plain(candidate)
    if plain[0] is not None and plain[1] is not None:
        return same_number(plain[0], plain[1])
    try:
        return equal(reference, candidate, _NoLibrary())
    except LibraryNeeded:
        return None


def equal(reference: str, candidate: str, scalars: Scalars) -> bool:
    """Whether the candidate equals the reference."""
    expected = read_reference(reference)
    given = read_answer(candidate, expected)
    if not given.spelled:
        return False
    values = expected.value, given.value
    if any(value is None or isinstance(value, Words) for value in values) and expected.spelled == given.spelled:
        return True
    if values[0] is None or values[1] is None:
        return False
    return _Comparison(scalars).same(values[0], values[1])


def _plain(text: str) -> Number | None:
    """The most common answer, read ten times as fast: a numeral, perhaps in dollars."""
    found = _PLAIN.fullmatch(text)
    if found is None:
        return None
    digits = found[1].replace(",", "")
    return Number(Fraction(digits), len(digits.partition(".")[2]) if "." in digits else None)


class _Comparison:
    """Compares values part by part."""

    def __init__(self, scalars: Scalars) -> None:
        self._scalars = scalars

    def same(self, expected: Value, given: Value) -> bool:  # noqa: C901  (one case for each pair of types)
        if expected == given:
            return True
        match expected, given:
            case Quantity(), Quantity():
                return self._quantities(expected, given)
            case OptionLetter(a), OptionLetter(b):
                return a.casefold() == b.casefold()
            case (OptionLetter(letter), Quantity(Symbol(name))) | (Quantity(Symbol(name)), OptionLetter(letter)):
                return letter == name
            case Bracket(), Bracket():
                shape = (expected.opening, expected.closing) == (given.opening, given.closing)
                return shape and self._in_order(expected.items, given.items)
            case Matrix(a), Matrix(b):
                return len(a) == len(b) and all(self._in_order(*rows) for rows in zip(a, b, strict=True))
            case Joined(a), Joined(b):
                return self._in_any_order(a, b)
            case Inequality(), Inequality():
                return self._chains(expected, given)
            case (Named(), _) | (_, Named()):
                return self._named(expected, given)
            case (Listing(a), _) if not isinstance(given, Listing):
                return len(a) == 1 and self.same(a[0], given)
            case (_, Listing(b)) if not isinstance(expected, Listing):
                return len(b) == 1 and self.same(expected, b[0])
            case Listing(a), Listing(b):
                return self._tagged(a, b) and self._in_any_order(a, b)
            case _:
                return False

    def _in_order(self, expected: tuple[Value, ...], given: tuple[Value, ...]) -> bool:
        return len(expected) == len(given) and all(self.same(a, b) for a, b in zip(expected, given, strict=True))

    def _in_any_order(self, expected: tuple[Value, ...], given: tuple[Value, ...]) -> bool:
        if len(expected) != len(given):
            return False
        left = list(given)
        for value in expected:
            at = next((at for at, other in enumerate(left) if self.same(value, other)), None)
            if at is None:
                return False
            del left[at]
        return True

    def _tagged(self, expected: tuple[Value, ...], given: tuple[Value, ...]) -> bool:
        """If the reference has items with different units or labels (`2 hours 30 minutes`), it needs some too."""
        tags = {(item.unit, item.labels) for item in expected if isinstance(item, Quantity)}
        return len(tags) < 2 or all(item.unit or item.labels for item in given if isinstance(item, Quantity))

    def _named(self, expected: Value, given: Value) -> bool:
        """A name may be left out; two names must be the same, or belong to the same equation."""
        equations = [value.equation if isinstance(value, Named) else value for value in (expected, given)]
        names = [value.name for value in (expected, given) if isinstance(value, Named)]
        values = [value.value if isinstance(value, Named) else value for value in (expected, given)]
        if len(set(names)) == 1 and not isinstance(expected, Inequality) and not isinstance(given, Inequality):
            return self.same(values[0], values[1])
        if len(names) == 2 and all(isinstance(value, Quantity) and is_constant(value.tree) for value in values):
            return False
        a, b = equations
        return isinstance(a, Inequality) and isinstance(b, Inequality) and self._chains(a, b)

    def _chains(self, expected: Inequality, given: Inequality) -> bool:
        if expected.signs != given.signs or _letters_exchanged(expected.sides, given.sides):
            return False
        if any(side.unit or side.percent or side.modulus for side in (*expected.sides, *given.sides)):
            return False
        if expected.signs[0] in "=≠":
            a, b = (Sum((chain.sides[0].tree, negative(chain.sides[1].tree))) for chain in (expected, given))
            return self._scalars.proportional(a, b)
        return self._in_order(expected.sides, given.sides)

    def _quantities(self, expected: Quantity, given: Quantity) -> bool:
        if not _same_unit(expected, given) or _letters_exchanged((expected,), (given,)):
            return False
        undecided: list[tuple[Node, Node]] = []
        for a, b in _readings(expected, given):
            decided = a == b or same_number(a, b)
            if decided:
                return True
            if decided is None:
                undecided.append((a, b))
        return any(self._scalars.equal(a, b) for a, b in undecided)


def _same_unit(expected: Quantity, given: Quantity) -> bool:
    """Whether two units, moduli and labels agree. The answer may leave them out; it may add a unit of the table."""
    if given.modulus is not None and given.modulus != expected.modulus:
        return False
    if not given.labels <= expected.labels:
        return False
    if given.percent and not expected.percent:
        return expected.unit is None and expected.modulus is None and not expected.labels
    if given.unit is None or given.unit == expected.unit:
        return True
    if expected.percent or expected.unit is not None or expected.modulus is not None:
        return False
    return not expected.labels or any(unit_of(label) == given.unit for label in expected.labels)


def _readings(expected: Quantity, given: Quantity) -> Iterator[tuple[Node, Node]]:
    """The pairs of values, with and without a percent or degree sign; one pair must be equal."""
    a, b = expected.tree, given.tree
    if expected.percent and given.unit is None and not given.percent:
        yield from ((a, b), (_hundredth(a), b))
    elif given.percent and not expected.percent:
        yield a, _hundredth(b)
        value = exact(a)
        if value is not None and abs(value) > 1:
            yield a, b  # a reference that leaves the sign out
    else:
        yield a, b
    if (expected.unit == "°") != (given.unit == "°"):
        yield _radians(a) if expected.unit == "°" else a, _radians(b) if given.unit == "°" else b


def _hundredth(node: Node) -> Node:
    if isinstance(node, Number) and node.places is not None:
        return Number(node.value / 100, node.places + 2)
    return Product((node, Number(Fraction(1, 100))))


def _radians(node: Node) -> Node:
    return FunctionCall("degrees", (node,))


def _letters_exchanged(expected: tuple[Quantity, ...], given: tuple[Quantity, ...]) -> bool:
    """Whether letters side by side have another order in the other answer: `ab` may be a name and no product."""
    runs = [{run for side in sides for run in side.runs} for sides in (expected, given)]
    return any(a != b and sorted(a) == sorted(b) for a in runs[0] for b in runs[1])
