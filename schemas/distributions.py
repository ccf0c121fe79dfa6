"""Values counted in buckets, for histograms. Counts add up, so they can be merged and replayed."""

from enum import Enum
from typing import Annotated

from msgspec import Struct

from schemas.measures import Exposed, Together
from schemas.verdicts import GateName

SECONDS = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
    1200.0,
    3600.0,
)
"""Upper bounds of the buckets of every duration: from a commit to a night in the queue."""
SCORES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Upper bounds of the buckets of a gate's score."""


class Distribution(Struct, frozen=True):
    """`counts[i]`: how many values are above bound i - 1 and at most bound i; the last count: above all bounds.
    `total`: the sum of the values."""

    counts: Annotated[tuple[int, ...], Together.ADDED] = ()
    total: Annotated[float, Together.ADDED] = 0.0

    @property
    def count(self) -> int:
        return sum(self.counts)


class QueueTurn(Enum):
    """Whether an attempt waited in the queue as a first attempt or as a repair."""

    FRESH = "fresh"
    """The order's first attempt."""
    REPAIR = "repair"


class AttemptEnd(Enum):
    """How an attempt ended; its order may go on."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    ERRORED = "errored"
    """No generator answered, or a gate could not judge."""
    NOT_NEEDED = "not_needed"
    """It was in flight when the run had all the samples that it was to have."""


class Distributions(Struct, frozen=True):
    """Distributions of a whole run, all its processes together. Durations in seconds."""

    calls: dict[str, Distribution] = {}
    """Time of one call with its retries and waits, by role (as in RoleCost)."""
    attempts: Annotated[
        dict[AttemptEnd, Distribution],
        Exposed(
            "gleaner_attempt_seconds",
            "Time of whole attempts, from lease to decision; its count is the number of attempts.",
            bounds=SECONDS,
        ),
    ] = {}
    queued: Annotated[
        dict[QueueTurn, Distribution],
        Exposed(
            "gleaner_queue_wait_seconds",
            "Time from when an order could be worked on to the attempt that did, lost leases included.",
            bounds=SECONDS,
        ),
    ] = {}
    orders: Annotated[
        dict[AttemptEnd, Distribution],
        Exposed("gleaner_order_seconds", "Time from plan to end of orders by how they ended.", bounds=SECONDS),
    ] = {}
    """By how the last attempt ended; orders that ended without an attempt are left out."""
    scores: Annotated[
        dict[GateName, Distribution],
        Exposed(
            "gleaner_gate_score",
            "Scores that each gate gave, from 0 to 1, higher is better.",
            bounds=SCORES,
        ),
    ] = {}
