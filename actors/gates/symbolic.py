"""Compares expressions with an algebra library. Law: only a proof makes two expressions equal; no tolerance decides.

Trees are built in sympy node by node: its parsers never read a text. Two expressions that differ at some point are
different. If they agree at every point tried, they are equal only if their difference simplifies to zero; otherwise
NotShown is raised. A comparison may never end, so run it in a process that can be killed
(`actors.gates.equality_worker`).
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import sympy

from actors.gates.arithmetic import half_a_place, is_long_decimal
from actors.gates.trees import Constant, FunctionCall, Node, Number, Power, Product, Quotient, Sum, Symbol

DIGITS = 15
"""Digits to which a difference must be known before it counts as not zero."""
PRECISION = 2_000
"""The most digits of a computation that looks for them."""
_POINTS = ("17/13", "-29/11", "5/7", "-3/19")
"""Values of letters at which expressions are compared; each letter has another value."""
_COMPLEX = frozenset("zw")
"""Letters that may stand for complex numbers; all others are real."""
_CONSTANTS = {"π": sympy.pi, "e": sympy.E, "i": sympy.I, "∞": sympy.oo}
_FUNCTIONS = {
    "sin": sympy.sin, "cos": sympy.cos, "tan": sympy.tan, "cot": sympy.cot, "sec": sympy.sec, "csc": sympy.csc,
    "arcsin": sympy.asin, "arccos": sympy.acos, "arctan": sympy.atan, "sinh": sympy.sinh, "cosh": sympy.cosh,
    "tanh": sympy.tanh, "ln": sympy.log, "exp": sympy.exp, "abs": sympy.Abs, "floor": sympy.floor,
    "ceiling": sympy.ceiling, "factorial": sympy.factorial, "binomial": sympy.binomial,
}  # fmt: skip
_UNKNOWN_BASE = sympy.Symbol("base", positive=True)
"""The base of a `log` without one."""


class NotShown(Exception):
    """It could be shown neither that two expressions are equal nor that they differ."""


class Algebra:
    """The `Scalars` of `actors.gates.equivalence`."""

    def equal(self, expected: Node, given: Node) -> bool:
        """Raises NotShown."""
        a, b = built(expected), built(given)
        for decimal, value in ((expected, b), (given, a)):
            if isinstance(decimal, Number) and is_long_decimal(decimal) and value.is_number:
                return _rounds_to(value, decimal)
        if a.has(sympy.zoo, sympy.nan) or b.has(sympy.zoo, sympy.nan):
            return False
        if a == b:
            return True
        return _finite(a) and _finite(b) and is_zero(a - b)

    def proportional(self, expected: Node, given: Node) -> bool:
        """Raises NotShown."""
        a, b = built(expected), built(given)
        if not (_finite(a) and _finite(b)) or a.is_number or b.is_number:
            return False
        if a.free_symbols != b.free_symbols:
            return False
        at = dict(_point(a.free_symbols, 0))
        scale_a, scale_b = a.subs(at), b.subs(at)
        if is_zero(scale_a) or is_zero(scale_b):
            raise NotShown
        return is_zero(a * scale_b - b * scale_a)


def built(node: Node) -> Any:  # noqa: C901  (one case for each type)
    """The tree in sympy."""
    match node:
        case Number(value):
            return sympy.Rational(value.numerator, value.denominator)
        case Constant(name):
            return _CONSTANTS[name]
        case Symbol(name):
            return sympy.Symbol(name) if name[0] in _COMPLEX else sympy.Symbol(name, real=True)
        case Sum(terms):
            return sympy.Add(*map(built, terms))
        case Product(factors):
            return sympy.Mul(*map(built, factors))
        case Quotient(over, under):
            return built(over) / built(under)
        case Power(base, exponent):
            return _power(built(base), built(exponent))
        case FunctionCall("degrees", (angle,)):
            return built(angle) * sympy.pi / 180
        case FunctionCall("log", (argument,)):
            return sympy.log(built(argument)) / sympy.log(_UNKNOWN_BASE)
        case FunctionCall("log", (argument, base)):
            return sympy.log(built(argument)) / sympy.log(built(base))
        case FunctionCall(function, arguments):
            return _FUNCTIONS[function](*map(built, arguments))


def _power(base: Any, exponent: Any) -> Any:
    """A power; an odd root of a negative number is the real one, as in schools."""
    odd_root = isinstance(exponent, sympy.Rational) and exponent.q % 2 == 1 and exponent.q > 1
    return sympy.real_root(base, exponent.q) ** exponent.p if odd_root and base.is_negative else base**exponent


def _finite(value: Any) -> bool:
    return not value.has(sympy.oo, sympy.zoo, sympy.nan, -sympy.oo)


def is_zero(difference: Any) -> bool:
    """Whether the difference is zero everywhere. Raises NotShown."""
    if difference.is_zero:
        return True
    if any(_not_zero(difference.subs(dict(point))) for point in _points(difference)):
        return False
    for simpler in (sympy.expand, sympy.simplify, _through_logarithms, sympy.radsimp, _through_exponentials):
        if simpler(difference).is_zero:
            return True
    if difference.equals(0):
        return True
    raise NotShown


def _through_logarithms(difference: Any) -> Any:
    return sympy.simplify(sympy.expand_log(difference, force=False))


def _through_exponentials(difference: Any) -> Any:
    return sympy.simplify(sympy.expand(difference.rewrite(sympy.exp), complex=False))


def _points(difference: Any) -> Iterator[list[tuple[Any, Any]]]:
    if not difference.free_symbols:
        yield []
        return
    for number in range(len(_POINTS)):
        yield _point(difference.free_symbols, number)


def _point(symbols: set[Any], number: int) -> list[tuple[Any, Any]]:
    ordered = sorted(symbols, key=str)
    places = [sympy.Rational(_POINTS[(number + at) % len(_POINTS)]) + at // len(_POINTS) for at in range(len(ordered))]
    return [(symbol, _inside(symbol, place)) for symbol, place in zip(ordered, places, strict=True)]


def _inside(symbol: Any, place: Any) -> Any:
    """A number that the letter may stand for."""
    if symbol.is_positive:
        return abs(place)
    return place if symbol.is_real else place + sympy.I / 3


def _not_zero(value: Any) -> bool:
    """Whether a number is known to `DIGITS` digits and is not zero. False if it has no finite value."""
    if not _finite(value):
        return False
    try:
        number = sympy.N(value, DIGITS, maxn=PRECISION, strict=True)
    except sympy.core.evalf.PrecisionExhausted:
        return False
    return bool(number.is_number and number != 0)


def _rounds_to(value: Any, decimal: Number) -> bool:
    """Whether a real number, rounded correctly, is the decimal."""
    if not value.is_real or not _finite(value):
        return False
    half = half_a_place(decimal)
    low, high = (_rational(decimal.value + sign * half) for sign in (-1, 1))
    ends = ((low, True), (high, False))
    return all(_not_zero(value - end) and (value - end).is_positive is above for end, above in ends)


def _rational(value: Fraction) -> Any:
    return sympy.Rational(value.numerator, value.denominator)
