"""How fast a run goes and how long it will take, from a bounded window of Progress values.

Law: pure functions of the window; a counter that is missing for a moment, or starts again with a new conductor, never
shows as a jump or as a negative rate.
"""

from collections import deque
from collections.abc import Sequence

from msgspec import Struct

from deployments.progress import Progress
from schemas.stages import Stage

WINDOW_S = 30.0
"""Long enough to smooth micro-batches, short enough to follow a scale-up."""
SPACING_S = 0.5
"""Values closer together than this replace each other, so that the window stays small."""
STALE_S = 3.0
"""A conductor that has not told of itself for so long is counted as gone."""
SURE_S = 2.0
"""No rate is told from a window shorter than this."""


class StageRate(Struct, frozen=True):
    """One stage over all conductors: samples in it now, samples through it, these a second, and their mean seconds."""

    stage: Stage
    in_flight: int
    done: int
    per_s: float | None
    mean_s: float | None


class Flow(Struct, frozen=True):
    """What the window tells. None: not known yet."""

    ended_per_s: float | None
    """Orders that came to an end, a second."""
    attempts_per_s: float | None
    left_s: float | None
    """Seconds until every order issued so far has ended at this rate."""
    tokens_per_s: dict[str, float]
    """By role."""
    stages: tuple[StageRate, ...]


class Window:
    """The last WINDOW_S seconds of a run, at most one value each SPACING_S."""

    def __init__(self) -> None:
        self._values: deque[Progress] = deque()

    def add(self, progress: Progress) -> Sequence[Progress]:
        """Takes in the newest value; gives the window, oldest first."""
        if len(self._values) > 1 and progress.at - self._values[-2].at < SPACING_S:
            self._values.pop()
        self._values.append(progress)
        while len(self._values) > 2 and progress.at - self._values[0].at > WINDOW_S:
            self._values.popleft()
        return tuple(self._values)
