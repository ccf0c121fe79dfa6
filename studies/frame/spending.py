"""What a budget buys: an arm's attempts as far as its recovery may go.

Law: first attempts of the planned orders are the same in every arm and are not paid from the budget; of all others,
those that stand first count, until the budget is spent. Whoever discards spends it on fresh orders.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Generic, Protocol, TypeVar

from msgspec import Struct


class Payable(Protocol):
    """An attempt. `slot` counts the orders of a passage from 0, `attempt` those of an order from 1."""

    @property
    def slot(self) -> int: ...
    @property
    def attempt(self) -> int: ...
    @property
    def tokens(self) -> int: ...


P = TypeVar("P", bound=Payable)


class Bought(Struct, Generic[P], frozen=True):
    """An arm's attempts within its budget: `first` of the planned orders, `later` paid from the budget."""

    first: tuple[P, ...]
    later: tuple[P, ...]
    budget: float
    """Tokens; infinite where none was set."""


def bought(tries: Sequence[P], *, slots: int, share: float | None) -> Bought[P]:
    """The attempts that fit a share of what the first ones took, in the order given; all of them for None. `slots`:
    planned orders of a passage."""
    first = [one for one in tries if one.attempt == 1 and one.slot < slots]
    later = [one for one in tries if one.attempt > 1 or one.slot >= slots]
    budget = float("inf") if share is None else share * sum(one.tokens for one in first)
    spent = accumulate(one.tokens for one in later)
    return Bought(tuple(first), tuple(one for one, total in zip(later, spent, strict=True) if total <= budget), budget)
