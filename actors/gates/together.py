"""Drafts of one passage that are judged in one call.

Law: every request has its own verdict or its own error. No request waits for one that comes later: a call is shared by
those that are there in the same turn of the event loop, as the drafts of one completion are. What is asked again is
asked alone, as are a suspect and a trial: so no draft fails twice by another's fault, and none spoils a trial.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from schemas.errors import ErrorKind, HopError, JudgeError
from schemas.ids import PassageId
from schemas.samples import Lane
from schemas.verdicts import GateRequest, Verdict

JudgeAll = Callable[[Sequence[GateRequest]], Awaitable[Sequence[Verdict | HopError]]]
"""Judges requests about one passage in one call, and gives each its verdict or its error. Raises HopError when the call
fails for all."""


class SharedCall:
    """Requests that wait for one call. The first of them makes it."""

    def __init__(self, first: GateRequest) -> None:
        self.requests = [first]
        self._others: list[asyncio.Future[Verdict | HopError]] = []

    async def join(self, request: GateRequest) -> Verdict | HopError:
        """What the call gives the request."""
        waiting: asyncio.Future[Verdict | HopError] = asyncio.get_running_loop().create_future()
        self.requests.append(request)
        self._others.append(waiting)
        return await waiting

    def give(self, said: Sequence[Verdict | HopError]) -> None:
        """Gives each of the others its own."""
        for waiting, each in zip(self._others, said, strict=True):
            if not waiting.done():  # who waited may be gone
                waiting.set_result(each)

    def fail(self, error: HopError) -> None:
        """Gives all others the same error."""
        self.give([error] * len(self._others))


class Gathering:
    """The calls of a gate that drafts may still join. `most`: drafts of a call."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: dict[PassageId, SharedCall] = {}

    async def verdict(self, request: GateRequest, judge: JudgeAll) -> Verdict:
        """The verdict on the request. Raises HopError."""
        if self._most == 1 or _goes_alone(request):
            (said,) = await judge((request,))
        elif (shared := self._open.get(request.passage.id)) is not None and len(shared.requests) < self._most:
            said = await shared.join(request)
        else:
            said = await self._lead(request, judge)
        if isinstance(said, HopError):
            raise said
        return said

    async def _lead(self, request: GateRequest, judge: JudgeAll) -> Verdict | HopError:
        shared = self._open[request.passage.id] = SharedCall(request)
        try:
            await asyncio.sleep(0)  # those of this turn join
            self._close(shared)
            first, *others = await judge(shared.requests)
        except HopError as error:
            if len(shared.requests) == 1:
                raise
            failed = _of_all(error, len(shared.requests))
            shared.fail(failed)
            raise failed from error
        except BaseException:
            shared.fail(JudgeError(ErrorKind.RETRYABLE, "the judge's call that it shared with another draft was lost"))
            raise
        finally:
            self._close(shared)
        shared.give(others)
        await asyncio.sleep(0)  # all of the call go on in one turn, so that the next gate can judge them together
        return first

    def _close(self, shared: SharedCall) -> None:
        if self._open.get(shared.requests[0].passage.id) is shared:
            del self._open[shared.requests[0].passage.id]


def _goes_alone(request: GateRequest) -> bool:
    """Whether no draft may share its call: it has failed before, it may have killed a replica, or it is a trial."""
    return request.tries > 1 or request.lane is not Lane.SHARED or request.is_trial


def _of_all(error: HopError, count: int) -> JudgeError:
    """The error of a call that `count` drafts shared, for each of them. A call that is too long or refused says nothing
    of one draft alone, so each may be asked again. It is the judge's error, or a gate over a pool would not be asked
    again."""
    kind = ErrorKind.RETRYABLE if error.kind in (ErrorKind.PERMANENT, ErrorKind.REFUSED) else error.kind
    return JudgeError(kind, f"{count} drafts in one call: {error.detail}", error.retry_after_s, error.heard)
