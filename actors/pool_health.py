"""Whether calls to one pool or gate may go now, as a conductor sees it. Law: an outage costs its own length, no order.

When most of the last calls failed there are two explanations: the pool is away, or these requests are bad ones. So
calls wait while one that was answered before is asked again. Answered: the pool is well, and the failures count against
their requests. Failed: the pool is paused, nobody is charged, and it is asked every second until it answers.

A request's own fault (permanent, nonsense) and a request to wait (overloaded) say nothing against the pool. Time is
passed in, in seconds.
"""

import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Generic, TypeVar

from msgspec import Struct

from schemas.errors import ErrorKind, HopError
from schemas.stages import Pause

log = logging.getLogger("gleaner.pool")
C = TypeVar("C")

SHORTEST_WAIT_S = 0.01
_AGAINST_THE_POOL = frozenset({ErrorKind.RETRYABLE, ErrorKind.CRASHED})
_ANSWERS = frozenset({ErrorKind.PERMANENT, ErrorKind.REFUSED, ErrorKind.NONSENSE})


class HealthLimits(Struct, frozen=True):
    """Of the last `window` calls, `failures` or more that are at least `share` of them put the pool in doubt. Then
    one probe every `probe_s` seconds. A call waits at most `outage_s` seconds for a pool that is away or full."""

    window: int = 20
    failures: int = 5
    share: float = 0.5
    probe_s: float = 1.0
    outage_s: float = 600.0


class Admission(Enum):
    """What a caller may do now: its own call, or first find out how the pool is, and ask again."""

    OPEN = "open"
    PROBE = "probe"


class PoolHealth(Generic[C]):
    """Whoever is admitted to probe says what came of it: `probed` or `left`. `C`: a call that can be made again."""

    def __init__(
        self,
        name: str,
        limits: HealthLimits,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.answers = 0
        self.outages = 0
        """Times that the pool was away, as a probe showed."""
        self.failures: Counter[ErrorKind] = Counter()
        self.limits = limits
        self.known_good: C | None = None
        """The call that was answered last."""
        self._name = name
        self._clock = clock
        self._sleep = sleep
        self._failed: deque[bool] = deque(maxlen=limits.window)
        self._doubt: Pause | None = None
        self._away = False
        self._probe_at = 0.0
        self._probing = False

    @property
    def pause(self) -> Pause | None:
        """Set while the pool is known to be away."""
        return self._doubt if self._away else None

    @property
    def in_doubt(self) -> bool:
        """Calls wait: nobody knows yet whom to blame, or the pool is away."""
        return self._doubt is not None

    def deadline(self) -> float:
        """Until when a call that begins now waits for the pool."""
        return self._clock() + self.limits.outage_s

    async def admit(self, deadline: float) -> Admission:
        """Returns when the call may go, or should probe. Raises HopError when the pool is not back by the deadline."""
        while self._doubt is not None:
            now = self._clock()
            if now >= deadline:
                raise HopError(ErrorKind.RETRYABLE, f"{self._name} did not come back: {self._doubt.why}")
            if now >= self._probe_at and not self._probing:
                self._probing = True
                return Admission.PROBE
            await self._sleep(min(self.limits.probe_s, max(SHORTEST_WAIT_S, self._probe_at - now)))
        return Admission.OPEN

    def answered(self, call: C) -> None:
        """The call has its answer."""
        self.answers += 1
        self.known_good = call
        if self._doubt is None:
            self._failed.append(False)

    def failed(self, error: HopError) -> None:
        """The call failed. Look at `in_doubt` before it is charged."""
        self.failures[error.kind] += 1
        if error.kind in _ANSWERS:
            self.answers += 1
        if self._doubt is not None:
            return
        if error.kind in _AGAINST_THE_POOL:
            self._failed.append(True)
            self._doubt_if_failing(error)
        elif error.kind in _ANSWERS:
            self._failed.append(False)

    def probed(self, error: HopError | None) -> None:
        """What came of the probe; an answer that says no is an answer, one that asks to wait is none."""
        self._probing = False
        if error is None or error.kind in _ANSWERS:
            self.answers += 1
            if self._away and self._doubt is not None:
                log.warning("answers again", extra={"pool": self._name, "paused_s": self._clock() - self._doubt.since})
            self._doubt, self._away = None, False
            self._failed.clear()
            return
        if error.kind in _AGAINST_THE_POOL and not self._away and self._doubt is not None:
            self._away = True
            self.outages += 1
            log.warning("paused", extra={"pool": self._name, "why": self._doubt.why})
        self._probe_at = self._clock() + max(self.limits.probe_s, error.retry_after_s or 0.0)

    def left(self) -> None:
        """The prober went away: nothing was learnt."""
        self._probing = False

    def doubt(self, error: HopError, why: str) -> None:
        """From now on calls wait until a probe has shown how the pool is."""
        if self._doubt is None:
            now = self._clock()
            self._doubt = Pause(name=self._name, since=now, why=f"{why} ({error})")
            self._probe_at = now + (error.retry_after_s or 0.0)

    def _doubt_if_failing(self, error: HopError) -> None:
        failures, calls = sum(self._failed), len(self._failed)
        if failures >= self.limits.failures and failures >= self.limits.share * calls:
            self.doubt(error, f"{failures} of the last {calls} calls failed")
