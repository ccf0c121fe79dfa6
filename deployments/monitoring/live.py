"""live.json in a run's folder: the driver writes it every two seconds or sooner, and readers see how old it is.

Law: it is a hint, never a record. Nothing depends on it, and a disk that refuses it costs the run nothing. Its readers
can tell a run that goes on from one whose process is gone.
"""

import logging
import os
import socket
import time
from enum import Enum
from pathlib import Path
from typing import BinaryIO

import msgspec

from actors.ledger.door import read_regular
from actors.ledger.files import LocalDisk, write_atomically
from deployments.monitoring.progress import Progress
from deployments.monitoring.standstill import waits_of
from schemas.errors import OutputError
from schemas.live import EVERY_S, NAME, Live, Waiting

log = logging.getLogger("gleaner.run")

SILENT_S = 30.0
"""A driver that has written nothing for so long hangs or is gone."""
LARGEST = 1 << 20
"""In bytes. A larger file is not ours."""
_DECODER = msgspec.json.Decoder(Live)


class _Unsynced(LocalDisk):
    """A disk without syncs: a file that is written again in two seconds need not survive a power cut."""

    def sync(self, file: BinaryIO) -> None:
        file.flush()

    def sync_folder(self, path: Path) -> None:
        """Does nothing: no promise depends on it."""


class LiveFile:
    """Writes a run's live.json. Use it only while the run holds the folder's lock, or it overwrites another run's."""

    def __init__(self, folder: Path, launch: str) -> None:
        """`launch`: the beginning of its applications' names."""
        self._launch = launch
        self._path = folder / NAME
        self._told_at = float("-inf")
        self._last: Live | None = None
        self._refused = False

    def tell(self, progress: Progress) -> None:
        """Writes the file when it is due, and at once when the phase or what holds the run up is another."""
        now, last = time.monotonic(), self._last
        phase, waits = progress.phase.value, waits_of(progress)
        same = last is not None and last.phase == phase and _paused(last.waiting) == _paused(waits)
        if same and now - self._told_at < EVERY_S:
            return
        self._told_at = now
        live = Live(
            progress.at,
            socket.gethostname(),
            os.getpid(),
            phase,
            progress.note,
            waits,
            launch=self._launch,
            leased=0 if progress.snapshot is None else progress.snapshot.leased,
            conductors=progress.conductors,
            replicas=progress.replicas,
        )
        self._write(live)

    def end(self) -> None:
        """Records that this process leaves the run."""
        if self._last is not None:
            self._write(msgspec.structs.replace(self._last, at=time.time(), over=True))

    def _write(self, live: Live) -> None:
        self._last = live
        try:
            write_atomically(self._path, msgspec.json.encode(live), disk=_Unsynced())
        except OutputError as error:
            if not self._refused:
                log.warning("live.json cannot be written", extra={"error": str(error)})
            self._refused = True


class Driver(Enum):
    """The state of the process that wrote a live.json."""

    RUNS = "runs"
    SILENT = "silent"
    """It lives, or may live on another machine, and has written nothing for `SILENT_S`."""
    GONE = "gone"
    OVER = "over"


def read_live(folder: Path) -> Live | None:
    """The folder's live.json; None when there is none that can be read."""
    try:
        data = read_regular(folder / NAME, LARGEST + 1)
        return None if len(data) > LARGEST else _DECODER.decode(data)
    except (OutputError, OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def driver_of(live: Live, *, now: float) -> Driver:
    """Whether the process that wrote it still runs the run."""
    if live.over:
        return Driver.OVER
    if live.host == socket.gethostname() and not _is_alive(live.pid):
        return Driver.GONE
    return Driver.RUNS if now - live.at < SILENT_S else Driver.SILENT


def _paused(waits: Waiting) -> list[str]:
    return [pause.name for pause in (*waits.pauses, *waits.sinks)]


def _is_alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return pid < 1 << 31
    return True
