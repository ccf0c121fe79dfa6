"""One hop to a model, retried within bounds. Law: this is the only layer that retries a failed hop, and the only
circuit breaker (`actors.calls.health` decides, this file waits).

Engines, clients and replicas report an error once, with what may be done about it; here it is decided whether and when
to try again. Whose fault a refusal is, is found out before an order pays for it; what fails while its pool is away is
charged to nobody; a pool that asks to wait is waited for. A pool that answers nothing for `outage_s` is given up.

A request whose replica died is a suspect: it goes again in smaller company, in the end alone. What kills two replicas
alone, while others are answered, is the culprit and ends as crashed; its companions are answered and charged nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from actors.calls.clocks import Clocks
from actors.calls.health import Failed, Fault, HealthLimits, PoolHealth, Trial
from schemas.errors import ErrorKind, HopError, PoolAwayError
from schemas.samples import Lane
from schemas.stages import Pause

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]

LONGEST_DELAY_S = 60.0
"""Between two tries, unless the server says more itself."""
BELIEVED_S = 600.0
"""A server that asks for a longer delay is not believed."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 2.0
"""Between two calls of a queue that does not answer."""
LOOK_S = 0.1
"""Between two looks of the caller that waits for a pool on behalf of all."""
SHORTEST_LOOK_S = 0.01
QUICK_TRIAL_S = 30.0
"""A pool that answers a quick trial no faster is away."""
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
    """What a call is told of itself: its number among the hop's tries, from 1, and in what company it travels. `trial`:
    it is made only to see how the pool is, and its answer is thrown away."""

    number: int
    lane: Lane
    trial: Trial | None = None


Call = Callable[[Try], Awaitable[T]]


def delay_s(error: HopError, tries: int, *, base_delay_s: float, random: Random) -> float:
    """Seconds before try number `tries + 1`: the error's own hint, else exponential with full jitter."""
    hint = error.retry_after_s
    if hint is not None:
        return min(hint * (1 + 0.1 * random.random()), BELIEVED_S) if hint <= BELIEVED_S else LONGEST_DELAY_S
    return min(LONGEST_DELAY_S, base_delay_s * 2 ** min(tries - 1, 16)) * (0.5 + random.random() / 2)


class CalledPool(Generic[T]):
    """One pool or gate as one conductor calls it: its health, and who waits for it."""

    def __init__(
        self,
        name: str,
        limits: RetryLimits,
        health: HealthLimits,
        *,
        clocks: Clocks,
        sleep: Sleep,
        random: Random,
    ) -> None:
        self.health: PoolHealth[Call[T]] = PoolHealth(name, health)
        self.waiting = 0
        """Calls that wait: for the pool, or for their next try."""
        self.in_flight = self.ended = 0
        """Calls, whatever came of them."""
        self._limits = limits
        self._clocks = clocks
        self._now = clocks.monotonic
        self._sleep = sleep
        self._random = random
        self._watch = asyncio.Lock()

    def pause(self) -> Pause | None:
        """Set while calls wait for the pool and it is known why."""
        pause = self.health.pause(self._now())
        if pause is None:
            return None
        until = None if pause.until is None else self._clocks.wall_of(pause.until)
        return replace(pause, since=self._clocks.wall_of(pause.since), until=until, waiting=self.waiting)

    @property
    def given_up(self) -> bool:
        """It answered nothing for too long, and the next trial is not due yet."""
        now = self._now()
        return self.health.given_up(now) and self.health.trial_due(now) is None

    async def ask(self, call: Call[T], prompt: object = None) -> T:
        """The call's result. `prompt`: what tells the request from others.

        Raises the last HopError when it is the request's own fault and its tries are used up, PoolAwayError when the
        pool is given up.
        """
        course = _Course(self._limits, self.health, self._random)
        self.in_flight += 1
        try:
            while True:
                if not self.health.is_open:
                    await self._until(lambda: self.health.is_open, call)
                started = self.health.start(self._now())
                try:
                    async with asyncio.timeout(self._limits.timeout_s):
                        result = await call(course.next)
                except TimeoutError:
                    error = HopError(ErrorKind.RETRYABLE, f"no answer within {self._limits.timeout_s:g} s")
                except HopError as failed:
                    error = failed
                else:
                    self.health.answered(call, started, self._now())
                    return result
                await self._after(self.health.failed(error, started, prompt, self._now()), course, call)
        finally:
            self.in_flight -= 1
            self.ended += 1

    async def _after(self, failed: Failed, course: "_Course", call: Call[T]) -> None:
        """Charges the order when the fault is its own, and waits for the time of its next try."""
        if self.health.fault(failed) is Fault.UNKNOWN:
            await self._until(lambda: self.health.fault(failed) is not Fault.UNKNOWN, call)
        if self.health.fault(failed) is Fault.POOL:
            return
        delay = course.delay_s(failed.error)
        course.charge(failed.error, self._now())
        self.waiting += 1
        try:
            while delay > 0:
                step_s = min(delay, max(LOOK_S, self.health.given_up_at - self._now()))
                await self._sleep(step_s)
                delay -= step_s
                if self.given_up:
                    raise self._away()
        finally:
            self.waiting -= 1

    async def _until(self, settled: Callable[[], bool], call: Call[T]) -> None:
        """Waits until something is settled. One caller watches and makes the trials; the others queue behind it."""
        self.waiting += 1
        try:
            async with self._watch:
                while not settled():
                    now = self._now()
                    trial = self.health.trial_due(now)
                    if trial is not None:
                        await self._try(trial, call)
                    elif self.health.given_up(now):
                        raise self._away()
                    else:
                        await self._sleep(max(SHORTEST_LOOK_S, min(LOOK_S, self.health.next_trial_s(now))))
        finally:
            self.waiting -= 1

    async def _try(self, trial: Trial, call: Call[T]) -> None:
        """Asks what was answered before; where nothing was yet, the fixed form of what is to be asked now."""
        started = self.health.start(self._now())
        timeout_s = self._limits.timeout_s
        if trial is Trial.QUICK:
            timeout_s = min(QUICK_TRIAL_S, timeout_s)
        error: HopError | None = None
        try:
            async with asyncio.timeout(timeout_s):
                await (self.health.known_good or call)(Try(0, Lane.SHARED, trial))
        except TimeoutError:
            error = HopError(ErrorKind.RETRYABLE, f"no answer to a trial within {timeout_s:g} s")
        except HopError as failed:
            error = failed
        self.health.tried(trial, error, started, self._now())

    def _away(self) -> PoolAwayError:
        pause = self.pause()
        assert pause is not None
        return PoolAwayError(pause.name, pause.kind.value, since=pause.since, why=pause.why)


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

    def __init__(self, limits: RetryLimits, pool: PoolHealth, random: Random) -> None:
        self._limits = limits
        self._pool = pool
        self._random = random
        self._crashes = self._deaths = self._busy = 0
        self._answers_at_death = -1
        self._answers_before = pool.answers
        self._tries = 1
        self._lane = Lane.SHARED

    @property
    def next(self) -> Try:
        return Try(number=self._tries, lane=self._lane)

    def delay_s(self, error: HopError) -> float:
        """Before the next try. A pool that asks to wait is given ever more time, whatever the tries."""
        busy = error.kind is ErrorKind.OVERLOADED
        self._busy += busy
        tries = self._busy if busy else self._tries
        return delay_s(error, tries, base_delay_s=self._limits.base_delay_s, random=self._random)

    def charge(self, error: HopError, now: float) -> None:
        """Takes into account what was the request's own fault. Raises the error, or what it proves, when the hop is at
        its end."""
        match error.kind:
            case ErrorKind.PERMANENT:
                raise error
            case ErrorKind.CRASHED:
                self._suspect(error)
            case ErrorKind.OVERLOADED:
                pass
            case ErrorKind.RETRYABLE | ErrorKind.NONSENSE | ErrorKind.REFUSED:
                if self._tries > self._limits.retries:
                    raise error
                self._tries += 1
                self._before_the_last(error, now)

    def _before_the_last(self, error: HopError, now: float) -> None:
        """The last try decides, so it is made of a pool that has answered somebody since the first one failed."""
        if self._tries > self._limits.retries and self._pool.answers == self._answers_before:
            why = f"a call failed {self._tries - 1} times, and nobody was answered meanwhile"
            self._pool.doubt(error, why, now)

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
