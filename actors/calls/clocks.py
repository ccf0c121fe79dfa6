"""The two clocks of a process. Law: what is recorded or shown takes `wall`; every wait, deadline and duration takes
`monotonic`, so that a clock that is set, or a machine that slept, ends no lease and lengthens no wait."""

import time
from collections.abc import Callable

from msgspec import Struct


class Clocks(Struct, frozen=True):
    """Both in seconds; `monotonic` has no epoch."""

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic

    def wall_of(self, moment: float) -> float:
        """The wall's time of a moment that `monotonic` gave, by the wall as it is set now."""
        return self.wall() - (self.monotonic() - moment)


class Steady:
    """The wall's time as it would go on from now if nobody set it: comparable with times that were recorded before,
    and fit for deadlines. `wall`: the wall's own."""

    def __init__(self, clocks: Clocks) -> None:
        self.wall = clocks.wall
        self._monotonic = clocks.monotonic
        self._ahead = clocks.wall() - clocks.monotonic()

    def __call__(self) -> float:
        return self._ahead + self._monotonic()
