"""The two clocks of a process. Law: a time that is recorded or shown is read from `wall`. Every wait, deadline and
duration is read from `monotonic`: when somebody sets the clock, no lease ends early and no wait is longer."""

import time
from collections.abc import Callable

from msgspec import Struct


class Clocks(Struct, frozen=True):
    """Both in seconds; `monotonic` has no epoch."""

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic

    def wall_of(self, moment: float) -> float:
        """The wall time of a moment that `monotonic` gave, as the wall clock is set now."""
        return self.wall() - (self.monotonic() - moment)


class Steady:
    """A clock that starts at the wall time and then runs with `monotonic`: comparable with times recorded before, and
    fit for deadlines. `wall`: the wall clock itself."""

    def __init__(self, clocks: Clocks) -> None:
        self.wall = clocks.wall
        self._monotonic = clocks.monotonic
        self._ahead = clocks.wall() - clocks.monotonic()

    def __call__(self) -> float:
        return self._ahead + self._monotonic()
