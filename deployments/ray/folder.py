"""The folder for the sockets and logs of a Ray that is started here, and the working directory of its processes.

Law: the folder is new for each run and only this user may enter it (Ray's own default is writable for all). It is
removed when the run ends well or with a user's mistake. After any other error it stays, and the run's log names it.
Below RAY_TMPDIR it always stays.
"""

import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from schemas.errors import UserError

log = logging.getLogger("gleaner.run")

TOKEN = Path(".ray/auth_token")
"""In the user's home. Ray makes it at its first start, with the permissions that the umask allows."""


@contextmanager
def ray_folder() -> Iterator[Path]:
    """The folder for the length of a run, below RAY_TMPDIR or else the system's. Its path is short: sockets need
    that."""
    wanted = os.environ.get("RAY_TMPDIR")
    folder = Path(tempfile.mkdtemp(prefix="g", dir=wanted))
    keep = wanted is not None
    try:
        yield folder
    except UserError:
        raise
    except BaseException:
        keep = True
        log.error("Ray's own logs are kept", extra={"folder": str(folder)})
        raise
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def standing_in(folder: Path) -> Iterator[None]:
    """Changes to an empty folder while Ray starts: Ray makes the working directory the first place where its workers
    look for code. If this process already loads code from it (`python -m`, a test), it stays."""
    before = os.getcwd()
    if {"", before} & set(sys.path):
        yield
        return
    empty = folder / "empty"
    empty.mkdir()
    os.chdir(empty)
    try:
        yield
    finally:
        os.chdir(before)


def keep_token_private() -> None:
    """Makes the token that every connection to Ray needs readable for the user alone."""
    with suppress(OSError):  # there is none, or it is kept elsewhere
        os.chmod(Path.home() / TOKEN, 0o600, follow_symlinks=True)
