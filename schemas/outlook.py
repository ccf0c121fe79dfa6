"""What a run that goes on will come to, and what its repairs were worth."""

from typing import Annotated

from msgspec import Struct

from schemas.measures import Together, Total


class Cohort(Struct, frozen=True):
    """The fresh orders that were issued first and have all ended, without those that were not needed. What ends soonest
    is no fair sample of a run; these are."""

    orders: Total = 0
    accepted: Total = 0
    tokens: Total = 0
    """Of all their attempts, gates included."""
    squares: Annotated[float, Together.ADDED] = 0.0
    """The sum of the squares of each order's tokens."""


class Estimated(Struct, frozen=True):
    """A figure that is not known yet, with a 95% interval."""

    value: float
    low: float
    high: float


class Outlook(Struct, frozen=True):
    """What the run comes to if all orders go as the first ones went."""

    accepted: Estimated
    tokens: Estimated


class Saving(Struct, frozen=True):
    """Tokens of an accepted sample, and what they would have been with each rejected draft thrown away and a new order
    in its place, by the run's own first attempts; behind the same gates. `share`: of the latter, what recovery saved;
    below 0 where it cost more."""

    recovering: float
    discarding: float
    share: Estimated
