"""What a number in a table is, said at its field: what the numbers of several queue shards are together, and the metric
that tells it.

Law: a field without `Together` is a key of its row; a number without it is an error (`actors.counts.together`). What
can be computed from other fields is a property: it is never added.
"""

from enum import Enum
from typing import Annotated

from msgspec import Struct


class Together(Enum):
    """What several shards' values of one field are together. Nothing known (None) and a value are the value."""

    ADDED = "added"
    """Bucket by bucket where there are several."""
    LARGEST = "largest"
    """Of tables of numbers: the one with the largest sum."""
    SMALLEST = "smallest"
    FIRST = "first"
    """The first that says something."""
    ANY = "any"
    ALL = "all"


class Exposed(Struct, frozen=True):
    """A metric of Prometheus. Its labels are the keys of the table. It is a counter where its name ends in `_total`, a
    histogram of a Distribution (with these upper `bounds`), else a gauge. `column`: one more label, whose value is the
    field's name; several fields of a row can be one metric so."""

    name: str
    help: str
    column: str = ""
    bounds: tuple[float, ...] = ()


Total = Annotated[int, Together.ADDED]
TotalSeconds = Annotated[float, Together.ADDED]
