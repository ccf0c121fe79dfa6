"""How a model replica handles a micro-batch: it answers each request on its own and streams each reply when it is done.

Law: every request of a batch gets exactly one reply, and none waits for another. A failure is a reply too.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

from schemas.errors import Failure, GleanerError, HopError, described, innermost, kind_of_bug

log = logging.getLogger("gleaner.replica")


class Request(Protocol):
    """Any request with an id, which its reply will have too."""

    @property
    def id(self) -> str: ...


Q = TypeVar("Q", bound=Request)
R = TypeVar("R")


class Stalled(GleanerError):
    """A replica has requests and finishes none."""


class Checked(Protocol):
    """What computes, as far as health is concerned."""

    async def check(self) -> None:
        """Raises EngineError when it cannot answer any more."""
        ...


class Health:
    """Checks a replica's progress, not just that it answers. `stall_s`: the longest time, in seconds, with requests in
    hand and none finished."""

    def __init__(self, engine: Checked, stall_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._stall_s = stall_s
        self._clock = clock
        self._in_hand = 0
        self._moved_at = clock()

    @contextmanager
    def one(self) -> Iterator[None]:
        """For the time of one request. A cancelled request is no progress."""
        if not self._in_hand:
            self._moved_at = self._clock()
        self._in_hand += 1
        try:
            yield
            self._moved_at = self._clock()
        finally:
            self._in_hand -= 1

    async def check(self) -> None:
        """Raises Stalled, or the engine's error, when Serve should replace this replica."""
        idle_s = self._clock() - self._moved_at
        if self._in_hand and idle_s > self._stall_s:
            raise Stalled(f"{self._in_hand} requests in hand, none finished in {idle_s:.0f} s")
        await self._engine.check()


async def answer_each(
    requests: Sequence[Q], answer: Callable[[Q], Awaitable[R]], health: Health
) -> AsyncIterator[list[R | Failure]]:
    """Replies when they are done. Those done at the same moment share a message. Leaving early cancels the rest."""
    done: asyncio.Queue[asyncio.Task[R | Failure]] = asyncio.Queue()

    async def one(request: Q) -> R | Failure:
        with health.one():
            return await _reply(request, answer)

    tasks = [asyncio.create_task(one(request)) for request in requests]
    for task in tasks:
        task.add_done_callback(done.put_nowait)
    waiting = len(tasks)
    try:
        while waiting:
            replies = [(await done.get()).result()]  # raises a task's error, so that no caller waits in vain
            while not done.empty():
                replies.append(done.get_nowait().result())
            waiting -= len(replies)
            yield replies
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _reply(request: Q, answer: Callable[[Q], Awaitable[R]]) -> R | Failure:
    try:
        return await answer(request)
    except Exception as bug:  # the other requests go on; this failure is reported, and logged with its traceback
        error = innermost(bug)
        if isinstance(error, HopError):
            return Failure(request.id, error.kind, error.detail, error.retry_after_s, error.heard)
        log.exception("a request failed inside the replica", extra=_of(request.id))
        return Failure(request_id=request.id, kind=kind_of_bug(bug), detail=described(bug))


def _of(request_id: str) -> dict[str, str]:
    """The order's attempt or the probe that a request belongs to, from its id."""
    order, _, attempt = request_id.partition(":")
    return {"order": order, "attempt": attempt} if attempt else {"order": order}
