"""Why a run plans no more orders before its corpus is at its end."""

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct

WHOLE = ""
"""The only stratum of a run without quotas."""


class Quotas(Struct, frozen=True):
    """How many accepted samples a run is to end with of each stratum: of the orders that were given each of these
    values of the variable `axis`. Other values are not needed."""

    axis: str
    each: Mapping[str, int]


class PlanEnd(Enum):
    """What ended the plan of a queue."""

    ACCEPTED = "accepted"
    """The run has as many accepted samples as it is to have (`stop.accepted`). What is left is not needed."""
    ORDERS = "orders"
    """As many orders were issued as may be (`stop.orders`). They go on to their ends."""
    ASKED = "asked"
    """`gleaner end`: what is in flight still counts, and what is left is not needed."""
