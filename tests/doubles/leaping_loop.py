"""An event loop whose time leaps: when nothing can happen now, it is at once as late as the next timer.

Law: every wait and time-out of asyncio takes its full length of this loop's time, and none of the real one. Threads and
sockets are not waited for.
"""

import asyncio
from collections.abc import Coroutine
from heapq import heappop
from typing import Any, TypeVar

T = TypeVar("T")


class LeapingLoop(asyncio.SelectorEventLoop):
    """`time()` begins at 0."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__()

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        timers: list[Any] = self._scheduled  # type: ignore[attr-defined]
        while timers and timers[0]._cancelled:
            heappop(timers)._scheduled = False
            self._timer_cancelled_count -= 1  # type: ignore[attr-defined]
        if timers and not self._ready:  # type: ignore[attr-defined]
            self._now = max(self._now, timers[0]._when)
        super()._run_once()  # type: ignore[misc]


def leaping(main: Coroutine[Any, Any, T]) -> T:
    """What `asyncio.run` is, in time that leaps."""
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        return runner.run(main)


def now() -> float:
    """Of the running loop, in seconds."""
    return asyncio.get_running_loop().time()
