"""How many orders a passage gets where nobody says a number (`task.samples_per_passage: auto`)."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

AUTO = "auto"
AT_MOST = 16
PATIENCE = 2


class UntilDry(Struct, frozen=True, omit_defaults=True):
    """A passage is dry when `patience` of its orders have ended without a sample since its last sample. When all its
    orders have ended and it is not dry, it gets as many more as could show it dry, or as one call serves (`at_once`),
    whichever is more; never more than `at_most` in all.

    An order that ended because a budget was spent, or as not needed, says nothing of its passage."""

    at_most: int = AT_MOST
    patience: int = PATIENCE
    at_once: int = 1

    @property
    def at_first(self) -> int:
        """The orders that a passage begins with: no later ones of it are more."""
        return min(max(self.at_once, self.patience), self.at_most)


def first_orders(orders: int | UntilDry) -> int:
    """How many orders a passage begins with."""
    return orders.at_first if isinstance(orders, UntilDry) else orders


def most_orders(orders: int | UntilDry) -> int:
    """How many orders a passage has at most."""
    return orders.at_most if isinstance(orders, UntilDry) else orders


def orders_of_passage(said: int | str | Mapping[Any, int], at_once: int = 1) -> int | UntilDry:
    """The value of `samples_per_passage` as a number, or as a rule. `at_once`: the orders that one call may serve."""
    match said:
        case int():
            return said
        case str():
            return UntilDry(at_once=at_once)
        case _:
            return UntilDry(said.get("at_most", AT_MOST), said.get("patience", PATIENCE), at_once)
