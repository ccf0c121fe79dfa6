"""The circuit breaker of one pool or gate: may calls be sent, and whose fault is a failed call? A pure state machine:
facts and `now` in (seconds of a clock that never jumps), decisions out.

Laws. An outage costs time and no order: a call that fails while the pool is away, or refuses everything, is charged to
no order. A failure that only one request meets is that request's fault and stops no other call.

Two facts raise doubt about a pool. First: many of its last calls failed. Then all calls wait for a trial. Second: a
call was refused (REFUSED, PERMANENT). Then that order alone waits, until a later call is answered or a trial decides.
A trial repeats the call that was answered last, or sends a fixed call of one line if none ever was. If the trial is
answered, the failures are the requests' own fault. If it fails too, the pool is AWAY or REFUSES, and a trial every
`trial_s` seconds finds out when that ends. A pool that never answered REFUSES only after three different prompts were
refused, or the fixed call twice.
"""

import logging
from collections import Counter, deque
from enum import Enum
from itertools import count
from typing import Generic, TypeVar

from msgspec import Struct

from schemas.errors import ErrorKind, HopError
from schemas.stages import Pause, PauseKind

log = logging.getLogger("gleaner.pool")
C = TypeVar("C")

SHOWN_S = 5.0
"""A pool that only asks callers to wait, and has answered nothing for this long, is shown as paused."""
PROMPTS = 3
"""How many different prompts a pool that never answered must refuse before the pool is to blame."""
_REFUSALS = frozenset({ErrorKind.REFUSED, ErrorKind.PERMANENT})
_FAULTS = frozenset({ErrorKind.RETRYABLE, ErrorKind.CRASHED})


class HealthLimits(Struct, frozen=True):
    """A pool is in doubt when at least `failures` of its last `window` calls failed, and at least a `share` of them.
    While it is away, it gets a trial every `trial_s` seconds. It is given up after `outage_s` without an answer."""

    window: int = 20
    failures: int = 5
    share: float = 0.5
    trial_s: float = 2.0
    outage_s: float = 600.0


class PoolState(Enum):
    """The state of a pool, as a conductor sees it. Calls are sent only while it is OPEN."""

    OPEN = "open"
    DOUBT = "doubt"
    """Calls wait: a trial must say whether the pool or the requests are to blame."""
    AWAY = "away"
    REFUSES = "refuses"


class Fault(Enum):
    """Whose fault a failed call is. UNKNOWN: its order waits and is not charged."""

    REQUEST = "request"
    POOL = "pool"
    UNKNOWN = "unknown"


class Trial(Enum):
    """A call that only tests the pool; its answer is thrown away."""

    QUICK = "quick"
    """The call that was answered last, in its cheapest form: does the pool answer at all?"""
    WHOLE = "whole"
    """The call that was answered last, unchanged: a server may refuse its cheaper form alone."""
    FIXED = "fixed"
    """A fixed call of one line, for a pool that never answered."""


class Started(Struct, frozen=True):
    """A call that was sent: its number among the pool's events, the outages until then, and the time."""

    number: int
    outages: int
    at: float


class Failed(Struct, frozen=True):
    """A call that failed. `outages`: until it began. `number`: of its failure, among the pool's events."""

    error: HopError
    number: int
    outages: int


class _Silence(Struct):
    """The time since which there have been failures and no answer, and the last failure."""

    since: float
    error: HopError


class PoolHealth(Generic[C]):
    """The state machine. `C`: a call that can be repeated."""

    def __init__(self, name: str, limits: HealthLimits) -> None:
        self.name = name
        self.limits = limits
        self.state = PoolState.OPEN
        self.answers = 0
        self.outages = 0
        """How often a trial has shown that the pool is away or refuses everything."""
        self.failures: Counter[ErrorKind] = Counter()
        self.known_good: C | None = None
        """The call that was answered last."""
        self._numbers = count(1)
        self._well = 0
        """Of the calls that were answered: the number of the one that began last."""
        self._answered_at = float("-inf")
        self._silence: _Silence | None = None
        self._failed: deque[bool] = deque(maxlen=limits.window)
        self._refused: list[object] = []
        self._refusal = 0
        """Number of the last refusal."""
        self._refused_before = False
        self._why = ""
        self._trial_at = float("-inf")

    @property
    def is_open(self) -> bool:
        """Whether calls may be sent."""
        return self.state is PoolState.OPEN

    @property
    def _suspected(self) -> bool:
        """A call was refused, and none that began later was answered."""
        return self._refusal > self._well

    def start(self, now: float) -> Started:
        """A call or a trial is sent."""
        return Started(next(self._numbers), self.outages, now)

    def answered(self, call: C, started: Started, now: float) -> None:
        """The call was answered."""
        self.known_good = call
        self._well = max(self._well, started.number)
        self._answer(now)

    def failed(self, error: HopError, started: Started, prompt: object, now: float) -> Failed:
        """The call failed; ask `fault` before its order is charged. `prompt`: tells this request from others."""
        self.failures[error.kind] += 1
        failed = Failed(error, next(self._numbers), started.outages)
        if error.kind is ErrorKind.NONSENSE:
            self._answer(now)
            return failed
        self._silent(error, started, now)
        if self.is_open and started.outages == self.outages and error.kind is not ErrorKind.OVERLOADED:
            self._failed.append(True)
            if error.kind in _REFUSALS:
                self._suspect(failed, prompt, now)
            failures, calls = sum(self._failed), len(self._failed)
            if failures >= self.limits.failures and failures >= self.limits.share * calls:
                self.doubt(error, f"{failures} of the last {calls} calls failed", now)
        return failed

    def fault(self, failed: Failed) -> Fault:
        """Whose fault it was, as far as is known now. A crash or an overload counts as the request's; `retry` decides
        what is charged for it."""
        kind = failed.error.kind
        if kind in (ErrorKind.CRASHED, ErrorKind.OVERLOADED):
            return Fault.REQUEST
        if failed.outages != self.outages:
            return Fault.POOL
        if not self.is_open or (kind in _REFUSALS and self._well < failed.number):
            return Fault.UNKNOWN
        return Fault.REQUEST

    def doubt(self, error: HopError, why: str, now: float) -> None:
        """From now on calls wait until a trial is answered."""
        if self.is_open:
            self.state, self._why = PoolState.DOUBT, why
            self._trial_at = max(self._trial_at, now + (error.retry_after_s or 0.0))

    def trial_due(self, now: float) -> Trial | None:
        """The trial that the caller must make now, and report with `tried`; None: no trial is due."""
        if now < self._trial_at or (self.is_open and not self._suspected):
            return None
        if self.known_good is None:
            return Trial.FIXED
        return Trial.WHOLE if self._suspected else Trial.QUICK

    def next_trial_s(self, now: float) -> float:
        """Seconds until a trial may be due."""
        return max(0.0, self._trial_at - now)

    def tried(self, trial: Trial, error: HopError | None, started: Started, now: float) -> None:
        """The result of a trial. NONSENSE is an answer: the pool works. A reply that asks to wait is no answer."""
        if error is None or error.kind is ErrorKind.NONSENSE:
            self._opens(started, now)
            return
        self._silent(error, started, now)
        self._trial_at = now + max(self.limits.trial_s, error.retry_after_s or 0.0)
        if error.kind in _REFUSALS:
            proves = trial is not Trial.QUICK and (
                self.known_good is not None or self._refused_before or len(self._refused) >= PROMPTS
            )
            self._refusal = next(self._numbers)
            self._refused_before = trial is Trial.FIXED
            if proves:
                self._shut(PoolState.REFUSES)
        elif error.kind in _FAULTS and not self.is_open:
            self._shut(PoolState.AWAY)

    @property
    def given_up_at(self) -> float:
        """When the pool will be given up, unless a call is answered before; infinite while no call fails."""
        return float("inf") if self._silence is None else self._silence.since + self.limits.outage_s

    def given_up(self, now: float) -> bool:
        """Whether calls were made for `outage_s` seconds and none was answered."""
        silence = self._silence
        if silence is None or now < self.given_up_at:
            return False
        return not self.is_open or self._suspected or silence.error.kind is ErrorKind.OVERLOADED

    def pause(self, now: float) -> Pause | None:
        """Why and since when calls wait for the pool; None unless that is known. Times are of the clock of `now`."""
        silence, kind = self._silence, self._kind(now)
        if silence is None or kind is None:
            return None
        told = f"{self._why} ({silence.error.detail})" if self._why else silence.error.detail
        return Pause(self.name, silence.since, told, kind, until=self.given_up_at)

    def _kind(self, now: float) -> PauseKind | None:
        if self.state is PoolState.AWAY:
            return PauseKind.AWAY
        if self.state is PoolState.REFUSES:
            return PauseKind.REFUSED
        silence = self._silence
        if silence is not None and silence.error.kind is ErrorKind.OVERLOADED and now - silence.since >= SHOWN_S:
            return PauseKind.OVERLOADED
        if self.given_up(now):
            return PauseKind.REFUSED if self._suspected else PauseKind.AWAY
        return None

    def _answer(self, now: float) -> None:
        self.answers += 1
        if self.state in (PoolState.OPEN, PoolState.DOUBT):  # a call from before an outage does not end it
            self._answered_at, self._silence = now, None
        if self.is_open:
            self._failed.append(False)
            self._refused.clear()

    def _silent(self, error: HopError, started: Started, now: float) -> None:
        if self._silence is None:
            self._silence = _Silence(max(started.at, self._answered_at), error)
        else:
            self._silence.error = error

    def _suspect(self, failed: Failed, prompt: object, now: float) -> None:
        self._refusal = failed.number
        if self.known_good is None and prompt not in self._refused:
            self._refused.append(prompt)
            if len(self._refused) >= PROMPTS:
                self.doubt(failed.error, f"{PROMPTS} different prompts were refused, and none was ever answered", now)

    def _shut(self, state: PoolState) -> None:
        if self.state in (PoolState.OPEN, PoolState.DOUBT):
            self.outages += 1
            log.warning("paused", extra={"pool": self.name, "why": self._why, "state": state.value})
        self.state = state

    def _opens(self, started: Started, now: float) -> None:
        if self.state in (PoolState.AWAY, PoolState.REFUSES) and self._silence is not None:
            log.warning("answers again", extra={"pool": self.name, "paused_s": now - self._silence.since})
        self.state, self._why = PoolState.OPEN, ""
        self._refused_before = False
        self._trial_at = now
        self._failed.clear()
        self._refused.clear()
        self._well = max(self._well, started.number)
        self.answers += 1
        self._answered_at, self._silence = now, None
