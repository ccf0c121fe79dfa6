"""One hop (a call to a model), retried within limits. Law: only this layer retries a failed hop, and only here is a
circuit breaker (`actors.calls.health` decides, this file waits).

Engines, clients and replicas report an error once, with its kind; this file decides whether and when to try again.
An order is charged for a refusal only when it is known that the request is at fault. A failure while the pool is away
is charged to no order. If a pool asks callers to wait, they wait. A pool that answers nothing for `outage_s` is given
up.

A request whose replica died is a suspect: it is sent again with fewer other requests, in the end alone. If it kills two
replicas while alone, and others are answered meanwhile, it is the culprit and ends as crashed.
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
"""Longest delay between two tries, unless the server asks for more."""
BELIEVED_S = 600.0
"""If a server asks for a longer delay than this, `LONGEST_DELAY_S` is used."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 2.0
"""First and longest pause between two calls to a queue that does not answer."""
LOOK_S = 0.1
"""How often a waiting call looks at the pool's state."""
SHORTEST_LOOK_S = 0.01
QUICK_TRIAL_S = 30.0
"""A pool that does not answer a quick trial within this time is away."""
DEATHS = 2
"""A request that killed this many replicas while alone is the culprit."""
MOST_CRASHES = 12
"""After this many crashes a request fails, whichever request is to blame."""
_LESS_COMPANY = {Lane.SHARED: Lane.FEW, Lane.FEW: Lane.ALONE, Lane.ALONE: Lane.ALONE}


class RetryLimits(Struct, frozen=True):
    """Limits of one hop: `retries` tries after the first, `timeout_s` for each try."""

    retries: int = 2
    timeout_s: float = 300.0
    base_delay_s: float = 0.25


class Try(Struct, frozen=True):
    """One try of a hop: its number, from 1 (0: a trial), and with how many others it is sent. `trial`: the try only
    tests the pool, and its answer is thrown away."""

    number: int
    lane: Lane
    trial: Trial | None = None


Call = Callable[[Try], Awaitable[T]]


def delay_s(error: HopError, tries: int, *, base_delay_s: float, random: Random) -> float:
    """Seconds to wait before try number `tries + 1`: the server's hint, or else exponential back-off with equal jitter
    (between a half and all of it)."""
    hint = error.retry_after_s
    if hint is not None:
        return min(hint * (1 + 0.1 * random.random()), BELIEVED_S) if hint <= BELIEVED_S else LONGEST_DELAY_S
    return min(LONGEST_DELAY_S, base_delay_s * 2 ** min(tries - 1, 16)) * (0.5 + random.random() / 2)


class CalledPool(Generic[T]):
    """One pool or gate as one conductor calls it: its health, and the calls that wait for it."""

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
        """Calls that wait for the pool or for their next try."""
        self.in_flight = self.ended = 0
        """Calls under way, and calls that have ended, by an error too."""
        self._limits = limits
        self._clocks = clocks
        self._now = clocks.monotonic
        self._sleep = sleep
        self._random = random
        self._watch = asyncio.Lock()

    def pause(self) -> Pause | None:
        """Why and since when calls wait for the pool, in wall time; None unless that is known."""
        pause = self.health.pause(self._now())
        if pause is None:
            return None
        until = None if pause.until is None else self._clocks.wall_of(pause.until)
        return replace(pause, since=self._clocks.wall_of(pause.since), until=until, waiting=self.waiting)

    @property
    def given_up(self) -> bool:
        """Whether the pool has answered nothing for too long and the next trial is not due yet."""
        now = self._now()
        return self.health.given_up(now) and self.health.trial_due(now) is None

    async def ask(self, call: Call[T], prompt: object = None) -> T:
        """The call's result. `prompt`: tells the request from others.

        Raises the last HopError when the request is at fault and its tries are used up, PoolAwayError when the pool is
        given up.
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
        """Charges the request if it is at fault, and waits until its next try."""
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
        """Waits until `settled` is true. One caller watches and makes the trials; the others queue behind it."""
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
        """Repeats the call that was answered last; if none ever was, sends the fixed form of `call`."""
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
    """Calls our own queue, which is restarted when it dies, until it answers. Raises the last HopError after `for_s`
    seconds."""
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
    """The tries, crashes and delays of one hop."""

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
        """Seconds before the next try. Each time that a pool asks to wait, the delay grows; no try is used up."""
        busy = error.kind is ErrorKind.OVERLOADED
        self._busy += busy
        tries = self._busy if busy else self._tries
        return delay_s(error, tries, base_delay_s=self._limits.base_delay_s, random=self._random)

    def charge(self, error: HopError, now: float) -> None:
        """Counts a failure that is the request's own fault. Raises HopError when the hop has no tries left."""
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
        """The last try decides. So if the pool has answered no call since this hop began, a trial comes first."""
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
