"""Exact values of trees that are rational numbers, and the values that a decimal stands for.

Law: no comparison uses a tolerance. A tree whose value is not rational, or costs more than microseconds, has None.
"""

import math
import operator
import struct
from collections.abc import Callable
from fractions import Fraction

from actors.gates.trees import FunctionCall, Node, Number, Power, Product, Quotient, Sum

MOST_BITS = 20_000
"""The most bits of a value that is computed here."""
LARGEST_FACTORIAL = 500
DECIMAL_PLACES = 6
DECIMAL_DIGITS = 5
"""A decimal with this many places and significant digits stands for every value that it is correctly rounded from."""
_DOUBLE_DIGITS = 15
"""Decimal digits that every double keeps; its shortest spelling has up to two more, which may be noise."""


def exact(node: Node) -> Fraction | None:
    """The value of a rational number; None for others, and for undefined or large values."""
    match node:
        case Number(value):
            return value
        case Sum(terms):
            return _folded(terms, Fraction(0), operator.add)
        case Product(factors):
            return _folded(factors, Fraction(1), operator.mul)
        case Quotient(over, under):
            a, b = exact(over), exact(under)
            return None if a is None or not b else a / b
        case Power(base, exponent):
            return _power(exact(base), exact(exponent))
        case FunctionCall(function, arguments):
            return _called(function, [exact(argument) for argument in arguments])
        case _:
            return None


def _folded(
    nodes: tuple[Node, ...], start: Fraction, combine: Callable[[Fraction, Fraction], Fraction]
) -> Fraction | None:
    value = start
    for node in nodes:
        part = exact(node)
        if part is None or _bits(value) + _bits(part) > MOST_BITS:
            return None
        value = combine(value, part)
    return value


def _power(base: Fraction | None, exponent: Fraction | None) -> Fraction | None:
    if base is None or exponent is None or (not base and exponent <= 0):
        return None
    if exponent.denominator != 1:
        return _root(base, exponent)
    if abs(exponent) * _bits(base) > MOST_BITS:
        return None
    return base ** int(exponent)


def _root(base: Fraction, exponent: Fraction) -> Fraction | None:
    """The square root of a square."""
    if exponent != Fraction(1, 2) or base < 0:
        return None
    over, under = math.isqrt(base.numerator), math.isqrt(base.denominator)
    return Fraction(over, under) if over * over == base.numerator and under * under == base.denominator else None


def _called(function: str, values: list[Fraction | None]) -> Fraction | None:
    given = [value for value in values if value is not None]
    if len(given) < len(values):
        return None
    first = given[0]
    if function == "abs":
        return abs(first)
    if function in ("floor", "ceiling"):
        return Fraction(math.floor(first) if function == "floor" else math.ceil(first))
    if any(value.denominator != 1 or not 0 <= value <= LARGEST_FACTORIAL for value in given):
        return None
    if function == "factorial":
        return Fraction(math.factorial(int(first)))
    return Fraction(math.comb(int(first), int(given[1]))) if function == "binomial" else None


def _bits(value: Fraction) -> int:
    return value.numerator.bit_length() + value.denominator.bit_length()


def is_long_decimal(node: Node) -> bool:
    """Whether a decimal may stand for the values that it is rounded from."""
    if not isinstance(node, Number) or node.places is None or node.places < DECIMAL_PLACES:
        return False
    return _digits(node) >= DECIMAL_DIGITS


def _digits(decimal: Number) -> int:
    """The number of significant digits, with zeros at the end."""
    return len(str(abs(int(decimal.value * 10 ** (decimal.places or 0)))))


def half_a_place(decimal: Number) -> Fraction:
    """The largest distance of a value from the decimal that it is rounded to."""
    return Fraction(1, 2 * 10 ** (decimal.places or 0))


def same_number(expected: Node, given: Node) -> bool | None:
    """Whether two rational numbers are equal, or one is a decimal that stands for the other; None: not rational."""
    a, b = exact(expected), exact(given)
    if a is None or b is None:
        return None
    if a == b or _noise_aside(expected, given, b):
        return True
    decimals = [isinstance(node, Number) and node.places is not None for node in (expected, given)]
    if all(decimals):
        return False
    return any(
        is_long_decimal(node) and isinstance(node, Number) and abs(a - b) <= half_a_place(node)
        for node in (expected, given)
    )


def _noise_aside(expected: Node, given: Node, value: Fraction) -> bool:
    """Whether a reference is a computed float (`0.30000000000000004`, the float32 `0.10000000149011612`), and an
    answer is that number at the float's own precision."""
    if not isinstance(expected, Number) or expected.places is None or not 1e-30 < abs(expected.value) < 1e30:
        return False
    if _digits(expected) <= _DOUBLE_DIGITS or abs(value) > 1e30:
        return False
    computed = float(expected.value)
    if expected.value not in (Fraction(repr(computed)), Fraction(f"{computed:.17g}")):
        return False
    if struct.unpack("f", struct.pack("f", computed))[0] == computed:
        return struct.unpack("f", struct.pack("f", float(value)))[0] == computed
    if isinstance(given, Number) and given.places is not None:
        return value == Fraction(f"{computed:.{_DOUBLE_DIGITS}g}")
    return f"{float(value):.{_DOUBLE_DIGITS}g}" == f"{computed:.{_DOUBLE_DIGITS}g}"
