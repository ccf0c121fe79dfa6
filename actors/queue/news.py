"""Tells conductors, with their leases, what the run has learnt so far: how its repairs went, and the bands of cascades.

Law: a conductor gets the whole experience or none, and never an older one than it has. Every lease has the bands of its
moment, from durable records alone.
"""

from collections.abc import Mapping
from typing import Protocol

from msgspec.structs import replace

from schemas.bands import Band
from schemas.ledger import Record
from schemas.orders import Lease
from schemas.recovery import Experience
from schemas.verdicts import GateName

TOLD_EVERY, TOLD_SHARE = 16, 50
"""A conductor gets the experience again after 16 attempts, or after a fiftieth of those it knows if that is more. It is
some kilobytes each time, less and less often."""


class Fold(Protocol):
    """The results of a run's repairs, counted from records (`actors.recovery.experience`)."""

    @property
    def attempts(self) -> int: ...

    def apply(self, record: Record) -> None: ...

    def experience(self) -> Experience: ...


class Bands(Protocol):
    """The bands of cascades, found from records (`actors.probes.bands`)."""

    def apply(self, record: Record) -> None: ...

    def bands(self) -> Mapping[GateName, Band]: ...


class LeaseNews:
    """`fold`: None if no policy learns. `bands`: None if no gate is a cascade."""

    def __init__(self, fold: Fold | None = None, bands: Bands | None = None) -> None:
        self._fold = fold
        self._bands = bands
        self._told: dict[str, int] = {}

    def count(self, record: Record) -> None:
        """Counts a durable record."""
        if self._fold is not None:
            self._fold.apply(record)
        if self._bands is not None:
            self._bands.apply(record)

    def with_news(self, conductor: str, leases: list[Lease]) -> list[Lease]:
        """The leases with the bands; the first one with the experience, if that has grown enough since this conductor
        last got it."""
        if self._bands is not None and (bands := dict(self._bands.bands())):
            leases = [replace(lease, bands=bands) for lease in leases]
        if self._fold is None:
            return leases
        known, told = self._fold.attempts, self._told.get(conductor, 0)
        if known - told < max(TOLD_EVERY, told // TOLD_SHARE):
            return leases
        self._told[conductor] = known
        return [replace(leases[0], learnt=self._fold.experience()), *leases[1:]]
