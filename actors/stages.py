"""Counts samples through the stages of an attempt. Law: whatever enters a stage leaves it, by error too."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from schemas.stages import Stage, StageFlow


class StageCounter:
    """In flight, done and seconds, by stage. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._in_flight = dict.fromkeys(Stage, 0)
        self._done = dict.fromkeys(Stage, 0)
        self._seconds = dict.fromkeys(Stage, 0.0)

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
            for stage in Stage
            if self._in_flight[stage] or self._done[stage]
        )
