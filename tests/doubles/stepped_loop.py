"""An event loop that a test steps by hand: one callback a step, time as told, work for threads held until it is done.

Law: nothing happens by itself. The same steps give the same run; a loop that is dropped between two steps is a process
that died there.
"""

import asyncio
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from heapq import heappop, heappush
from itertools import count
from typing import Any

MOST_STEPS = 10_000


class Job:
    """Work that was given to a thread. The test says when it ends, and how."""

    def __init__(self, work: Callable[[], Any], answer: asyncio.Future[Any]) -> None:
        self._answer = answer
        self.work = work

    def done(self, result: Any) -> None:
        """The thread has done its work."""
        if not self._answer.done():
            self._answer.set_result(result)

    def failed(self, error: Exception) -> None:
        """The thread's work raised."""
        if not self._answer.done():
            self._answer.set_exception(error)


class SteppedLoop(asyncio.AbstractEventLoop):
    """What asyncio's own tasks, futures, events and time-outs need of a loop."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.jobs: deque[Job] = deque()
        self.complaints: list[str] = []
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbers = count()
        self._tasks: list[asyncio.Task[Any]] = []
        self._dead = False

    @property
    def quiet(self) -> bool:
        """Nothing can happen until time passes, a job ends or somebody calls."""
        return not self._ready

    def step(self) -> None:
        """The next callback, if there is one: a task runs up to its next wait."""
        if self._ready:
            handle = self._ready.popleft()
            if not handle.cancelled():
                events._set_running_loop(self)
                try:
                    handle._run()
                finally:
                    events._set_running_loop(None)

    def run_until_quiet(self) -> None:
        """Every step that can be made now. Raises AssertionError when they never end."""
        for _ in range(MOST_STEPS):
            if not self._ready:
                return
            self.step()
        raise AssertionError("the loop never comes to rest")

    def wait(self, seconds: float) -> None:
        """Time passes; what was to happen meanwhile is ready, in order."""
        self.now += seconds
        while self._timers and self._timers[0][0] <= self.now:
            self._ready.append(heappop(self._timers)[2])

    def start(self, call: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A call from outside, not yet begun."""
        return self.create_task(call)

    def call_now(self, function: Callable[[], Any]) -> Any:
        """A plain call inside the loop."""
        events._set_running_loop(self)
        try:
            return function()
        finally:
            events._set_running_loop(None)

    def die(self) -> None:
        """The process is gone: nothing of it runs on."""
        self._dead = True
        for task in self._tasks:
            coroutine = task.get_coro()
            if not task.done() and coroutine is not None:
                coroutine.close()
        self._ready.clear()
        self._timers.clear()
        self.jobs.clear()

    def time(self) -> float:
        return self.now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return not self._dead

    def is_closed(self) -> bool:
        return False

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heappush(self._timers, (when, next(self._numbers), handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """asyncio tells its loop; ours drops a cancelled handle when its turn comes."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, **options)
        self._tasks.append(task)
        return task

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        answer = self.create_future()
        self.jobs.append(Job(lambda: func(*args), answer))
        return answer

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """What asyncio says of errors that nobody asked for."""
        if not self._dead:
            self.complaints.append(f"{context.get('message')}: {context.get('exception')!r}")
