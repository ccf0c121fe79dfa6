"""Watches the processes of the Ray that this process started. Law: when one of them ends by itself, this is known and
reported within a second, whatever the run's own thread waits for.

Without this, Ray waits a minute for a GCS that will not come back, prints its own message and ends the process.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from ray._private import worker

from schemas.errors import ClusterError

log = logging.getLogger("gleaner.run")

POLL_S = 0.25
Lost = Callable[[ClusterError], None]


class Vigil:
    """While entered, calls `lost` once, in its own thread, when a process of Ray has ended. A joined Ray has no process
    here and is not watched."""

    def __init__(self, lost: Lost) -> None:
        self._lost = lost
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="ray-vigil", daemon=True)

    def __enter__(self) -> "Vigil":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(POLL_S):
            why = ended()
            if why is not None:
                log.error("the cluster is gone", extra={"why": why})
                self._lost(ClusterError(why))
                return


def ended() -> str | None:
    """Which process of Ray has ended, and how; None while all live."""
    for name, process in _started():
        code = process.poll()
        if code is not None:
            how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
            return f"Ray's {name} has ended ({how})"
    return None


def end_all() -> None:
    """Kills the remaining processes of Ray. Each of them leads its own session."""
    for _, process in _started():
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _started() -> Iterator[tuple[str, Any]]:
    node: Any = worker._global_node
    for name, processes in ({} if node is None else dict(node.all_processes)).items():
        yield from ((name, each.process) for each in processes)
