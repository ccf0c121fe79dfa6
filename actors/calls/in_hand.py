"""The attempts that one conductor has in hand. Law: all that is known of them here comes from their leases."""

import asyncio

from schemas.orders import Holding, Lease


class InHand:
    """`most`: orders at once; orders that share a lease may exceed it for a while."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._room = asyncio.Event()
        self._room.set()
        self._holdings: dict[int, Holding] = {}  # by lease: an order's next lease can come before its settlement does

    def __len__(self) -> int:
        return len(self._holdings)

    @property
    def holdings(self) -> tuple[Holding, ...]:
        """The attempts that are under way."""
        return tuple(self._holdings.values())

    def carry(self, most: int) -> None:
        """Changes how many orders are in hand at once. Those in hand stay."""
        self._most = most
        self._open_or_close()

    async def room(self) -> int:
        """Waits until there is room; returns for how many more orders, at least 1."""
        await self._room.wait()
        return self._most - len(self._holdings)

    def take(self, lease: Lease) -> None:
        """An attempt begins."""
        self._holdings[id(lease)] = Holding(lease.order.id, lease.attempt)
        self._open_or_close()

    def leave(self, lease: Lease) -> None:
        """The attempt is over, recorded or not."""
        del self._holdings[id(lease)]
        self._open_or_close()

    def _open_or_close(self) -> None:
        if len(self._holdings) < self._most:
            self._room.set()
        else:
            self._room.clear()
