"""The thread that ships a run's folder while the run goes on.

Law: the run does not wait for the store; only its end does, within a limit. A process that has lost the run stops. The
head is changed twice in `ship_s`, whether there is news or not: so others see that this process lives, and what is lost
with the disk is younger than `ship_s` as long as a commit takes no longer than half of it. `behind_s` says how old it
is.
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from deployments.storage.fence import Clock, Fence
from deployments.storage.shipper import Shipper
from schemas.errors import GleanerError, HeldError, OutputError, described
from schemas.stages import Pause

log = logging.getLogger("gleaner.storage")

END_S = 600.0
"""How long a finished run waits until the store has everything. What is missing then, the same command brings."""
LOGS_S = 60.0
"""Between two looks for logs that have grown."""
LOOK_S = 0.25


class Mirror:
    """Ships one run. Call `hold`, then `begin`, `check` often, `finish` at the end, and `close` in any case."""

    def __init__(self, folder: Path, fence: Fence, shipper: Shipper, where: str, *, ship_s: float) -> None:
        self.folder = folder
        """The run's, on this machine."""
        self.where = where
        """The address, for messages."""
        self._fence = fence
        self._shipper = shipper
        self._beat_s = ship_s / 2
        self._clock = clock = Clock()
        self._lost: HeldError | None = None
        self._failed: Pause | None = None
        self._ships = self._finishing = self._finished = False
        self._whole_at = clock.now()
        self._logs_at = float("-inf")
        self._asked = threading.Event()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="storage", daemon=True)

    def hold(self) -> None:
        """Shows others that this process lives; sends nothing yet."""
        self._thread.start()

    def begin(self) -> None:
        """The folder is this run's and nobody else writes there: from now on it is shipped."""
        log.info("the run is shipped", extra={"to": self.where, "from": str(self.folder)})
        self._whole_at = self._clock.now()
        self._ships = True

    def check(self) -> None:
        """Raises HeldError once another process has taken the run."""
        if self._lost is not None:
            raise HeldError(str(self._lost)) from self._lost

    @property
    def pause(self) -> Pause | None:
        """Why the store took nothing the last time, since the first such time; None when it did."""
        return self._failed

    @property
    def behind_s(self) -> float:
        """The age of the oldest record that the store may lack."""
        return self._clock.now() - self._whole_at

    def finish(self, goes_on: Callable[[], bool]) -> str | None:
        """Sends all that is left and lets go of the run, within `END_S`; gives why it failed. `goes_on`: called while
        it waits, and says whether it shall."""
        self._finishing = True
        self._asked.set()
        until = self._clock.now() + END_S
        while not self._finished and self._clock.now() < until and goes_on():
            self.check()
            self._clock.sleep(LOOK_S)
        if self._finished:
            return None
        return self._failed.why if self._failed is not None else "it was not done when the run ended"

    def close(self, wait_s: float) -> None:
        """Ends the thread. A run that was not finished lets go of the store too, if that takes no longer than so."""
        self._ending = True
        self._asked.set()
        if self._thread.is_alive():
            self._thread.join(wait_s)

    def _run(self) -> None:
        due = self._clock.now()
        while self._lost is None and not self._finished:
            self._asked.wait(max(0.0, due - self._clock.now()))
            due = self._clock.now() + self._beat_s
            last = self._ending or self._finishing
            self._step(due, last=last)
            if self._ending:
                break
            if last and not self._finished:
                self._clock.sleep(min(LOOK_S, self._beat_s))
        self._shipper.close()

    def _step(self, due: float, *, last: bool) -> None:
        try:
            self._send(due, last=last)
            if last:
                self._fence.release()
                self._finished = True
        except HeldError as error:
            self._lost = error
            log.error("the run was taken over", extra={"why": str(error)})
        except GleanerError as error:
            self._fail(str(error))
        except Exception as error:
            self._fail(described(error))
            log.exception("shipping failed")
        else:
            if self._failed is not None:
                log.warning("the store takes the run again", extra={"to": self.where})
            self._failed = None

    def _send(self, due: float, *, last: bool) -> None:
        began_at = self._clock.now()
        if not self._ships:
            self._fence.commit(self._fence.head)
            return
        self._shipper.ship()
        self._whole_at = began_at
        for _ in self._shipper.files():
            if not last and self._clock.now() > due:
                return
        if last or self._clock.now() - self._logs_at > LOGS_S:
            self._shipper.logs()
            self._logs_at = self._clock.now()
        if last:
            self._shipper.ship()
            if self._shipper.unsent is not None:
                raise OutputError(f"{self._shipper.unsent} is not on this disk as it was recorded")

    def _fail(self, why: str) -> None:
        since = time.time() if self._failed is None else self._failed.since
        if self._failed is None or self._failed.why != why:
            log.warning("the store takes nothing", extra={"to": self.where, "why": why})
        self._failed = Pause(self.where, since, why)
