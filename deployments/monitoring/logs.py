"""What the processes of a run log: JSON lines in DIR/logs and in Ray's own logs, warnings and worse.

Law: every process of a run calls `configure_logging` once, first of all. A line names its process's role, and order,
attempt and pool where whoever logs knows them; it never holds a key, and of a text no more than its first words. A
disk that takes no line costs the run nothing. Logs are no part of the dataset.
"""

import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

import msgspec
from msgspec import Struct

FOLDER = "logs"
DRIVER = "driver"
NAMES = ("gleaner", "asyncio")
"""Whose lines are kept: ours, and asyncio's on tasks that failed with nobody waiting for them."""
LARGEST_FILE = 8 << 20
"""Bytes of a file; the one before it is kept."""
LONGEST, LONGEST_TRACE = 400, 6_000
"""Characters of one value, and of a traceback: passages and replies may stand in an error's message."""
_KEYS = re.compile(r"(?i)\b(sk-|hf_|bearer\s+|api[-_]?key[\"'=:\s]+)[\w.~+/=-]{6,}")
_PLAIN_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LogPlace(Struct, frozen=True):
    """Where a process logs. `role`: which process it is, and the stem of its file; `folder`: the run's; `beside`: a
    file of the run that must lie there, or the folder is another machine's of the same name."""

    role: str
    folder: str
    beside: str = ""
    pool: str | None = None


def configure_logging(place: LogPlace) -> None:
    """For a process that Ray started: from now on it logs to the run's folder, and to what Ray keeps as its stderr.

    Where it does not see the folder (a replica on another node), Ray's logs are all there is.
    """
    spoken = logging.StreamHandler(sys.__stderr__)  # Serve puts a logger of its own in the place of sys.stderr
    spoken.setFormatter(JsonLines(place))
    kept = _kept(place)
    for name in NAMES:
        log = logging.getLogger(name)
        for old in [each for each in log.handlers if isinstance(each.formatter, JsonLines)]:
            log.removeHandler(old)
            old.close()
        log.addHandler(spoken)
        log.addHandler(kept)
        log.propagate = False


def configure_replica_logging(place: LogPlace | None) -> None:
    """The same for a replica, of which several may share a role: each has a file of its own. None: nothing changes."""
    if place is not None:
        configure_logging(msgspec.structs.replace(place, role=f"{place.role}-{os.getpid()}"))


@contextmanager
def logged(output: Path) -> Iterator[None]:
    """For the driver, whose stderr a person sees: what it logs in the block goes to the run's folder alone."""
    handler = _kept(LogPlace(DRIVER, str(output)))
    for name in NAMES:
        logging.getLogger(name).addHandler(handler)
    try:
        yield
    finally:
        for name in NAMES:
            logging.getLogger(name).removeHandler(handler)
        handler.close()


def log_name(role: str) -> str:
    """A role's file in the run's folder."""
    return f"{FOLDER}/{re.sub(r'[^0-9A-Za-z_.-]', '-', role)[:80]}.jsonl"


def _kept(place: LogPlace) -> "_File":
    handler = _File(place)
    handler.setFormatter(JsonLines(place))
    return handler


class _File(RotatingFileHandler):
    """Made with its first line, so that a run without trouble leaves none."""

    def __init__(self, place: LogPlace) -> None:
        self._place = place
        path = Path(place.folder, log_name(place.role))
        super().__init__(path, maxBytes=LARGEST_FILE, backupCount=1, encoding="utf-8", delay=True)

    def _open(self) -> TextIOWrapper:
        run, folder = Path(self._place.folder), Path(self._place.folder, FOLDER)
        if not run.is_dir() or not (run / self._place.beside).exists():
            raise FileNotFoundError(run)
        folder.mkdir(exist_ok=True)
        if folder.is_symlink():  # somebody else's, and it leads elsewhere
            raise NotADirectoryError(folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe is not waited for
        return os.fdopen(os.open(self.baseFilename, flags, 0o600), "a", encoding="utf-8")

    def handleError(self, record: logging.LogRecord) -> None:
        """A full or missing disk: the line is in Ray's log, or lost; the run goes on."""


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def __init__(self, place: LogPlace) -> None:
        super().__init__()
        self._place = place

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, role, what happened; then what the caller knew."""
        told = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "role": self._place.role,
            "pid": str(record.process),
            "logger": record.name,
            "event": _short(record.getMessage(), LONGEST),
        }
        told |= {"pool": self._place.pool} if self._place.pool is not None else {}
        known = {key: value for key, value in vars(record).items() if key not in _PLAIN_RECORD and key[:1] != "_"}
        told |= {key: _short(str(value), LONGEST) for key, value in known.items()}
        if record.exc_info:
            lines = self.formatException(record.exc_info).splitlines()
            told["traceback"] = _short("\n".join(_short(line, LONGEST) for line in lines), LONGEST_TRACE, tail=True)
        return msgspec.json.encode(told).decode()


def _short(text: str, longest: int, *, tail: bool = False) -> str:
    text = _KEYS.sub(r"\1…", text.encode(errors="replace").decode())
    if len(text) <= longest:
        return text
    return "…" + text[-longest:] if tail else text[:longest] + "…"
