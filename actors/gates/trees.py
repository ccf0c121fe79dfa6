"""Trees of mathematical expressions. Law: values are exact, and no expression is evaluated here."""

from fractions import Fraction
from typing import Union

from msgspec import Struct


class Number(Struct, frozen=True):
    """A numeral. `places`: digits behind its decimal point; None for one without a point."""

    value: Fraction
    places: int | None = None


class Constant(Struct, frozen=True):
    """π, e, i or ∞."""

    name: str


class Symbol(Struct, frozen=True):
    """A letter, with its index if it has one."""

    name: str


class Sum(Struct, frozen=True):
    """Terms added."""

    terms: tuple["Node", ...]


class Product(Struct, frozen=True):
    """Factors multiplied."""

    factors: tuple["Node", ...]


class Quotient(Struct, frozen=True):
    """One over the other."""

    over: "Node"
    under: "Node"


class Power(Struct, frozen=True):
    """A base and its exponent."""

    base: "Node"
    exponent: "Node"


class FunctionCall(Struct, frozen=True):
    """A function of its name: sin, ln, …; abs, floor, ceiling, factorial, binomial, degrees, plus_minus."""

    function: str
    arguments: tuple["Node", ...]


Node = Union[Number, Constant, Symbol, Sum, Product, Quotient, Power, FunctionCall]  # noqa: UP007


class Expression(Struct, frozen=True):
    """A tree, and the letters that stood side by side in its text, run by run (`xy` in `2xy+1`)."""

    tree: Node
    runs: tuple[str, ...] = ()


def negative(node: Node) -> Node:
    """The node with the other sign; a numeral stays a numeral."""
    if isinstance(node, Number):
        return Number(-node.value, node.places)
    return Product((Number(Fraction(-1)), node))


def children(node: Node) -> tuple[Node, ...]:
    """The parts of a node."""
    match node:
        case Sum(terms):
            return terms
        case Product(factors):
            return factors
        case Quotient(over, under):
            return over, under
        case Power(base, exponent):
            return base, exponent
        case FunctionCall(_, arguments):
            return arguments
        case _:
            return ()


def with_children(node: Node, parts: tuple[Node, ...]) -> Node:
    """The same node with other parts."""
    match node:
        case Sum():
            return Sum(parts)
        case Product():
            return Product(parts)
        case Quotient():
            return Quotient(*parts)
        case Power():
            return Power(*parts)
        case FunctionCall(function):
            return FunctionCall(function, parts)
        case _:
            return node


def is_constant(node: Node) -> bool:
    """Whether the tree has no letter."""
    return not isinstance(node, Symbol) and all(is_constant(part) for part in children(node))
