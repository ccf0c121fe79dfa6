"""How many accepted samples a queue still needs, and how many orders that takes.

Law: pure. Of each stratum a queue never accepts more than its part of `most`, so a run whose queues' parts add up to N
has at most N, after any deaths. Orders in flight are at most as many as the stratum's own measured acceptance demands
for what is missing. A run without quotas has one stratum, `WHOLE`.
"""

from collections import Counter
from collections.abc import Mapping
from enum import Enum

from msgspec import Struct, field

from schemas.order_kinds import Urgency


class Need(Enum):
    """What is done with a report on an order of a sample."""

    GO_ON = "go_on"
    """It is used, and a rejected order is repaired."""
    LAST = "last"
    """It is used, but no further attempt is made."""
    NOTHING = "nothing"
    """The queue has all accepted samples of its stratum that it may have: it ends, whatever the report says."""


class Came(Struct):
    """What came of orders so far, by stratum. `ended`: accepted or dead-lettered."""

    accepted: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)

    def end(self, stratum: str, *, accepted: bool) -> None:
        """An order ended by what was made of it."""
        self.ended[stratum] += 1
        self.accepted[stratum] += accepted


class Aim(Struct):
    """`most`: the accepted samples that this queue may have of each stratum, 0 of others; None: no limit. `closed`: no
    attempt starts any more. `shared`: `most` is a part, which may grow; `over`: of which strata no part will grow."""

    most: Mapping[str, int] | None = None
    closed: bool = False
    shared: bool = False
    over: frozenset[str] = frozenset()

    def missing(self, stratum: str, came: Came) -> int | None:
        """The accepted samples that are still missing; None without a limit."""
        return None if self.most is None else max(0, self.most.get(stratum, 0) - came.accepted[stratum])

    def wanted(self, came: Came) -> Mapping[str, int] | None:
        """For each stratum, the orders whose expected number of accepted samples is what is missing; None without a
        limit.

        By the share that was accepted so far, in (0, 1]: accepted + 1 of ended + 1. So it starts from 1: while the
        acceptance is unknown, nothing is begun that the best one would make needless."""
        if self.most is None:
            return None
        wanted: dict[str, int] = {}
        for stratum, most in self.most.items():
            accepted, ended = came.accepted[stratum], came.ended[stratum]
            wanted[stratum] = -(-max(0, most - accepted) * (ended + 1) // (accepted + 1))
        return wanted

    def need(self, stratum: str, came: Came) -> Need:
        """What is done with the next report on an order of the stratum."""
        if self.missing(stratum, came) == 0:
            return Need.NOTHING
        return Need.LAST if self.closed else Need.GO_ON

    def is_over(self, stratum: str, came: Came) -> bool:
        """Whether no more of the stratum will ever be needed, unless the run's own number is raised."""
        if self.most is None or (self.shared and stratum in self.most):
            return stratum in self.over
        return self.missing(stratum, came) == 0

    def is_reached(self, came: Came) -> bool:
        """Whether the queue has all accepted samples that it may have."""
        return self.most is not None and all(self.missing(stratum, came) == 0 for stratum in self.most)


class Room(Struct):
    """How many orders of a stratum may still be leased: of all, and of those that no attempt was made of."""

    any: int = 0
    fresh: int = 0


class Rooms(Struct):
    """The room of each stratum; there is none for others."""

    each: dict[str, Room]

    def bars(self, urgency: Urgency, stratum: str) -> bool:
        """Whether no order of a sample may be leased now that has this urgency and stratum."""
        room = self.each.get(stratum, Room())
        return urgency in (Urgency.REPAIRS, Urgency.FRESH) and (
            room.any <= 0 or (urgency is Urgency.FRESH and room.fresh <= 0)
        )

    def take(self, stratum: str, orders: int, *, fresh: bool) -> None:
        """So many are leased."""
        room = self.each[stratum]
        room.any -= orders
        room.fresh -= orders if fresh else 0
