"""Tells trackers of a run while it goes on: each in a process of its own, from a thread of its own.

Law: the run waits for no tracker and fails with none. `tell` keeps the last Progress, and no more. A tracker that does
not answer, or answers that it failed, is named in `pauses` within ten seconds, and told again at the next time. Only
the end of a run waits, within a limit.
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from actors.counts.bill import bill_of, prices_of
from deployments.monitoring.endpoint import moment, run_facts
from deployments.monitoring.progress import Progress
from deployments.monitoring.trackers.child import LEAVE_S, TrackerProcess
from deployments.monitoring.trackers.installed import configured
from deployments.monitoring.trackers.messages import Told, ToldBegin, ToldEnd, ToldMoment
from schemas.config import RunConfig
from schemas.config_trackers import TrackerName
from schemas.errors import described
from schemas.stages import Pause

log = logging.getLogger("gleaner.run")

EVERY_S, LONGEST_WAIT_S = 5.0, 60.0
"""Time between two messages; after each that failed twice as long, up to the second."""
IMPORT_S, FIRST_S, SLOW_S = 60.0, 8.0, 4.0
"""A slower answer is reported: to the import of a client, to the first message, which no other came before, and to any
later one. A later one comes after `EVERY_S`, so that both are in time for the promised ten seconds."""
LONGEST_S = 120.0
"""A process that takes longer for an answer hangs. It is ended, and the next message goes to a new one."""
END_S = 60.0
"""How long a finished run waits for what is left. The next run of the folder tells the tracker again."""
AWAY_END_S = 10.0
"""The same for trackers that fail, and for a run that was interrupted."""
LOOK_S, AGAIN_S = 0.25, 1.0
LONGEST_WHY = 300


class FollowClock(Struct, frozen=True):
    """Seconds since the epoch, seconds that only grow, and a wait."""

    wall: Callable[[], float] = time.time
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Follower:
    """One tracker of a run. `tell` and `finish` never wait; `stop` comes in any case, after `leave`."""

    def __init__(self, begin: ToldBegin, clock: FollowClock, start: Callable[[], TrackerProcess]) -> None:
        self._begin = begin
        self._clock = clock
        self._start = start
        self._prices = prices_of(begin.config)
        self._lock = threading.Lock()
        self._progress: Progress | None = None
        self._process: TrackerProcess | None = None
        self._asked_at: float | None = None
        self._limit_s = IMPORT_S
        self._failed: Pause | None = None
        self._failures = 0
        self._finishing: ToldEnd | None = None
        self._over = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"tracker-{begin.tracker}", daemon=True)
        self.is_done = False
        """Whether the tracker has all, or was given up: nothing more is said to it."""

    @property
    def name(self) -> TrackerName:
        return self._begin.tracker

    @property
    def fails(self) -> bool:
        """Whether it said last that it failed; one that is only slow did not."""
        return self._failed is not None

    @property
    def pause(self) -> Pause | None:
        """Why the tracker shows nothing new; None while it takes what it is told."""
        if self._failed is not None:
            return self._failed
        asked_at = self._asked_at
        if asked_at is None or (waited := self._clock.now() - asked_at) < self._limit_s:
            return None
        return Pause(f"tracker {self.name}", self._clock.wall() - waited, "it has not answered yet")

    def tell(self, progress: Progress) -> None:
        """Keeps the run as it is now, and ends a process that hangs. Never waits."""
        if progress.snapshot is None:
            return
        self._progress = progress
        if self._thread.ident is None:
            self._thread.start()
        asked_at = self._asked_at
        if asked_at is not None and self._clock.now() - asked_at > LONGEST_S:
            self._kill()

    def finish(self, complete: bool) -> None:
        """No more comes: what is left is told at once, then that the run is over. `is_done` says when."""
        self._finishing = ToldEnd(complete)
        self._wake.set()
        self.is_done = self._thread.ident is None

    def leave(self) -> None:
        """Nothing more is told, and the process is let go."""
        self._over = True
        self._wake.set()

    def stop(self) -> None:
        """Waits for that, and ends a process that hangs."""
        if self._thread.ident is not None:
            self._thread.join(2 * LEAVE_S)
            self._kill()
            self._thread.join(LEAVE_S)

    def _run(self) -> None:
        """The thread: tells the last Progress every `EVERY_S`, and whatever is left at the end."""
        while not self._over:
            finishing = self._finishing
            if self._tell_last() and finishing is not None and self._ask(finishing):
                break
            if self._over or self._wake.wait(AGAIN_S if finishing is not None else self._wait_s):
                self._wake.clear()
        if (process := self._process) is not None:
            process.leave()
        self.is_done = True

    @property
    def _wait_s(self) -> float:
        return min(LONGEST_WAIT_S, EVERY_S * 2.0 ** min(max(0, self._failures - 1), 10))

    def _tell_last(self) -> bool:
        progress = self._progress
        if progress is None or progress.snapshot is None:
            return True
        bill = bill_of(progress.snapshot.summary, self._prices)
        return self._ask(ToldMoment(moment(progress), bill))

    def _ask(self, message: Told) -> bool:
        """Asks the process, a new one where it has ended; gives whether the tracker has taken the message."""
        begun = self._asked_at = self._clock.now()
        try:
            process = self._running()
            begun = self._asked_at = self._clock.now()
            why = process.ask(message)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the tracker's, and the thread goes on
            waited = self._clock.now() - begun
            why = f"it has not answered for {waited:.0f} s" if waited > LONGEST_S else _words(error)
            self._kill()
        finally:
            self._asked_at = None
        self._note(why)
        return why is None

    def _running(self) -> TrackerProcess:
        process = self._process
        if process is None:
            self._limit_s = IMPORT_S
            process = self._start()
            with self._lock:
                self._process = process
            if (why := process.ask(self._begin)) is not None:
                raise OSError(why)
            self._limit_s = FIRST_S
        return process

    def _note(self, why: str | None) -> None:
        if self._over:
            return
        self._failures = 0 if why is None else self._failures + 1
        if why is None:
            self._limit_s = SLOW_S
            if self._failed is not None:
                log.warning("a tracker is told again", extra={"tracker": self.name})
            self._failed = None
            return
        if self._failed is None:
            log.warning("a tracker is not told", extra={"tracker": self.name, "why": why})
        since = self._clock.wall() if self._failed is None else self._failed.since
        self._failed = Pause(f"tracker {self.name}", since, why[:LONGEST_WHY])

    def _kill(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.kill()


def _words(error: Exception) -> str:
    """An error in words: what a process said of itself, or the whole of what is none of its."""
    return str(error) if isinstance(error, OSError) else described(error)


class Followers:
    """The trackers of one run."""

    def __init__(
        self,
        config: RunConfig,
        output: Path,
        *,
        clock: FollowClock = FollowClock(),  # noqa: B008 - frozen
        start: Callable[[], TrackerProcess] = TrackerProcess,
    ) -> None:
        facts = run_facts(config)
        begins = [ToldBegin(name, str(output.absolute()), config, facts) for name in configured(config.trackers)]
        self._each = [Follower(begin, clock, start) for begin in begins]
        self._clock = clock

    @property
    def pauses(self) -> tuple[Pause, ...]:
        """The trackers that show nothing new, and why."""
        return tuple(pause for each in self._each if (pause := each.pause) is not None)

    def tell(self, progress: Progress) -> None:
        """Keeps the run as it is now, for all of them. Never waits."""
        for each in self._each:
            each.tell(progress)

    def finish(self, *, complete: bool, wait_s: float, goes_on: Callable[[], bool]) -> dict[TrackerName, str]:
        """Waits until every tracker has the run's end, at most `wait_s`, and `AWAY_END_S` for those that fail; gives
        those that have not, and why. `goes_on`: called while it waits, and says whether it shall."""
        for each in self._each:
            each.finish(complete)
        begun = self._clock.now()
        while any(self._is_awaited(each, self._clock.now() - begun, wait_s) for each in self._each) and goes_on():
            self._clock.sleep(LOOK_S)
        missing = [each for each in self._each if not each.is_done]
        return {each.name: "it was not done in time" if each.pause is None else each.pause.why for each in missing}

    @staticmethod
    def _is_awaited(each: Follower, waited: float, wait_s: float) -> bool:
        return not each.is_done and waited < (min(wait_s, AWAY_END_S) if each.fails else wait_s)

    def stop(self) -> None:
        """Ends what is left of them."""
        for each in self._each:
            each.leave()
        for each in self._each:
            each.stop()
