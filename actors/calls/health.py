"""Whether calls to one pool or gate may go, and whose fault a failed one is. A pure state machine: facts and `now` in
(seconds of a clock that never jumps), decisions out.

Laws. An outage costs its own length and no order: what fails while the pool is away or refuses everything is charged to
nobody. What one request alone meets is that request's fault and closes nothing.

Two things put a pool in question. Most of its last calls failed: then calls wait for a trial. Or a call was refused
(REFUSED, PERMANENT): then that order alone waits, until a call that began later is answered, or a trial says more. A
trial asks again what was answered last; where no call was ever answered, a fixed one-line call. It is answered: the
failures are their requests' own. It fails too: the pool is AWAY or REFUSES, and a trial every `trial_s` seconds finds
out when that is over. Where nothing was ever answered, three different prompts must have been refused, or the fixed
call twice.
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
"""A pool that only asks to wait, and has answered nothing for so long, is shown as paused."""
PROMPTS = 3
"""Different prompts that must be refused before a pool that never answered is to blame."""
_REFUSALS = frozenset({ErrorKind.REFUSED, ErrorKind.PERMANENT})
_FAULTS = frozenset({ErrorKind.RETRYABLE, ErrorKind.CRASHED})


class HealthLimits(Struct, frozen=True):
    """Of the last `window` calls, `failures` or more that are at least `share` of them put the pool in doubt. A pool
    that is away gets a trial every `trial_s` seconds, and is given up `outage_s` seconds after its last answer."""

    window: int = 20
    failures: int = 5
    share: float = 0.5
    trial_s: float = 2.0
    outage_s: float = 600.0


class PoolState(Enum):
    """Of a pool, as a conductor sees it. Only while it is OPEN do calls go."""

    OPEN = "open"
    DOUBT = "doubt"
    """Calls wait: a trial must say whether the pool or the requests are to blame."""
    AWAY = "away"
    REFUSES = "refuses"


class Fault(Enum):
    """Whose fault a failed call is; UNKNOWN: its order waits, uncharged."""

    REQUEST = "request"
    POOL = "pool"
    UNKNOWN = "unknown"


class Trial(Enum):
    """A call that is made only to see how the pool is; its answer is thrown away."""

    QUICK = "quick"
    """What was answered last, as cheap as can be: is anybody there?"""
    WHOLE = "whole"
    """What was answered last, unchanged: a server may refuse a cheaper form of it alone."""
    FIXED = "fixed"
    """A fixed call of one line: no call was ever answered."""


class Started(Struct, frozen=True):
    """A call that goes out: its number among the pool's events, and how often the pool had been away by then."""

    number: int
    outages: int
    at: float


class Failed(Struct, frozen=True):
    """A call that failed; `outages` as when it began, `number` as it failed."""

    error: HopError
    number: int
    outages: int


class _Silence(Struct):
    """Since when there have been failures and no answer, and the last of these."""

    since: float
    error: HopError


class PoolHealth(Generic[C]):
    """`C`: a call that can be made again."""

    def __init__(self, name: str, limits: HealthLimits) -> None:
        self.name = name
        self.limits = limits
        self.state = PoolState.OPEN
        self.answers = 0
        self.outages = 0
        """Times that the pool was away or refused everything, as a trial showed."""
        self.failures: Counter[ErrorKind] = Counter()
        self.known_good: C | None = None
        """The call that was answered last."""
        self._numbers = count(1)
        self._well = 0
        """Number of the latest-begun call that was answered."""
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
        """Calls may go."""
        return self.state is PoolState.OPEN

    @property
    def _suspected(self) -> bool:
        """A call was refused, and none that began later was answered."""
        return self._refusal > self._well

    def start(self, now: float) -> Started:
        """A call goes out, or a trial."""
        return Started(next(self._numbers), self.outages, now)

    def answered(self, call: C, started: Started, now: float) -> None:
        """The call has its answer."""
        self.known_good = call
        self._well = max(self._well, started.number)
        self._answer(now)

    def failed(self, error: HopError, started: Started, prompt: object, now: float) -> Failed:
        """The call failed; ask `fault` before it is charged. `prompt`: what tells it from others."""
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
        """Whose fault it was, as far as is known by now. What a crash proves, the company says in which it happened."""
        kind = failed.error.kind
        if kind in (ErrorKind.CRASHED, ErrorKind.OVERLOADED):
            return Fault.REQUEST
        if failed.outages != self.outages:
            return Fault.POOL
        if not self.is_open or (kind in _REFUSALS and self._well < failed.number):
            return Fault.UNKNOWN
        return Fault.REQUEST

    def doubt(self, error: HopError, why: str, now: float) -> None:
        """From now on calls wait until a trial has shown how the pool is."""
        if self.is_open:
            self.state, self._why = PoolState.DOUBT, why
            self._trial_at = max(self._trial_at, now + (error.retry_after_s or 0.0))

    def trial_due(self, now: float) -> Trial | None:
        """The trial that is to be made now by whoever asks, who then says what came of it: `tried`."""
        if now < self._trial_at or (self.is_open and not self._suspected):
            return None
        if self.known_good is None:
            return Trial.FIXED
        return Trial.WHOLE if self._suspected else Trial.QUICK

    def next_trial_s(self, now: float) -> float:
        """Seconds until one may be due."""
        return max(0.0, self._trial_at - now)

    def tried(self, trial: Trial, error: HopError | None, started: Started, now: float) -> None:
        """What came of a trial. One that says no in its own words is an answer; one that asks to wait is none."""
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
        """When it will be, if nothing is answered until then; infinite while nothing fails."""
        return float("inf") if self._silence is None else self._silence.since + self.limits.outage_s

    def given_up(self, now: float) -> bool:
        """Nothing was answered for `outage_s`, though calls were made."""
        silence = self._silence
        if silence is None or now < self.given_up_at:
            return False
        return not self.is_open or self._suspected or silence.error.kind is ErrorKind.OVERLOADED

    def pause(self, now: float) -> Pause | None:
        """Set while calls wait for the pool and it is known why. Its times are of the clock that `now` is of."""
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
        if self.state in (PoolState.OPEN, PoolState.DOUBT):  # what was begun before an outage says nothing of its end
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
