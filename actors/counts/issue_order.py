"""Puts the first attempts of a run's first orders back into the order in which the orders were issued and leased.

Law: what ends soonest is reported first, and that is no fair sample: a rejected query waits for no second one. Memory
is bounded, and so is the wait: an order that `MOST_WAITING` others have overtaken is not waited for.
"""

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from schemas.ids import OrderId

T = TypeVar("T")
FOLLOWED = 32
"""Orders whose place is kept; what is said of later ones follows these."""
MOST_WAITING = 32
"""Reports that wait for an earlier order at once."""


class IssueOrder(Generic[T]):
    """What was said of each order's first attempt, the order that was issued first before all others."""

    def __init__(self) -> None:
        self._line: dict[OrderId, Sequence[T] | None] = {}
        """The orders that are followed, as they were issued; None: nothing was said yet."""
        self._later: list[Sequence[T]] = []
        self._issued = 0

    def issue(self, order_id: OrderId) -> None:
        """A fresh order was issued."""
        if self._issued < FOLLOWED:
            self._line[order_id] = None
            self._issued += 1

    def said(self, order_id: OrderId, what: Sequence[T]) -> Iterator[T]:
        """Something was said of an order's first attempt, or that there will be none. Gives what is in line by now."""
        if order_id not in self._line:
            self._later.append(what)
        elif self._line[order_id] is None:
            self._line[order_id] = what
        while self._line:
            head = next(iter(self._line))
            waiting = sum(each is not None for each in self._line.values()) + len(self._later)
            if self._line[head] is None and waiting < MOST_WAITING:
                return
            yield from self._line.pop(head) or ()
        later, self._later = self._later, []
        for each in later:
            yield from each

    def forget(self) -> None:
        """What was said so far is not given any more."""
        self._line = {order_id: None if said is None else () for order_id, said in self._line.items()}
        self._later.clear()
