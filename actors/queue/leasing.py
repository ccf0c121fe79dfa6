"""Handing out ready orders. Law: orders that go together are never parted, even beyond the limit: otherwise an order's
prompt would depend on it. Of each stratum of samples no more are handed out than are wanted."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from actors.queue.held import OrderState, QueueLimits
from actors.queue.outstanding import Outstanding
from schemas.orders import Holding, Lease


class Lender(Struct, frozen=True):
    """Lends the orders of a queue within its limits."""

    orders: Outstanding
    limits: QueueLimits

    def lease(self, now: float, conductor: str, limit: int, wanted: Mapping[str, int] | None) -> list[Lease]:
        """Leases of up to `limit` ready orders, the most urgent first."""
        leases: list[Lease] = []
        room, samples, until = limit, self.orders.rooms(wanted), now + self.limits.lease_s
        while room > 0 and (held := self.orders.ready.pop(samples.bars if samples else None)) is not None:
            together = (held, *self.orders.ready.pop_beside(held, self.limits.together - 1))
            if held.policy.sample and samples is not None:
                samples.take(held.stratum, len(together), fresh=held.attempt == 1)
            for each in together:
                self.orders.lend(each, conductor, now, until=until)
            leases.append(held.lease(until, together[1:]))
            room -= len(together)
        return leases

    def hold(self, conductor: str, holdings: Sequence[Holding], now: float) -> int:
        """Leases to a conductor the attempts that it works on since before the queue was restarted; returns how
        many."""
        count = 0
        for holding in holdings:
            held = self.orders.by_id.get(holding.order_id)
            if held is not None and held.attempt == holding.attempt and held.state is OrderState.READY:
                self.orders.lend(held, conductor, now, until=now + self.limits.lease_s)
                count += 1
        return count
