"""The lock of a folder: one process writes a ledger. Law: a holder that is about to exit is waited for, within a limit;
any other holder is named and left alone."""

import fcntl
import os
import socket
import time
from pathlib import Path

from schemas.errors import HeldError, OutputError

LOCK_POLL_S = 0.1


def locked(lock: Path, owner: int, wait_s: float) -> int:
    """A descriptor that holds the lock until it is closed. Raises HeldError when another run holds it, OutputError for
    a file with a second name, and OSError. A holder whose owner is dead, or is `owner`, is waited for: `wait_s` seconds
    at most."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    if os.fstat(descriptor).st_nlink > 1:  # the lock is written in place: a second name could be any other file
        os.close(descriptor)
        raise OutputError(f"{lock}: has a second name (a hard link); remove it, or choose another --output")
    until = time.monotonic() + wait_s
    while not _try_lock(descriptor):
        holder = os.pread(descriptor, 256, 0).decode("ascii", "replace").strip()
        if not _is_ending(holder, owner) or time.monotonic() > until:
            os.close(descriptor)
            raise HeldError(
                f"{lock.parent}: another run is writing here (process {holder or 'unknown'}); "
                "wait for it, or choose another --output"
            )
        time.sleep(LOCK_POLL_S)
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{owner} on {socket.gethostname()}".encode(), 0)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def holder_of(lock: Path) -> str | None:
    """Who holds the lock, as `process on host`; None when nobody does. Takes nothing, but for a moment."""
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        return None if _try_lock(descriptor) else os.pread(descriptor, 256, 0).decode("ascii", "replace").strip()
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_ending(holder: str, owner: int) -> bool:
    """Whether the lock's holder is dead or has our owner. The state of another machine's processes is unknown."""
    pid, _, host = holder.partition(" on ")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    return int(pid) == owner or not _is_alive(int(pid))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
