"""`gleaner drain`: the run of a folder ends what is in flight and stops; the same `gleaner run` goes on from there.

Law: a request is for the process that holds the folder now, and stops no later one. It is a file in the folder, so any
machine that sees the folder can ask, and no process is sent a signal by a number that a file names.
"""

from collections.abc import Callable
from pathlib import Path

from actors.ledger.files import write_atomically
from actors.ledger.lock import holder_of
from actors.ledger.sqlite import LOCK_NAME

REQUEST = "drain.asked"
"""The file that asks a run to drain. The run looks for it four times a second."""


def is_asked(output: Path) -> bool:
    """Whether the folder's run was asked to drain."""
    return (output / REQUEST).exists()


def forget(output: Path) -> None:
    """Removes a request, which was met or was for an earlier process."""
    (output / REQUEST).unlink(missing_ok=True)


def drain(output: Path, *, wait: Callable[[], None]) -> bool:
    """Asks the run that holds the folder to drain, and returns when it holds it no longer; False when none did. `wait`:
    called again and again until then. Raises OutputError when the folder cannot be written."""
    holder = holder_of(output / LOCK_NAME)
    if holder is None:
        return False
    try:
        while holder_of(output / LOCK_NAME) == holder:
            if not is_asked(output):
                write_atomically(output / REQUEST, b"")
            wait()
    finally:
        forget(output)
    return True
