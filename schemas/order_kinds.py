"""The kinds of orders: one row of a table for each.

Law: how urgent an order is, whether it is a sample and how it may end follow from its row alone.
"""

from enum import Enum, IntEnum

from msgspec import Struct

from schemas.orders import OrderKind


class Urgency(IntEnum):
    """Which ready orders are leased first; the most urgent is the first member."""

    PROBES = 0
    """First of all: there are few, and a probe that waits would be judged by a later state of the gates."""
    REPAIRS = 1
    """Rejected samples are repaired at once, however long the backlog is."""
    FRESH = 2
    ROLLOUTS = 3


class Unmade(Enum):
    """What happens to an order that is not leased when the token budget is spent."""

    DEAD_LETTER = "dead_letter"
    ENDED = "ended"
    """It ends with a record of its own, unjudged."""
    TAKEN_BACK = "taken_back"
    """It is forgotten without a record, since no record issued it."""


class KindPolicy(Struct, frozen=True):
    """One kind. `first`: urgency of first attempts; `repairs`: of later ones, None if the kind is never repaired."""

    first: Urgency
    repairs: Urgency | None
    sample: bool
    """It counts as an order of a sample, for the queue's capacity too, and is compared with accepted samples of its
    passage."""
    exported: bool
    """Its text may be in an export."""
    on_demand: bool
    """It is made only while its result is still needed."""
    together: bool
    """Several orders of one passage may share a lease, at their first attempts."""
    unmade: Unmade


POLICIES = {
    OrderKind.PROBE: KindPolicy(
        first=Urgency.PROBES,
        repairs=Urgency.PROBES,
        sample=False,
        exported=False,
        on_demand=False,
        together=False,
        unmade=Unmade.ENDED,
    ),
    OrderKind.FRESH: KindPolicy(
        first=Urgency.FRESH,
        repairs=Urgency.REPAIRS,
        sample=True,
        exported=True,
        on_demand=False,
        together=True,
        unmade=Unmade.DEAD_LETTER,
    ),
    OrderKind.ROLLOUT: KindPolicy(
        first=Urgency.ROLLOUTS,
        repairs=None,
        sample=False,
        exported=True,
        on_demand=True,
        together=False,
        unmade=Unmade.TAKEN_BACK,
    ),
}
