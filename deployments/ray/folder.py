"""Where a Ray that is started here keeps its sockets and logs, and where its processes stand.

Law: a folder of this user's alone (Ray makes its own writable for everybody), new for each run. It goes when the run
ends well; when it does not, it stays and is named in the run's log. Below RAY_TMPDIR it always stays.
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
"""In the user's home; Ray makes it at the first start, as readable as the umask says."""


@contextmanager
def ray_folder() -> Iterator[Path]:
    """The folder for the length of a run: below RAY_TMPDIR, else the system's. Short: sockets lie in it."""
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
    """While Ray starts: it makes the folder one stands in the first place where its workers look for code. Where that
    folder is code for this process already (`python -m`, a test), it stays so."""
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
    """The token that every connection to Ray is asked for is the user's alone."""
    with suppress(OSError):  # there is none, or it is kept elsewhere
        os.chmod(Path.home() / TOKEN, 0o600, follow_symlinks=True)
