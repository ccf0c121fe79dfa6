"""Checks an output folder before it is used, whoever made it. Law: every entry with one of our names is a regular file
or a folder. If one is not, nothing in the folder is read, written or removed.

A link would send later steps to another place. A pipe would block a read for ever. A forged rollback journal makes
SQLite delete the file that it names. The check runs once, at the start: processes that may write to the folder later
are trusted.
"""

import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from schemas.errors import OutputError
from schemas.ledger import ShardKind, ShardWritten

DELIVERED = "delivered"
"""The folder for what sinks were given."""
DOCUMENTS = "documents"
"""The folder for texts that were extracted from files."""
TRACKERS = "trackers"
"""The folder for what trackers keep: how far traces were sent, runs of W&B that are not synced yet."""
FOLDERS = frozenset({*(kind.value for kind in ShardKind), "exports", "logs", DELIVERED, DOCUMENTS, TRACKERS})
_FILES = re.compile(
    r"ledger.*|run\.yaml|live\.json|manifest\.json|README\.md|report\.html|checksums\.txt|(end|drain)\.asked"
    r"|labels\.jsonl",
    re.DOTALL,
)
_UNFINISHED = re.compile(r"\..*\.writing", re.DOTALL)
_SHARD = re.compile(r"(dataset|dead_letters)/part-(?:q([0-9]{1,4})-)?([0-9]{1,12})(?:-([0-9]{1,12}))?\.parquet")
_JOURNAL = "-journal"
_NAMES_ANOTHER = bytes.fromhex("d9d505f920a163d7")
"""The last bytes of a rollback journal that names a second file. SQLite deletes that file, wherever it is. Our
journals never name one."""
_ONE_PAGE = 4096


def check_folder(output: Path) -> None:
    """Raises OutputError for the first entry that no run can have made. A folder that does not exist passes."""
    for entry in _entries(output):
        if entry.name in FOLDERS:
            _must_be(entry, output, (stat.S_ISDIR,))
            _check_inside(entry, output)
        elif _FILES.fullmatch(entry.name):
            _must_be(entry, output, (stat.S_ISREG,))
            if entry.name.endswith(_JOURNAL):
                _check_journal(Path(entry.path), output)
        elif _UNFINISHED.fullmatch(entry.name):
            _must_be(entry, output, (stat.S_ISREG, stat.S_ISDIR))


def check_place(path: Path) -> None:
    """Raises OutputError when the path of a folder that we want to make holds something that is not a folder."""
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    if not stat.S_ISDIR(mode):
        raise OutputError(f"{path}: is {_kind_of(mode)}, not a folder; remove it, or choose another --output")


def read_regular(path: Path, at_most: int) -> bytes:
    """The first `at_most` bytes of one of our files. Raises OutputError when it is not a regular file, and OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(mode := os.fstat(descriptor).st_mode):
            raise OutputError(f"{path}: is {_kind_of(mode)}, not a file; restore it")
        return file.read(at_most)


def shard_name(shard: ShardWritten) -> re.Match[str]:
    """The parts of a recorded shard's name: kind, queue, number, edition. Raises OutputError for any other path."""
    found = _SHARD.fullmatch(shard.name)
    if found is None or found[1] != shard.kind.value:
        raise OutputError(
            f"the ledger names a shard {shard.name!r}, which is not a shard's name: no run wrote it; "
            "restore it from a copy"
        )
    return found


def check_shards(shards: Iterable[ShardWritten]) -> None:
    """Raises OutputError when a recorded shard's path is outside the folder's shards."""
    for shard in shards:
        shard_name(shard)


def _check_inside(folder: os.DirEntry[str], output: Path) -> None:
    """In `exports` only unfinished entries are checked: nothing reads the rest, so users may change it as they like."""
    for entry in _entries(Path(folder.path)):
        if folder.name != "exports" or _UNFINISHED.fullmatch(entry.name):
            _must_be(entry, output, (stat.S_ISREG, stat.S_ISDIR))


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            yield from sorted(found, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise OutputError(f"{folder}: cannot be read ({error.strerror})") from error


def _must_be(entry: os.DirEntry[str], output: Path, kinds: tuple) -> None:
    try:
        mode = entry.stat(follow_symlinks=False).st_mode
    except FileNotFoundError:  # a running process renamed or removed its temporary file
        return
    if not any(is_kind(mode) for is_kind in kinds):
        name = os.path.relpath(entry.path, output)
        raise OutputError(
            f"{output}: {name} is {_kind_of(mode)}, which no run makes there; remove it, or choose another folder"
        )


def _kind_of(mode: int) -> str:
    kinds = {stat.S_IFLNK: "a link", stat.S_IFDIR: "a folder", stat.S_IFREG: "a file"}
    return kinds.get(stat.S_IFMT(mode), "a pipe, a socket or a device")


def _check_journal(journal: Path, output: Path) -> None:
    """A real ledger has a rollback journal only while it is created, or on a file system without shared memory."""
    ledger = journal.with_name(journal.name.removesuffix(_JOURNAL))
    if not _may_be_ours(journal, ledger):
        raise OutputError(
            f"{output}: {journal.name} is not a run's: it could make SQLite remove other files; remove it"
        )


def _may_be_ours(journal: Path, ledger: Path) -> bool:
    try:
        with ledger.open("rb") as file:
            head = file.read(20)
        with journal.open("rb") as file:
            file.seek(-min(len(_NAMES_ANOTHER), journal.stat().st_size), os.SEEK_END)
            names_another = file.read() == _NAMES_ANOTHER
    except FileNotFoundError:
        return not journal.exists()
    wal = head[18:20] == b"\x02\x02"
    return not names_another and not (wal and ledger.stat().st_size > _ONE_PAGE)
