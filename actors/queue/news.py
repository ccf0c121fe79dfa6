"""Tells conductors, with their leases, how the run's repairs went so far.

Law: a conductor gets the whole experience or none, and never an older one than it has.
"""

from typing import Protocol

from msgspec.structs import replace

from schemas.ledger import Record
from schemas.orders import Lease
from schemas.recovery import Experience

TOLD_EVERY, TOLD_SHARE = 16, 50
"""A conductor gets the experience again after 16 attempts, or after a fiftieth of those it knows if that is more. It is
some kilobytes each time, less and less often."""


class Fold(Protocol):
    """The results of a run's repairs, counted from records (`actors.recovery.experience`)."""

    @property
    def attempts(self) -> int: ...

    def apply(self, record: Record) -> None: ...

    def experience(self) -> Experience: ...


class ExperienceNews:
    """`fold`: None if no policy learns."""

    def __init__(self, fold: Fold | None) -> None:
        self._fold = fold
        self._told: dict[str, int] = {}

    def count(self, record: Record) -> None:
        """Counts a durable record."""
        if self._fold is not None:
            self._fold.apply(record)

    def with_news(self, conductor: str, leases: list[Lease]) -> list[Lease]:
        """The leases; the first one with the experience, if that has grown enough since this conductor last got it."""
        if self._fold is None:
            return leases
        known, told = self._fold.attempts, self._told.get(conductor, 0)
        if known - told < max(TOLD_EVERY, told // TOLD_SHARE):
            return leases
        self._told[conductor] = known
        return [replace(leases[0], learnt=self._fold.experience()), *leases[1:]]
