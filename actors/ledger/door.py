"""An output folder at its door, whoever made it. Law: what carries a name of ours is a regular file or a folder, or
nothing in the folder is read, written or removed.

A link would lead every later step elsewhere, a pipe would be waited for, and a forged rollback journal makes SQLite
remove the file that it names. Who may write the folder while it is used is trusted: this looks once, at the start.
"""

import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from schemas.errors import OutputError
from schemas.ledger import ShardKind, ShardWritten

DELIVERED = "delivered"
"""The folder of what sinks have been given."""
FOLDERS = frozenset({*(kind.value for kind in ShardKind), "exports", "logs", DELIVERED})
_FILES = re.compile(r"ledger.*|run\.yaml|live\.json|manifest\.json|README\.md|report\.html|checksums\.txt", re.DOTALL)
_UNFINISHED = re.compile(r"\..*\.writing", re.DOTALL)
_SHARD = re.compile(r"(dataset|dead_letters)/part-(?:q([0-9]{1,4})-)?([0-9]{1,12})(?:-([0-9]{1,12}))?\.parquet")
_JOURNAL = "-journal"
_NAMES_ANOTHER = bytes.fromhex("d9d505f920a163d7")
"""How a rollback journal ends that names a second file: SQLite removes it, wherever it lies. Ours never name one."""
_ONE_PAGE = 4096


def check_folder(output: Path) -> None:
    """Raises OutputError for the first entry that no run can have left. A folder that does not exist passes."""
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
    """Raises OutputError when something lies at the path of a folder to be made, and is no folder itself."""
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    if not stat.S_ISDIR(mode):
        raise OutputError(f"{path}: is {_said(mode)}, not a folder; remove it, or choose another --output")


def read_regular(path: Path, at_most: int) -> bytes:
    """The first `at_most` bytes of a file of ours. Raises OutputError where it is no regular file, and OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(mode := os.fstat(descriptor).st_mode):
            raise OutputError(f"{path}: is {_said(mode)}, not a file; restore it")
        return file.read(at_most)


def shard_name(shard: ShardWritten) -> re.Match[str]:
    """The parts of a recorded shard's name: kind, queue, number, edition. Raises OutputError for any other path."""
    found = _SHARD.fullmatch(shard.name)
    if found is None or found[1] != shard.kind.value:
        raise OutputError(
            f"the ledger names a shard {shard.name!r}, which is no name of one: it was not written by a run; "
            "restore it from a copy"
        )
    return found


def check_shards(shards: Iterable[ShardWritten]) -> None:
    """Raises OutputError where a recorded shard would lie anywhere but among the folder's shards."""
    for shard in shards:
        shard_name(shard)


def _check_inside(folder: os.DirEntry[str], output: Path) -> None:
    """Of exports only what is unfinished: the rest is read by nobody, and may be arranged as one likes."""
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
    except FileNotFoundError:  # a temporary file of a run that goes on
        return
    if not any(is_kind(mode) for is_kind in kinds):
        name = os.path.relpath(entry.path, output)
        raise OutputError(
            f"{output}: {name} is {_said(mode)}, which no run leaves there; remove it, or choose another folder"
        )


def _said(mode: int) -> str:
    said = {stat.S_IFLNK: "a link", stat.S_IFDIR: "a folder", stat.S_IFREG: "a file"}
    return said.get(stat.S_IFMT(mode), "a pipe, a socket or a device")


def _check_journal(journal: Path, output: Path) -> None:
    """A ledger has a rollback journal only while it is made, and on a file system without shared memory."""
    ledger = journal.with_name(journal.name.removesuffix(_JOURNAL))
    if not _may_be_ours(journal, ledger):
        raise OutputError(
            f"{output}: {journal.name} is not of a run: it could make SQLite remove other files; remove it"
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
