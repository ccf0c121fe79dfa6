"""What a command's processes take while it runs: processor time and memory, of the command and of all that it starts.

Processes are looked at every half second, so what one takes after the last look before its end is missed.
"""

import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
from msgspec import Struct

LOOK_S = 0.05
COUNT_S = 0.5
MEMORY_S = 1.0


class Took(Struct, frozen=True):
    """`wall_s`: from the command to its end. `first_s`: until its first row was in its output. `memory_mib`: the most
    of all processes together, shared pages divided among those that share them (PSS). `code`: exit code, None if it was
    killed here."""

    wall_s: float
    first_s: float | None
    cpu_s: float
    memory_mib: float
    code: int | None


class Watched:
    """A running command."""

    def __init__(self, command: list[str], *, log: Path, environment: dict[str, str]) -> None:
        self._log = log.open("wb")
        self._began = time.monotonic()
        self._process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT, env=environment)
        self._tree: dict[int, psutil.Process] = {}
        self._cpu: dict[tuple[int, float], float] = {}
        self._memory = 0.0
        self._first: float | None = None

    def until(self, *, first: Callable[[], bool], enough: Callable[[], bool], limit_s: float) -> Took:
        """Waits for the command's end. It and all that it started are killed when there is `enough`, and when it has
        run for `limit_s`."""
        try:
            return self._watched(first, enough, limit_s)
        finally:
            self._end_rest()

    def _watched(self, first: Callable[[], bool], enough: Callable[[], bool], limit_s: float) -> Took:
        counted = weighed = 0.0
        while self._process.poll() is None:
            now = time.monotonic() - self._began
            if self._first is None and first():
                self._first = now
            if now - counted >= COUNT_S:
                counted = now
                self._count()
            if now - weighed >= MEMORY_S:
                weighed = now
                self._weigh()
            if now > limit_s or enough():
                return self._killed()
            time.sleep(LOOK_S)
        wall = time.monotonic() - self._began
        if self._first is None and first():
            self._first = wall
        return self._took(wall, self._process.returncode)

    def _count(self) -> None:
        with suppress(psutil.Error):
            root = psutil.Process(self._process.pid)
            self._tree |= {each.pid: each for each in (root, *root.children(recursive=True))}
        for each in list(self._tree.values()):
            try:
                times = each.cpu_times()
                self._cpu[each.pid, each.create_time()] = times.user + times.system
            except psutil.Error:
                del self._tree[each.pid]

    def _weigh(self) -> None:
        total = 0
        for each in self._tree.values():
            with suppress(psutil.Error):
                total += each.memory_full_info().pss
        self._memory = max(self._memory, total / 2**20)

    def _killed(self) -> Took:
        """SIGKILL to the command and to all that it started, as a machine's end would."""
        self._count()
        wall = time.monotonic() - self._began
        self._end_rest()
        self._process.wait()
        return self._took(wall, None)

    def _end_rest(self) -> None:
        """Nothing that the command started outlives its part, whatever ends the part."""
        for each in self._tree.values():
            with suppress(psutil.Error):
                each.send_signal(signal.SIGKILL)
        self._log.close()

    def _took(self, wall: float, code: int | None) -> Took:
        return Took(wall, self._first, sum(self._cpu.values()), self._memory, code)
