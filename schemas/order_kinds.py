"""What each kind of order is: one row of a table.

Law: how urgent an order is, whether it is a sample and what may become of it follow from its row alone.
"""

from enum import Enum, IntEnum

from msgspec import Struct

from schemas.orders import OrderKind


class Urgency(IntEnum):
    """Which ready orders go first; the most urgent first."""

    PROBES = 0
    """Before everything: there are few, and one that waits would be judged by a later state of the gates."""
    REPAIRS = 1
    """What was rejected is mended at once, however long the backlog is."""
    FRESH = 2
    ROLLOUTS = 3


class Unmade(Enum):
    """What becomes of an order that nobody works on when the token budget is spent."""

    DEAD_LETTER = "dead_letter"
    ENDED = "ended"
    """It ends by a record of its own, unjudged."""
    TAKEN_BACK = "taken_back"
    """It is forgotten, and no record tells of it: it was never planned."""


class KindPolicy(Struct, frozen=True):
    """`first`: of first attempts; `repairs`: of later ones, None for a kind that is never repaired."""

    first: Urgency
    repairs: Urgency | None
    sample: bool
    """It is in the counts of orders and bounds the queue; an accepted one is compared with its passage's others."""
    exported: bool
    """Its text may reach a file that something is trained on."""
    on_demand: bool
    """It is made only while something waits for what comes of it."""
    together: bool
    """Several of one passage may be in one lease, at their first attempts."""
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
