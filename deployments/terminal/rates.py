"""How fast a run goes and how long it will take, from a bounded window of Progress values.

Law: pure functions of the window; a counter that is missing for a moment, or starts again with a new conductor, never
shows as a jump or as a negative rate.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from msgspec import Struct

from deployments.monitoring.progress import Phase, Progress
from schemas.progress import RunSnapshot
from schemas.stages import Stage, StageFlow, in_order

WINDOW_S = 30.0
"""Long enough to smooth micro-batches, short enough to follow a scale-up."""
SPACING_S = 0.5
"""Values closer together than this replace each other, so that the window stays small."""
STALE_S = 3.0
"""A conductor that has not told of itself for so long is counted as gone."""
SURE_S = 2.0
"""No rate is told from a window shorter than this."""


LEAST_ENDS = 5
"""No time left is told from fewer ends than this."""


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


def flow(window: Sequence[Progress]) -> Flow:
    """What the window, oldest first, tells of the run's flow since its first attempt in this process ended."""
    window = _active(window)
    snapshots = [(progress.at, progress.snapshot) for progress in window if progress.snapshot is not None]
    ended = _rate(snapshots, lambda snapshot: snapshot.counts.ended)
    return Flow(
        ended_per_s=ended,
        attempts_per_s=_rate(snapshots, lambda snapshot: snapshot.counts.attempts),
        left_s=_left_s(snapshots, ended),
        tokens_per_s=_tokens_per_s(snapshots),
        stages=_stages(window),
    )


def _active(window: Sequence[Progress]) -> Sequence[Progress]:
    """Without the beginning in which nothing moved: models that load are not a slow run."""
    attempts = [0 if progress.snapshot is None else progress.snapshot.counts.attempts for progress in window]
    still = next((index for index, count in enumerate(attempts) if count != attempts[0]), len(window)) - 1
    idle = bool(window) and window[0].phase is Phase.STARTING
    return window[max(0, still) :] if idle else window


def _rate(snapshots: Sequence[tuple[float, RunSnapshot]], value: Callable[[RunSnapshot], float]) -> float | None:
    seconds = snapshots[-1][0] - snapshots[0][0] if snapshots else 0.0
    if seconds < SURE_S:
        return None
    return _gained(value(snapshot) for _, snapshot in snapshots) / seconds


def _gained(values: Iterable[float]) -> float:
    """What a counter grew by; a fall is a new beginning and counts for nothing."""
    return sum(max(0.0, after - before) for before, after in pairwise(values))


def _left_s(snapshots: Sequence[tuple[float, RunSnapshot]], ended_per_s: float | None) -> float | None:
    if not ended_per_s:
        return None
    first, last = snapshots[0][1].counts, snapshots[-1][1].counts
    return last.outstanding / ended_per_s if last.ended - first.ended >= LEAST_ENDS else None


def _tokens_per_s(snapshots: Sequence[tuple[float, RunSnapshot]]) -> dict[str, float]:
    roles = [role.role for role in snapshots[-1][1].summary.roles] if snapshots else []
    rates = {role: _rate(snapshots, lambda snapshot, role=role: _tokens(snapshot, role)) for role in roles}
    return {role: rate for role, rate in rates.items() if rate is not None}


def _tokens(snapshot: RunSnapshot, role: str) -> int:
    return sum(cost.tokens for cost in snapshot.summary.roles if cost.role == role)


def _stages(window: Sequence[Progress]) -> tuple[StageRate, ...]:
    """Each conductor's own counters, so that one which is silent for a moment or newly made changes no other's."""
    seen: dict[tuple[str, Stage], list[tuple[float, StageFlow]]] = {}
    for progress in window:
        for conductor in progress.conductors:
            for entered in conductor.stages:
                seen.setdefault((conductor.name, entered.stage), []).append((progress.at, entered))
    now = window[-1].at if window else 0.0
    found = []
    for stage in in_order(stage for _, stage in seen):
        series = [values for (_, of), values in seen.items() if of == stage]
        found.append(_stage(stage, series, window_s=now - window[0].at, now=now))
    return tuple(found)


def _stage(
    stage: Stage, series: Sequence[Sequence[tuple[float, StageFlow]]], *, window_s: float, now: float
) -> StageRate:
    done = sum(_gained(entered.done for _, entered in values) for values in series)
    seconds = sum(_gained(entered.seconds for _, entered in values) for values in series)
    return StageRate(
        stage=stage,
        in_flight=sum(values[-1][1].in_flight for values in series if now - values[-1][0] <= STALE_S),
        done=sum(values[-1][1].done for values in series),
        per_s=done / window_s if window_s >= SURE_S else None,
        mean_s=seconds / done if done else None,
    )
