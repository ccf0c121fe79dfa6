"""Annotations of the fields of count tables: how the values of several queue shards are combined, and the metric.

Law: a field without `Together` is a key of its row; a number without it is an error (`actors.counts.together`). A value
that can be computed from other fields is a property: it is never added.
"""

from enum import Enum
from typing import Annotated

from msgspec import Struct


class Together(Enum):
    """How the values of one field in several shards are combined. None and a value give the value."""

    ADDED = "added"
    """The sum; for buckets, bucket by bucket, and for a table of numbers, key by key."""
    LARGEST = "largest"
    """The largest; for tables of numbers, the one with the largest sum."""
    SMALLEST = "smallest"
    FIRST = "first"
    """The first that is not empty."""
    ANY = "any"
    ALL = "all"


class Exposed(Struct, frozen=True):
    """A metric of Prometheus. Its labels are the keys of the table. It is a counter if its name ends in `_total`, a
    histogram for a Distribution (with these upper `bounds`), or else a gauge. `column`: one more label, whose value is
    the field's name, so that several fields of a row are one metric."""

    name: str
    help: str
    column: str = ""
    bounds: tuple[float, ...] = ()


Total = Annotated[int, Together.ADDED]
TotalSeconds = Annotated[float, Together.ADDED]
