"""The run's hold on one tracker's process: it is started, asked, and ended with all that its client started."""

import os
import signal
import subprocess
import sys
from contextlib import suppress

from deployments.monitoring.beside import with_our_packages
from deployments.monitoring.trackers.messages import ANSWER, AllTaken, NotTaken, Told, received, send

LEAVE_S = 3.0
"""How long a process that is let go may take to end what it has shown."""


class TrackerProcess:
    """One tracker's process. `ask` from one thread; `kill` from any."""

    def __init__(self) -> None:
        # -P: no module is taken from the folder that the run was started in
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "deployments.monitoring.trackers.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=with_our_packages(),
            start_new_session=True,  # Ctrl-C is for the run, which then ends this
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, message: Told) -> str | None:
        """Sends one message; gives why it failed, or None. Raises OSError when the process has ended."""
        assert self._process.stdin is not None and self._process.stdout is not None
        send(self._process.stdin, message)
        data = received(self._process.stdout)
        if data is None:
            raise OSError("its process ended")
        match ANSWER.decode(data):
            case AllTaken():
                return None
            case NotTaken(why=why):
                return why

    def leave(self) -> None:
        """Lets it end by itself, for a moment; then ends it."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
            self._process.wait(LEAVE_S)
        except (OSError, subprocess.TimeoutExpired):
            self.kill()

    def kill(self) -> None:
        """Ends it."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # what its client started, too
        self._process.wait()
