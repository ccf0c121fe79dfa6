"""One hop to a model, retried within bounds. Law: this is the only layer that retries a failed hop.

Engines, clients and replicas report an error once, with what may be done about it; here it is decided whether and when
to try again. A permanent error is not retried; an overloaded pool is waited for; a pool that fails as a whole is paused
(`actors.pool_health`) and charges nobody.

A request whose replica died is a suspect: it goes again in smaller company, in the end alone. What kills two replicas
alone, while others are answered, is the culprit and ends as crashed; its companions are answered and charged nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from random import Random
from typing import TypeVar

from msgspec import Struct

from actors.pool_health import PoolHealth
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


def delay_s(error: HopError, tries: int, *, base_delay_s: float, random: Random) -> float:
    """Seconds before try number `tries + 1`: the error's own hint, else exponential with full jitter."""
    if error.retry_after_s is not None:
        return min(LONGEST_DELAY_S, error.retry_after_s * (1 + 0.1 * random.random()))
    return min(LONGEST_DELAY_S, base_delay_s * 2 ** (tries - 1)) * (0.5 + random.random() / 2)


async def hop(
    call: Callable[[Try], Awaitable[T]], limits: RetryLimits, pool: PoolHealth, *, sleep: Sleep, random: Random
) -> T:
    """The call's result. Raises the last HopError when its tries are used up or it is permanent."""
    course = _Course(limits, pool)
    while True:
        admission = await pool.admit()
        try:
            async with asyncio.timeout(limits.timeout_s):
                result = await call(course.next)
        except TimeoutError:
            error = HopError(ErrorKind.RETRYABLE, f"no answer within {limits.timeout_s:g} s")
        except HopError as failed:
            error = failed
        except BaseException:
            pool.left(admission)
            raise
        else:
            pool.answered(admission)
            return result
        delay = delay_s(error, course.tries, base_delay_s=limits.base_delay_s, random=random)
        if pool.failed(admission, error) or error.kind is ErrorKind.CRASHED:
            course.charge(error)
        await sleep(delay)


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
    for tries in count(1):
        try:
            return await call()
        except HopError as error:
            if clock() >= until:
                raise
            await sleep(min(LONGEST_PAUSE_S, delay_s(error, tries, base_delay_s=FIRST_PAUSE_S, random=random)))
    raise AssertionError("a count has no end")


class _Course:
    """What one hop has been through."""

    def __init__(self, limits: RetryLimits, pool: PoolHealth) -> None:
        self._limits = limits
        self._pool = pool
        self._lane = Lane.SHARED
        self._crashes = self._deaths = 0
        self._answers_at_death = -1
        self._waited_s = 0.0
        self.tries = 1

    @property
    def next(self) -> Try:
        return Try(number=self.tries, lane=self._lane)

    def charge(self, error: HopError) -> None:
        """Takes the error into account. Raises it, or what it proves, when the hop is at its end."""
        match error.kind:
            case ErrorKind.PERMANENT:
                raise error
            case ErrorKind.CRASHED:
                self._suspect(error)
            case ErrorKind.OVERLOADED:
                self._wait(error)
            case ErrorKind.RETRYABLE | ErrorKind.NONSENSE:
                if self.tries > self._limits.retries:
                    raise error
                self.tries += 1

    def _wait(self, error: HopError) -> None:
        self._waited_s += min(LONGEST_DELAY_S, max(self._limits.base_delay_s, error.retry_after_s or 0.0))
        if self._waited_s > self._pool.limits.outage_s:
            raise error

    def _suspect(self, error: HopError) -> None:
        self._crashes += 1
        if self._lane is Lane.ALONE and self._pool.answers > self._answers_at_death:
            self._deaths += 1
            self._answers_at_death = self._pool.answers
        if self._deaths >= DEATHS:
            evidence = f"killed {self._deaths} replicas while alone in its message; others were answered in between"
            raise HopError(ErrorKind.CRASHED, f"{evidence} ({error.detail})")
        if self._crashes >= MOST_CRASHES:
            raise HopError(ErrorKind.CRASHED, f"{self._crashes} replicas died under it ({error.detail})")
        self._lane = _LESS_COMPANY[self._lane]
