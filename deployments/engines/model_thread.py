"""One thread that owns a model, and the jobs that wait for it. Law: every job is answered, whatever happens.

A job is answered by the thread's work, or with the error that ended the thread; or it is refused at once because the
thread has ended. The event loop never computes, and the thread never touches objects of the event loop.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import torch

from deployments.engines.pretrained import first_line
from schemas.errors import EngineError, ErrorKind

JOIN_S = 30.0
"""Longest wait for the thread at the end: it ends after its present step."""


class Job:
    """A request to the model. Make it on the event loop that gets the answer."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[Any] = self._loop.create_future()
        self.answered = False
        self.cancelled = False
        """Set by a caller that has left and needs no answer."""

    def answer(self, result: object) -> None:
        """Sends the answer or an error to the caller, from any thread. It does nothing if the loop has ended."""
        self.answered = True
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._take, result)

    async def result(self) -> Any:
        """Waits for the answer. Raises the EngineError that came instead."""
        result = await self._answer
        if isinstance(result, EngineError):
            raise EngineError(result.kind, result.detail) from result
        return result

    def _take(self, result: object) -> None:
        if not self._answer.done():  # the caller has left
            self._answer.set_result(result)


J = TypeVar("J", bound=Job)


class Inbox(Generic[J]):
    """Jobs on their way to the thread, and those it has not answered yet."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[J] = deque()
        self._open: set[J] = set()
        self._closing = False
        self._ended: EngineError | None = None

    def put(self, job: J) -> None:
        """Adds a job. Raises the EngineError that ended the thread."""
        with self._changed:
            self.check()
            self._open.add(job)
            self._waiting.append(job)
            self._changed.notify()

    def take(self, *, wait: bool) -> list[J] | None:
        """All waiting jobs; `wait`: at least one. None when the thread must end."""
        with self._changed:
            while wait and not self._waiting and not self._closing:
                self._changed.wait()
            if self._closing:
                return None
            taken = list(self._waiting)
            self._waiting.clear()
            if taken:
                self._open = {job for job in self._open if not job.answered}
            return taken

    def check(self) -> None:
        """Raises the EngineError that ended the thread."""
        with self._changed:
            if self._ended is not None:
                raise EngineError(self._ended.kind, self._ended.detail)

    def close(self) -> None:
        """Asks the thread to end."""
        with self._changed:
            self._closing = True
            self._changed.notify()

    def end(self, error: EngineError) -> None:
        """The thread has ended: the error answers every open job and refuses later ones."""
        with self._changed:
            self._ended = error
            for job in self._open:
                if not job.answered:
                    job.answer(error)
            self._open.clear()


class ModelThread(Generic[J]):
    """Runs `serve` on a thread of its own until it returns or fails."""

    def __init__(self, serve: Callable[[Inbox[J]], None]) -> None:
        self._serve = serve
        self._inbox: Inbox[J] = Inbox()
        self._thread = threading.Thread(target=self._run, name="model", daemon=True)
        self._thread.start()

    def put(self, job: J) -> None:
        """Hands a job over. Raises EngineError when the thread has ended."""
        self._inbox.put(job)

    def check(self) -> None:
        """Raises EngineError when the thread has ended."""
        self._inbox.check()

    async def close(self) -> None:
        """Ends the thread; jobs under way are answered with a retryable error."""
        self._inbox.close()
        await asyncio.to_thread(self._thread.join, JOIN_S)

    def _run(self) -> None:
        error = EngineError(ErrorKind.RETRYABLE, "the engine was closed")
        try:
            with torch.inference_mode():
                self._serve(self._inbox)
        except Exception as died:  # noqa: BLE001 - told to every caller, now and later
            what = f"{type(died).__name__}: {first_line(died)}"
            error = EngineError(ErrorKind.RETRYABLE, f"the model's thread died: {what}")
        finally:
            self._inbox.end(error)
