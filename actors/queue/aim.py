"""How many accepted samples a queue still needs, and how many orders that takes.

Law: pure. A queue never accepts more than `most` samples, so a run whose queues' parts add up to N has at most N, after
any deaths. Orders in flight are at most as many as the measured acceptance demands for what is missing.
"""

from enum import Enum

from msgspec import Struct

from schemas.order_kinds import Urgency


class Need(Enum):
    """What is done with a report on an order of a sample."""

    GO_ON = "go_on"
    """It is used, and a rejected order is repaired."""
    LAST = "last"
    """It is used, but no further attempt is made."""
    NOTHING = "nothing"
    """The queue has all accepted samples that it may have: the order ends, whatever the report says."""


class Aim(Struct):
    """`most`: the accepted samples that this queue may have; None: no limit. `closed`: no attempt starts any more."""

    most: int | None = None
    closed: bool = False

    def missing(self, accepted: int) -> int | None:
        """The accepted samples that are still missing; None without a limit."""
        return None if self.most is None else max(0, self.most - accepted)

    def wanted(self, accepted: int, ended: int) -> int | None:
        """The orders whose expected number of accepted samples is what is missing; None without a limit.

        By the share that was accepted so far, in (0, 1]: accepted + 1 of ended + 1. So it starts from 1: while the
        acceptance is unknown, nothing is begun that the best one would make needless."""
        missing = self.missing(accepted)
        return None if missing is None else -(-missing * (ended + 1) // (accepted + 1))

    def need(self, accepted: int) -> Need:
        """What is done with the next report."""
        if self.missing(accepted) == 0:
            return Need.NOTHING
        return Need.LAST if self.closed else Need.GO_ON


class Room(Struct):
    """How many orders of samples may still be leased: of all, and of those that no attempt was made of."""

    any: int
    fresh: int

    @property
    def barred(self) -> tuple[Urgency, ...]:
        """The urgencies of which nothing may be leased now."""
        if self.any <= 0:
            return (Urgency.REPAIRS, Urgency.FRESH)
        return (Urgency.FRESH,) if self.fresh <= 0 else ()

    def take(self, orders: int, *, fresh: bool) -> None:
        """So many are leased."""
        self.any -= orders
        self.fresh -= orders if fresh else 0
