"""The orders that one conductor has in hand. Law: what is told here of an order is no truth but the lease's."""

import asyncio

from schemas.orders import Holding, Lease


class InHand:
    """`most`: orders at once; what goes together in one lease may be more for a while."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._room = asyncio.Event()
        self._room.set()
        self._holdings: dict[int, Holding] = {}  # by lease: an order's next one can overtake its settlement

    def __len__(self) -> int:
        return len(self._holdings)

    @property
    def holdings(self) -> tuple[Holding, ...]:
        """Every attempt that is under way."""
        return tuple(self._holdings.values())

    async def room(self) -> int:
        """For how many more there is room, as soon as there is any: at least 1."""
        await self._room.wait()
        return self._most - len(self._holdings)

    def take(self, lease: Lease) -> None:
        """An attempt begins."""
        self._holdings[id(lease)] = Holding(lease.order.id, lease.attempt)
        if len(self._holdings) >= self._most:
            self._room.clear()

    def leave(self, lease: Lease) -> None:
        """It is over, recorded or not."""
        del self._holdings[id(lease)]
        if len(self._holdings) < self._most:
            self._room.set()
