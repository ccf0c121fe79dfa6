"""The doors of a barriered run. Law: a door opens when no order of the round can still come to it, so that no time is
lost by waiting for the clock. `Round` is pure; `Doors` lets tasks wait."""

import asyncio


class Round:
    """The orders of a round, and how far each has come: at door `n`, or settled. Doors are numbered from 0."""

    def __init__(self, orders: int) -> None:
        self._left = orders
        self._at: dict[int, int] = {}
        self._open = -1

    def arrive(self, door: int) -> None:
        """An order has come to a door. Raises ValueError for a door that its round has passed."""
        if door <= self._open:
            raise ValueError(f"door {door} has been passed; an order came to it late")
        self._at[door] = self._at.get(door, 0) + 1

    def settle(self) -> None:
        """An order has ended its attempt, and will come to no further door."""
        if not self._left:
            raise ValueError("more orders were settled than the round has")
        self._left -= 1

    def opened(self) -> int | None:
        """The door that opens now: every order that is not settled stands before it. Its orders go on."""
        for door, standing in self._at.items():
            if standing == self._left:
                self._open = door
                del self._at[door]
                return door
        return None

    @property
    def over(self) -> bool:
        return not self._left


class Doors:
    """The doors of the present round, for tasks that wait before them."""

    def __init__(self) -> None:
        self._round = Round(0)
        self._opens: dict[int, asyncio.Event] = {}
        self._over = asyncio.Event()
        self._over.set()

    def begin(self, orders: int) -> None:
        self._round, self._opens, self._over = Round(orders), {}, asyncio.Event()

    async def over(self) -> None:
        """Returns when every order of the round is settled."""
        await self._over.wait()

    async def through(self, door: int) -> None:
        """Returns when every order of the round has come to this door or is settled."""
        self._round.arrive(door)
        event = self._opens.setdefault(door, asyncio.Event())
        self._look()
        await event.wait()

    def settle(self) -> None:
        self._round.settle()
        self._look()

    def _look(self) -> None:
        if self._round.over:
            self._over.set()
        elif (door := self._round.opened()) is not None:
            self._opens[door].set()
