"""Counts samples in the stages of an attempt. Law: every sample that enters a stage leaves it, also by an error."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from schemas.stages import ConductorStatus, Stage, StageFlow, in_order


def paused(conductors: Iterable[ConductorStatus]) -> Counter[str]:
    """By name of a pool or gate: how many conductors have paused their calls to it."""
    return Counter(name for conductor in conductors for name in {pause.name for pause in conductor.paused})


class StageCounter:
    """Samples in flight, samples done and seconds, by stage. `clock`: in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._in_flight: Counter[Stage] = Counter()
        self._done: Counter[Stage] = Counter()
        self._seconds: defaultdict[Stage, float] = defaultdict(float)

    @contextmanager
    def during(self, stage: Stage) -> Iterator[None]:
        """Counts the sample as in `stage` while the block runs."""
        self._in_flight[stage] += 1
        started_at = self._clock()
        try:
            yield
        finally:
            self._in_flight[stage] -= 1
            self._done[stage] += 1
            self._seconds[stage] += self._clock() - started_at

    def flows(self) -> tuple[StageFlow, ...]:
        """Every stage that a sample has entered."""
        return tuple(
            StageFlow(
                stage=stage, in_flight=self._in_flight[stage], done=self._done[stage], seconds=self._seconds[stage]
            )
            for stage in in_order(self._in_flight)
        )
