"""What every model replica does with a micro-batch: answer each request on its own, stream each reply when it is done.

Law: every request of a batch gets exactly one reply, and none waits for another: a failure is a reply too.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from schemas.errors import ErrorKind, Failure, HopError

log = logging.getLogger("gleaner.replica")


class Request(Protocol):
    """Anything that carries the id its reply will carry."""

    @property
    def id(self) -> str: ...


Q = TypeVar("Q", bound=Request)
R = TypeVar("R")


async def answer_each(requests: Sequence[Q], answer: Callable[[Q], Awaitable[R]]) -> AsyncIterator[list[R | Failure]]:
    """Replies as they are done; those done at the same moment share a message. Leaving early cancels the rest."""
    done: asyncio.Queue[R | Failure] = asyncio.Queue()

    async def one(request: Q) -> None:
        done.put_nowait(await _reply(request, answer))

    tasks = [asyncio.ensure_future(one(request)) for request in requests]
    waiting = len(tasks)
    try:
        while waiting:
            replies = [await done.get()]
            while not done.empty():
                replies.append(done.get_nowait())
            waiting -= len(replies)
            yield replies
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _reply(request: Q, answer: Callable[[Q], Awaitable[R]]) -> R | Failure:
    try:
        return await answer(request)
    except HopError as error:
        return Failure(request_id=request.id, kind=error.kind, detail=error.detail, retry_after_s=error.retry_after_s)
    except Exception as bug:  # the batch's other requests go on; this one is reported, and logged with its traceback
        log.exception("a request failed inside the replica", extra={"request": request.id})
        return Failure(request_id=request.id, kind=ErrorKind.RETRYABLE, detail=f"{type(bug).__name__}: {bug}")
