"""How many calls one replica sends to its server at once: a pure state machine, the only limit towards a server.

Law: after a 429 all calls are held back, for as long as the server asks. If it does not say, they are held for half a
second, then twice as long each time, up to a minute. Then one trial call finds out if that is over, and the calls at
once grow from few to `concurrency` again. Without a configured number a TunedLimit finds one; then a 429 with no delay,
while other calls are under way, holds nobody back and takes only its own place away. Calls to a server that is only
busy (503) are held only if it answers nothing else, for two seconds at most. Whether a pool is away is decided by the
conductor (`actors.calls.health`).

Each call asks `admit` and, if it was sent, reports its end with `settle`. Time is passed in, in seconds.
"""

from enum import Enum

from msgspec import Struct

from actors.calls.tuned_limit import ServerLoad, TunedLimit

FIRST_HOLD_S = 0.5
SHORTEST_HOLD_S = 0.05
"""Shortest hold, so that a server that asks for less is not called without a pause."""
TRIAL_WAIT_S = 1.0
"""A call that comes during a trial is held back this long."""
BUSY_IN_A_ROW = 8
"""Calls are held after this many 503s in a row: a server that answers other calls between them is not held back."""
GROWTH = 16
"""Above half of their earlier number, the calls at once grow by this part of `concurrency` for each full round of
answers."""


class Sent(Struct, frozen=True):
    """The call may be sent. `trial`: it is the trial call; `hold`: the number of holds before it; `at`: the time."""

    trial: bool
    hold: int
    at: float


class HeldBack(Struct, frozen=True):
    """No call may be sent for this many seconds."""

    retry_after_s: float


class Full(Struct, frozen=True):
    """The greatest number of calls is in flight: ask again when one has ended."""


class CallEnd(Enum):
    """How a call that was sent ended."""

    ANSWERED = "answered"
    """The server answered, if only with a refusal of this request."""
    LIMITED = "limited"
    """429: too many requests."""
    BUSY = "busy"
    """503, 529: no room now."""
    UNKNOWN = "unknown"
    """No answer, or the caller left: this says nothing about limits."""


LONGEST_HOLD_S = {CallEnd.LIMITED: 60.0, CallEnd.BUSY: 2.0}


class ServerLimit:
    """Open for `window` calls at once; closed until a time; or closed with one trial under way."""

    def __init__(self, concurrency: int, tuned: TunedLimit | None = None) -> None:
        """`concurrency`: the most calls at once; `tuned` may allow fewer."""
        self._concurrency = concurrency
        self._tuned = tuned
        self._window = self._slow_above = float(concurrency)
        self._under_way = 0
        self._closed_until: float | None = None
        self._trying = False
        self._holds = 0
        self._refused_trials = 0
        self._busy = 0

    @property
    def room(self) -> int:
        """How many waiting calls may ask again now; all of them while calls are held back."""
        return max(0, self.slots - self._under_way) if self._closed_until is None else self._concurrency

    @property
    def slots(self) -> int:
        """How many calls may be under way while none are held back."""
        window = int(self._window)
        return window if self._tuned is None else min(window, self._tuned.limit)

    def told(self, load: ServerLoad, now: float) -> None:
        """What the server says of its load."""
        if self._tuned is not None:
            self._tuned.told(load, now)

    def held_s(self, now: float) -> float | None:
        """How much longer calls are held back; None if they are not."""
        return None if self._closed_until is None or self._closed_until <= now else self._closed_until - now

    def admit(self, now: float) -> Sent | HeldBack | Full:
        """Whether a call may be sent now."""
        if self._closed_until is None:
            if self._under_way >= self.slots:
                return Full()
        elif now < self._closed_until:
            return HeldBack(self._closed_until - now)
        elif self._trying:
            return HeldBack(TRIAL_WAIT_S)
        self._under_way += 1
        self._trying = trial = self._closed_until is not None
        if self._tuned is not None:
            self._tuned.sent(now)
        return Sent(trial, self._holds, now)

    def settle(
        self, call: Sent, end: CallEnd, now: float, retry_after_s: float | None = None, *, tokens: int | None = None
    ) -> None:
        """The end of a call that was sent. `retry_after_s`: what the server asked for, if it did; `tokens`: generated,
        None without a result."""
        self._under_way -= 1
        if self._tuned is not None:
            self._tune(self._tuned, call, end, now, tokens=tokens, held=retry_after_s is not None)
            if end is CallEnd.LIMITED and retry_after_s is None and self._under_way and not call.trial:
                return  # the server has no place for more, and computes others
        if call.trial:
            self._trying = False
        elif call.hold != self._holds or self._closed_until is not None:
            return  # it was sent before the hold began: it says nothing new
        match end:
            case CallEnd.ANSWERED:
                self._answered(trial=call.trial)
            case CallEnd.LIMITED | CallEnd.BUSY:
                self._refused(end, now, retry_after_s, trial=call.trial)

    def _tune(self, tuned: TunedLimit, call: Sent, end: CallEnd, now: float, *, tokens: int | None, held: bool) -> None:
        if end is CallEnd.LIMITED:
            tuned.refused(now, held=held)
        elif end is CallEnd.ANSWERED and tokens is not None and not call.trial:
            tuned.answered(now, now - call.at, tokens)
        else:
            tuned.ended(now)

    def _answered(self, *, trial: bool) -> None:
        self._busy = 0
        if trial:
            self._closed_until, self._refused_trials = None, 0
        elif self._window < self._concurrency:
            step = 1.0 if self._window < self._slow_above else self._concurrency / GROWTH / self._window
            self._window = min(float(self._concurrency), self._window + step)

    def _refused(self, end: CallEnd, now: float, retry_after_s: float | None, *, trial: bool) -> None:
        if trial:
            self._refused_trials += 1
            self._window = 1.0
        elif end is CallEnd.BUSY and self._busy < BUSY_IN_A_ROW - 1:
            self._busy += 1
            return
        else:
            self._holds += 1
            if self._tuned is None:
                self._window = self._slow_above = max(1.0, self._window / 2)
        self._busy = 0
        grown_s = FIRST_HOLD_S * 2 ** min(self._refused_trials, GROWTH)
        self._closed_until = now + min(LONGEST_HOLD_S[end], max(SHORTEST_HOLD_S, retry_after_s or grown_s))
