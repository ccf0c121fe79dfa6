"""Gates that judge a share of the orders alone. Law: whether a gate judges an order follows from the run's seed, the
gate's name and the order, and from nothing else: every attempt of it, every process and the audit find the same."""

from collections.abc import Mapping

from msgspec import Struct

from schemas.ids import OrderId, content_id
from schemas.verdicts import GateName

_HEX_DIGITS = 13
"""52 bits: as many as a float holds exactly."""


class GateShares(Struct, frozen=True):
    """The gates that judge less than every order, each with its share in (0, 1), and the run's seed."""

    seed: int = 0
    shares: Mapping[GateName, float] = {}

    def unjudged(self, order_id: OrderId) -> tuple[GateName, ...]:
        """The gates that do not judge this order."""
        return tuple(gate for gate, share in self.shares.items() if not in_share(self.seed, gate, order_id, share))


def in_share(seed: int, gate: GateName, order_id: OrderId, share: float) -> bool:
    """Whether an order is in a gate's share; with a share of 1 every order is."""
    drawn = int(content_id("share", seed, gate, order_id)[:_HEX_DIGITS], 16) / 16**_HEX_DIGITS
    return drawn < share
