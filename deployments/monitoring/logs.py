"""The logs of a run's processes: JSON lines in DIR/logs and in Ray's own logs, warnings and worse.

Law: every process of a run calls `configure_logging` once, before anything else. A line names its process's role, and
order, attempt and pool if the caller knows them. It never holds a key, and only the beginning of a long text. A disk
that takes no line costs the run nothing. Logs are not part of the dataset.
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
"""The loggers whose lines are kept: ours, and asyncio's, which reports tasks that failed unnoticed."""
LARGEST_FILE = 8 << 20
"""In bytes. The file before the present one is kept."""
LONGEST, LONGEST_TRACE = 400, 6_000
"""Characters of one value, and of a traceback: an error's message may hold passages and replies."""
_KEYS = re.compile(r"(?i)\b(sk-|hf_|bearer\s+|api[-_]?key[\"'=:\s]+)[\w.~+/=-]{6,}")
_PLAIN_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LogPlace(Struct, frozen=True):
    """Where a process logs. `role`: which process it is, and the name of its file. `folder`: the run's. `beside`: a
    file of the run that must be in the folder; without it, the folder is another machine's with the same path."""

    role: str
    folder: str
    beside: str = ""
    pool: str | None = None


def configure_logging(place: LogPlace) -> None:
    """For a process that Ray started: it now logs to the run's folder, and to its stderr, which Ray keeps.

    A process that does not see the folder (a replica on another node) has only Ray's logs.
    """
    spoken = logging.StreamHandler(sys.__stderr__)  # Serve replaces sys.stderr by a logger
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
    """The same for a replica. Several may share a role, so each has its own file. None: nothing changes."""
    if place is not None:
        configure_logging(msgspec.structs.replace(place, role=f"{place.role}-{os.getpid()}"))


@contextmanager
def logged(output: Path) -> Iterator[None]:
    """For the driver, whose stderr a user sees: its log lines in this block go only to the run's folder."""
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
    """The log file of a role, relative to the run's folder."""
    return f"{FOLDER}/{re.sub(r'[^0-9A-Za-z_.-]', '-', role)[:80]}.jsonl"


def _kept(place: LogPlace) -> "_File":
    handler = _File(place)
    handler.setFormatter(JsonLines(place))
    return handler


class _File(RotatingFileHandler):
    """A log file that is created with its first line, so that a run without trouble leaves none."""

    def __init__(self, place: LogPlace) -> None:
        self._place = place
        path = Path(place.folder, log_name(place.role))
        super().__init__(path, maxBytes=LARGEST_FILE, backupCount=1, encoding="utf-8", delay=True)

    def _open(self) -> TextIOWrapper:
        run, folder = Path(self._place.folder), Path(self._place.folder, FOLDER)
        if not run.is_dir() or not (run / self._place.beside).exists():
            raise FileNotFoundError(run)
        folder.mkdir(exist_ok=True)
        if folder.is_symlink():  # it is not ours, and leads elsewhere
            raise NotADirectoryError(folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK  # do not wait for a pipe
        return os.fdopen(os.open(self.baseFilename, flags, 0o600), "a", encoding="utf-8")

    def handleError(self, record: logging.LogRecord) -> None:
        """The disk is full or missing: the line is in Ray's log or lost, and the run goes on."""


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON."""

    def __init__(self, place: LogPlace) -> None:
        super().__init__()
        self._place = place

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, role and event; then the values that the caller gave."""
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
