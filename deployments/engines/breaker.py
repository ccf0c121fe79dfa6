"""A circuit breaker for one endpoint: a pure state machine. Law: after so many failures in a row nothing is sent for a
while, then one call tries; it alone decides whether the others may go again.

Each call asks `admit` and, when let through, tells its end once with `settle`. Time is passed in, in seconds.
"""

from enum import Enum

from msgspec import Struct


class BreakerLimits(Struct, frozen=True):
    """`failures` in a row (1 or more) open the breaker for `open_s` seconds."""

    failures: int
    open_s: float


class Admitted(Struct, frozen=True):
    """The call may be sent. `trial`: it is the one that finds out whether the endpoint is back."""

    trial: bool = False


class Refused(Struct, frozen=True):
    """Nothing is to be sent for so many seconds."""

    retry_after_s: float


class CallEnd(Enum):
    """How an admitted call ended."""

    ANSWERED = "answered"
    """The endpoint answered, if only with a refusal."""
    FAILED = "failed"
    """No answer, a broken one, or the endpoint's own fault."""
    UNKNOWN = "unknown"
    """The caller left: nothing was learnt."""


class CircuitBreaker:
    """Closed, open until a time, or half open with one trial under way."""

    def __init__(self, limits: BreakerLimits) -> None:
        self._limits = limits
        self._failures = 0
        self._open_until: float | None = None
        self._trying = False

    def admit(self, now: float) -> Admitted | Refused:
        """Whether a call may be sent now."""
        if self._open_until is None:
            return Admitted()
        if now < self._open_until:
            return Refused(self._open_until - now)
        if self._trying:
            return Refused(self._limits.open_s)
        self._trying = True
        return Admitted(trial=True)

    def settle(self, call: Admitted, end: CallEnd, now: float) -> None:
        """The end of an admitted call. One that was sent before the breaker opened changes nothing any more."""
        if call.trial:
            self._trying = False
            if end is CallEnd.ANSWERED:
                self._close()
            elif end is CallEnd.FAILED:
                self._open_until = now + self._limits.open_s
        elif self._open_until is None:
            self._count(end, now)

    def _count(self, end: CallEnd, now: float) -> None:
        if end is CallEnd.ANSWERED:
            self._failures = 0
        elif end is CallEnd.FAILED:
            self._failures += 1
            if self._failures >= self._limits.failures:
                self._open_until = now + self._limits.open_s

    def _close(self) -> None:
        self._failures = 0
        self._open_until = None
