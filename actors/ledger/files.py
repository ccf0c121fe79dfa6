"""How every file reaches the output folder: write a temporary file, sync it, rename it, sync the folder.

Law: a file under its final name is complete and on disk. A crash leaves at most a temporary file, which the next start
removes. Nothing is written through a link: a temporary file is always a new file. Each error of the disk becomes one
OutputError that names the file.
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
    """Every change of the file system that the output folder needs. Tests replace it to make single steps fail."""

    def make_folder(self, path: Path) -> None:
        """Makes a folder that only the user may enter. Raises FileExistsError when the name is taken."""
        ...

    def create(self, path: Path) -> BinaryIO:
        """Opens a new file for writing. Raises FileExistsError when the name is taken, even by a link."""
        ...

    def sync(self, file: BinaryIO) -> None: ...

    def rename(self, source: Path, target: Path) -> None:
        """Replaces the target in one atomic step."""
        ...

    def sync_folder(self, path: Path) -> None: ...

    def remove(self, path: Path) -> None: ...


class LocalDisk:
    """The real file system."""

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
    """The folder to write in, the disk to write with, and the queue shard that the files belong to."""

    path: Path
    disk: Disk = LOCAL_DISK
    shard: QueueShard = ONLY


def temporary_of(path: Path) -> Path:
    """The hidden name, in the same folder, under which this process writes a file before the rename."""
    return path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")


@contextmanager
def writing(path: Path, *, disk: Disk = LOCAL_DISK) -> Iterator[BinaryIO]:
    """A file that gets the name `path` only when the block ends without an error. Disk errors raise OutputError."""
    temporary = temporary_of(path)
    with disk_errors(path):
        _remove_leftovers(path, disk)
        try:
            with disk.create(temporary) as file:
                yield file
                disk.sync(file)
            disk.rename(temporary, path)
        except BaseException:
            with suppress(OSError):  # raise the first error; the next start removes the file
                disk.remove(temporary)
            raise
        disk.sync_folder(path.parent)


def _remove_leftovers(path: Path, disk: Disk) -> None:
    """Removes the temporary files of dead processes, also those of earlier versions, whose names hold no process id."""
    ours = re.compile(rf"\.{re.escape(path.name)}(?:\.(\d+))?{re.escape(TEMPORARY_SUFFIX)}", re.ASCII)
    for name in os.listdir(path.parent):
        found = ours.fullmatch(name)
        if found is not None and not (found[1] and _is_another(int(found[1]))):
            disk.remove(path.with_name(name))


def _is_another(pid: int) -> bool:
    """Whether this is the id of a living process other than ours."""
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
    """Makes the folder and its missing parents, and syncs each. Raises OSError, also when the path is a link."""
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
    """Writes the whole content under `path`, or changes nothing. Raises OutputError for disk errors."""
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
    """Turns an OSError into one line for the user."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        advice = "make room or make it writable, then give the same command again: nothing written so far is lost"
        raise OutputError(f"cannot write {path}: {reason}; {advice}") from error
