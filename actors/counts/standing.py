"""What a passage has given so far, and how many orders it gets next.

Law: pure. A passage's standing is a fold over the records of its orders, and the next orders follow from it and the
rule alone: so a queue that is made again decides as the one before it.
"""

from msgspec import Struct
from msgspec.structs import replace

from schemas.ledger import AcceptedEnd, DeadLetteredEnd, NotNeededEnd, Rescored
from schemas.orders import EndReason
from schemas.until_dry import UntilDry

SampleEnd = AcceptedEnd | Rescored | DeadLetteredEnd | NotNeededEnd
"""An end of an order of a sample."""


class PassageStanding(Struct, frozen=True):
    """`orders`: how many were issued; `barren`: how many have ended without a sample since the last sample."""

    orders: int = 0
    barren: int = 0

    def planned(self, orders: int) -> "PassageStanding":
        """After so many more orders were issued."""
        return replace(self, orders=self.orders + orders)

    def ended(self, end: SampleEnd) -> "PassageStanding":
        """After one of its orders has ended."""
        match end:
            case AcceptedEnd() | Rescored():
                return replace(self, barren=0)
            case DeadLetteredEnd() if end.end.reason is not EndReason.BUDGET:
                return replace(self, barren=self.barren + 1)
            case _:
                return self

    def further(self, rule: UntilDry) -> int:
        """The number of orders that it gets next, once all its orders have ended; 0 if it is dry or has had all."""
        left = rule.patience - self.barren
        return max(0, min(max(rule.at_once, left), rule.at_most - self.orders)) if left > 0 else 0
