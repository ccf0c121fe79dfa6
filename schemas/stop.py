"""Why a run plans no more orders before its corpus is at its end."""

from enum import Enum


class PlanEnd(Enum):
    """What ended the plan of a queue."""

    ACCEPTED = "accepted"
    """The run has as many accepted samples as it is to have (`stop.accepted`). What is left is not needed."""
    ORDERS = "orders"
    """As many orders were issued as may be (`stop.orders`). They go on to their ends."""
    ASKED = "asked"
    """`gleaner end`: what is in flight still counts, and what is left is not needed."""
