"""The kinds of final answers that are understood. Law: a value holds everything that its text says."""

from typing import Union

from msgspec import Struct

from actors.gates.trees import Node


class Quantity(Struct, frozen=True):
    """An expression with its unit.

    `unit` is a usual name; `labels` are the words beside a number that are no unit (`oranges` in `5 oranges`); `runs`
    the letters that stand side by side; `modulus` is the `_2` of `1010_2` or the `7` of `3 (mod 7)`.
    """

    tree: Node
    unit: str | None = None
    percent: bool = False
    labels: frozenset[str] = frozenset()
    runs: tuple[str, ...] = ()
    modulus: str | None = None


class Words(Struct, frozen=True):
    """Words alone, as `typography.spelling` gives them; also a time of day."""

    text: str


class OptionLetter(Struct, frozen=True):
    """A lone letter that may be an option: `B`, `(b)`."""

    letter: str


class Listing(Struct, frozen=True):
    """Values in no order: a list or a set."""

    items: tuple["Value", ...]


class Bracket(Struct, frozen=True):
    """Values in order between two brackets: a tuple, a point, an interval."""

    opening: str
    items: tuple["Value", ...]
    closing: str


class Joined(Struct, frozen=True):
    """Intervals together, in no order."""

    parts: tuple["Value", ...]


class Matrix(Struct, frozen=True):
    """Rows of values."""

    rows: tuple[tuple["Value", ...], ...]


class Inequality(Struct, frozen=True):
    """Sides in ascending order with `<` or `≤` between them, or two with `=` or `≠`."""

    signs: tuple[str, ...]
    sides: tuple[Quantity, ...]


class Named(Struct, frozen=True):
    """`x = 5`, `f(x) = 2x`, `x ∈ [0,1)`: a name and its value; `equation`: set if it is also one of expressions."""

    name: str
    value: "Value"
    equation: Inequality | None = None


Value = Union[Quantity, Words, OptionLetter, Listing, Bracket, Joined, Matrix, Inequality, Named]  # noqa: UP007
