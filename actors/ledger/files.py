"""How anything reaches the output folder: write beside, sync, rename, sync the folder.

Law: a file under its final name is whole and on disk; a crash leaves at most a temporary file, which the next start
removes. Nothing is written through a link: a temporary file is one that did not exist. Whatever the disk refuses
becomes one OutputError that names the file.
"""

import errno
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from msgspec import Struct

from schemas.errors import OutputError
from schemas.queue_shard import ONLY, QueueShard

TEMPORARY_SUFFIX = ".writing"
_CHUNK_BYTES = 1 << 20


class Disk(Protocol):
    """Every change of the file system that the output folder needs: what a test may fail, one by one."""

    def make_folder(self, path: Path) -> None:
        """The user's alone. Raises FileExistsError where there is one."""
        ...

    def create(self, path: Path) -> BinaryIO:
        """Open for writing. Raises FileExistsError where anything has the name, a link too."""
        ...

    def sync(self, file: BinaryIO) -> None: ...

    def rename(self, source: Path, target: Path) -> None:
        """Replaces the target in one step."""
        ...

    def sync_folder(self, path: Path) -> None: ...

    def remove(self, path: Path) -> None: ...


class LocalDisk:
    """The real one."""

    def make_folder(self, path: Path) -> None:
        path.mkdir(mode=0o700)

    def create(self, path: Path) -> BinaryIO:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.fdopen(os.open(path, flags, 0o666), "wb")

    def sync(self, file: BinaryIO) -> None:
        file.flush()
        os.fsync(file.fileno())

    def rename(self, source: Path, target: Path) -> None:
        os.replace(source, target)

    def sync_folder(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)


LOCAL_DISK = LocalDisk()


class Folder(Struct, frozen=True):
    """Where things are written, and through what; `shard`: for which of the run's queues."""

    path: Path
    disk: Disk = LOCAL_DISK
    shard: QueueShard = ONLY


def temporary_of(path: Path) -> Path:
    """Where this process writes a file before it gets its name: hidden, in the same folder."""
    return path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")


@contextmanager
def writing(path: Path, *, disk: Disk = LOCAL_DISK) -> Iterator[BinaryIO]:
    """A file that appears under `path` only when the block ends well. Raises OutputError when the disk refuses."""
    temporary = temporary_of(path)
    with disk_errors(path):
        _remove_leftovers(path, disk)
        try:
            with disk.create(temporary) as file:
                yield file
                disk.sync(file)
            disk.rename(temporary, path)
        except BaseException:
            with suppress(OSError):  # the first error is the one to tell; the next start removes what is left
                disk.remove(temporary)
            raise
        disk.sync_folder(path.parent)


def _remove_leftovers(path: Path, disk: Disk) -> None:
    """What processes that died left of this file, those of earlier versions too, which gave no number."""
    ours = re.compile(rf"\.{re.escape(path.name)}(?:\.(\d+))?{re.escape(TEMPORARY_SUFFIX)}", re.ASCII)
    for name in os.listdir(path.parent):
        found = ours.fullmatch(name)
        if found is not None and not (found[1] and _is_another(int(found[1]))):
            disk.remove(path.with_name(name))


def _is_another(pid: int) -> bool:
    """Whether that is a living process, and not this one."""
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def make_folder(path: Path, *, disk: Disk = LOCAL_DISK) -> None:
    """The folder, and those above it that are missing, not lost with the power. Raises OSError; a link is refused."""
    if path.is_symlink():
        raise NotADirectoryError(errno.ENOTDIR, "it is a link", str(path))
    if not path.is_dir():
        if not path.parent.is_dir():
            make_folder(path.parent, disk=disk)
        try:
            disk.make_folder(path)
        except FileExistsError:  # another writer of the run was faster
            if not path.is_dir():
                raise
    disk.sync_folder(path.parent)


def write_atomically(path: Path, content: bytes | str, *, disk: Disk = LOCAL_DISK) -> None:
    """The whole content under `path`, or nothing changed. Raises OutputError when the disk refuses."""
    with writing(path, disk=disk) as file:
        file.write(content.encode("utf-8") if isinstance(content, str) else content)


def sha256_of(path: Path) -> str | None:
    """Hex digest of a file's bytes; None when there is no such file."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except FileNotFoundError:
        return None
    return digest.hexdigest()


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turns what the disk says into the user's one line."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        advice = "make room or make it writable, then give the same command again: nothing written so far is lost"
        raise OutputError(f"cannot write {path}: {reason}; {advice}") from error
