"""One hop to a model, retried within bounds. Law: this is the only layer that retries a failed hop.

Engines, clients and replicas report an error once, with what may be done about it; here it is decided whether and when
to try again. A permanent error is not retried; an overloaded pool is waited for; what fails while its pool is away
(`actors.pool_health`) is charged to nobody.

A request whose replica died is a suspect: it goes again in smaller company, in the end alone. What kills two replicas
alone, while others are answered, is the culprit and ends as crashed; its companions are answered and charged nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import TypeVar

from msgspec import Struct

from actors.pool_health import Admission, PoolHealth
from schemas.errors import ErrorKind, HopError
from schemas.samples import Lane

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]

LONGEST_DELAY_S = 30.0
"""A server may ask for more; the lease would end before."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 2.0
"""Between two calls of a queue that does not answer."""
DEATHS = 2
"""Replicas that a request must have killed alone to be the culprit."""
MOST_CRASHES = 12
"""Whoever is to blame: a request goes no further after so many."""
_LESS_COMPANY = {Lane.SHARED: Lane.FEW, Lane.FEW: Lane.ALONE, Lane.ALONE: Lane.ALONE}


class RetryLimits(Struct, frozen=True):
    """Bounds of one hop: `retries` further tries, `timeout_s` for each."""

    retries: int = 2
    timeout_s: float = 300.0
    base_delay_s: float = 0.25


class Try(Struct, frozen=True):
    """What a call is told of itself: its number among the hop's tries, from 1, and in what company it travels."""

    number: int
    lane: Lane

    @property
    def is_probe(self) -> bool:
        """Made only to see whether the pool answers: as cheap as can be, and its answer is thrown away."""
        return self.number == 0


PROBE_S = 30.0
"""A pool that answers a probe no faster is away."""
Call = Callable[[Try], Awaitable[T]]


def delay_s(error: HopError, tries: int, *, base_delay_s: float, random: Random) -> float:
    """Seconds before try number `tries + 1`: the error's own hint, else exponential with full jitter."""
    if error.retry_after_s is not None:
        return min(LONGEST_DELAY_S, error.retry_after_s * (1 + 0.1 * random.random()))
    return min(LONGEST_DELAY_S, base_delay_s * 2 ** (tries - 1)) * (0.5 + random.random() / 2)


async def hop(call: Call[T], limits: RetryLimits, pool: PoolHealth[Call[T]], *, sleep: Sleep, random: Random) -> T:
    """The call's result. Raises the last HopError when its tries are used up or it is permanent."""
    course = _Course(limits, pool)
    deadline = pool.deadline()
    while True:
        if await pool.admit(deadline) is Admission.PROBE:
            await _probe(call, course, limits, pool)
            continue
        course.settle()
        outages = pool.outages
        try:
            async with asyncio.timeout(limits.timeout_s):
                result = await call(course.next)
        except TimeoutError:
            error = HopError(ErrorKind.RETRYABLE, f"no answer within {limits.timeout_s:g} s")
        except HopError as failed:
            error = failed
        else:
            pool.answered(call)
            return result
        delay = delay_s(error, course.tries, base_delay_s=limits.base_delay_s, random=random)
        pool.failed(error)
        course.failed(error, outages)
        await sleep(delay)
        deadline = pool.deadline()


async def _probe(call: Call[T], course: "_Course", limits: RetryLimits, pool: PoolHealth[Call[T]]) -> None:
    """Asks what was answered before; where nothing was yet, what is to be asked now, in the company it may have."""
    good = pool.known_good
    try:
        async with asyncio.timeout(min(PROBE_S, limits.timeout_s)):
            await (call(Try(0, course.lane)) if good is None else good(Try(0, Lane.SHARED)))
    except TimeoutError:
        pool.probed(HopError(ErrorKind.RETRYABLE, "no answer to a probe"))
    except HopError as error:
        pool.probed(error)
        if good is None and error.kind is ErrorKind.CRASHED:
            course.failed(error, pool.outages)
    except BaseException:
        pool.left()
        raise
    else:
        pool.probed(None)


async def insist(
    call: Callable[[], Awaitable[T]],
    *,
    for_s: float,
    clock: Callable[[], float],
    sleep: Sleep,
    random: Random,
) -> T:
    """For our own queue, which is made again when it dies: asks until it answers, `for_s` seconds long.

    Raises the last HopError after that.
    """
    until = clock() + for_s
    tries = 0
    while True:
        tries += 1
        try:
            return await call()
        except HopError as error:
            if clock() >= until:
                raise
            await sleep(min(LONGEST_PAUSE_S, delay_s(error, tries, base_delay_s=FIRST_PAUSE_S, random=random)))


class _Course:
    """What one hop has been through."""

    def __init__(self, limits: RetryLimits, pool: PoolHealth) -> None:
        self._limits = limits
        self._pool = pool
        self._crashes = self._deaths = 0
        self._answers_at_death = -1
        self._answers_before = pool.answers
        self._waited_s = 0.0
        self._open: tuple[HopError, int] | None = None
        self.tries = 1
        self.lane = Lane.SHARED

    @property
    def next(self) -> Try:
        return Try(number=self.tries, lane=self.lane)

    def failed(self, error: HopError, outages: int) -> None:
        """Takes the error into account, as far as it is known already whether it was the pool's. `outages`: of the
        pool when the call began. Raises the error, or what it proves, when the hop is at its end."""
        if self._pool.in_doubt and error.kind is not ErrorKind.CRASHED:
            self._open = (error, outages)
        else:
            self._charge(error)

    def settle(self) -> None:
        """The pool is well: what failed was the request's own fault, unless the pool was away meanwhile."""
        if self._open is not None:
            (error, outages), self._open = self._open, None
            if self._pool.outages == outages:
                self._charge(error)

    def _charge(self, error: HopError) -> None:
        match error.kind:
            case ErrorKind.PERMANENT | ErrorKind.REFUSED:
                raise error
            case ErrorKind.CRASHED:
                self._suspect(error)
            case ErrorKind.OVERLOADED:
                self._wait(error)
            case ErrorKind.RETRYABLE | ErrorKind.NONSENSE:
                if self.tries > self._limits.retries:
                    raise error
                self.tries += 1
                self._before_the_last(error)

    def _before_the_last(self, error: HopError) -> None:
        """The last try decides, so it is made of a pool that has answered somebody since the first one failed."""
        if self.tries > self._limits.retries and self._pool.answers == self._answers_before:
            self._pool.doubt(error, f"a call failed {self.tries - 1} times, and nobody was answered meanwhile")

    def _wait(self, error: HopError) -> None:
        self._waited_s += min(LONGEST_DELAY_S, max(self._limits.base_delay_s, error.retry_after_s or 0.0))
        if self._waited_s > self._pool.limits.outage_s:
            raise error

    def _suspect(self, error: HopError) -> None:
        self._crashes += 1
        if self.lane is Lane.ALONE and self._pool.answers > self._answers_at_death:
            self._deaths += 1
            self._answers_at_death = self._pool.answers
        if self._deaths >= DEATHS:
            evidence = f"killed {self._deaths} replicas while alone in its message; others were answered in between"
            raise HopError(ErrorKind.CRASHED, f"{evidence} ({error.detail})")
        if self._crashes >= MOST_CRASHES:
            raise HopError(ErrorKind.CRASHED, f"{self._crashes} replicas died under it ({error.detail})")
        self.lane = _LESS_COMPANY[self.lane]
