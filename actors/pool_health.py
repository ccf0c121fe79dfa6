"""Whether calls to one pool or gate may go now, as a conductor sees it. Law: an outage costs its own length, no order.

A pool that fails most of its last calls is paused: calls wait, one probe at a time goes through, and the first answer
opens it again. A request's own fault (permanent, nonsense) and a request to wait (overloaded) say nothing against the
pool. Time is passed in, in seconds.
"""

import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from enum import Enum

from msgspec import Struct

from schemas.errors import ErrorKind, HopError
from schemas.stages import Pause

log = logging.getLogger("gleaner.pool")

SHORTEST_WAIT_S = 0.01
_AGAINST_THE_POOL = frozenset({ErrorKind.RETRYABLE, ErrorKind.CRASHED})


class HealthLimits(Struct, frozen=True):
    """Of the last `window` calls, `failures` or more that are at least `share` of them pause the pool. Then one probe
    every `probe_s` seconds. A call waits at most `outage_s` seconds for an answer from a pool that fails or is full."""

    window: int = 20
    failures: int = 5
    share: float = 0.5
    probe_s: float = 1.0
    outage_s: float = 600.0


class Admission(Enum):
    """Why a call may go: the pool is well, or to find out whether it is again."""

    OPEN = "open"
    PROBE = "probe"


class PoolHealth:
    """Each call is admitted once and then answered, failed or left, once."""

    def __init__(
        self,
        name: str,
        limits: HealthLimits,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.answers = 0
        self.failures: Counter[ErrorKind] = Counter()
        self.limits = limits
        self._name = name
        self._clock = clock
        self._sleep = sleep
        self._failed: deque[bool] = deque(maxlen=limits.window)
        self._pause: Pause | None = None
        self._probe_at = 0.0
        self._probing = False

    @property
    def pause(self) -> Pause | None:
        """Set while calls wait."""
        return self._pause

    async def admit(self) -> Admission:
        """Returns when the call may go. Raises HopError when the pool has not come back within `outage_s`."""
        until = self._clock() + self.limits.outage_s
        while self._pause is not None:
            now = self._clock()
            if now >= self._probe_at and not self._probing:
                self._probing = True
                return Admission.PROBE
            if now >= until:
                raise HopError(ErrorKind.RETRYABLE, f"{self._name} did not come back: {self._pause.why}")
            await self._sleep(min(self.limits.probe_s, max(SHORTEST_WAIT_S, self._probe_at - now)))
        return Admission.OPEN

    def answered(self, admission: Admission) -> None:
        """The call has its answer."""
        self.answers += 1
        if admission is Admission.PROBE:
            self._probing = False
            if self._pause is not None:
                log.warning("answers again", extra={"pool": self._name, "paused_s": self._clock() - self._pause.since})
            self._pause = None
            self._failed.clear()
        elif self._pause is None:
            self._failed.append(False)

    def failed(self, admission: Admission, error: HopError) -> bool:
        """The call failed. False: it was under way when the pool failed as a whole, and is not charged for it."""
        self.failures[error.kind] += 1
        if error.kind in (ErrorKind.PERMANENT, ErrorKind.NONSENSE):
            self.answered(admission)
            return True
        if admission is Admission.PROBE:
            self._probing = False
            self._probe_at = self._clock() + max(self.limits.probe_s, error.retry_after_s or 0.0)
            return True
        if self._pause is not None:
            return False
        if error.kind in _AGAINST_THE_POOL:
            self._failed.append(True)
            self._pause_if_failing(error)
        return True

    def left(self, admission: Admission) -> None:
        """The caller went away: nothing was learnt."""
        if admission is Admission.PROBE:
            self._probing = False

    def _pause_if_failing(self, error: HopError) -> None:
        failures, calls = sum(self._failed), len(self._failed)
        if failures < self.limits.failures or failures < self.limits.share * calls:
            return
        now = self._clock()
        why = f"{failures} of the last {calls} calls failed ({error})"
        self._pause = Pause(name=self._name, since=now, why=why)
        self._probe_at = now + max(self.limits.probe_s, error.retry_after_s or 0.0)
        log.warning("paused", extra={"pool": self._name, "why": why})
