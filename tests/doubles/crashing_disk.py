"""The output folder's Disk on a machine that fails at one chosen point."""

import errno
import io
import os
from pathlib import Path
from typing import BinaryIO, cast

from tests.doubles.crashing_machine import Died, Inode, Machine, Turn


class CrashingDisk:
    """As `LocalDisk`, each step a point of the machine. Nothing is really synced: the machine knows what would be."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def make_folder(self, path: Path) -> None:
        turn = self._begin(f"make folder {path.name}")
        path.mkdir()
        self._machine.made_folder(path)
        self._end(turn)

    def create(self, path: Path) -> BinaryIO:
        turn = self._begin(f"create {path.name}")
        old = self._machine.inode(path) if path.exists() else None
        raw = io.FileIO(path, "wb")
        if old is None:
            self._machine.created(path)
        else:
            self._machine.wrote(old, 0, None)
        self._end(turn)
        return cast(BinaryIO, io.BufferedWriter(_CrashingFile(raw, path, self._machine)))

    def sync(self, file: BinaryIO) -> None:
        file.flush()
        raw = cast(_CrashingFile, cast(io.BufferedWriter, file).raw)
        turn = self._begin(f"sync {raw.path.name}")
        self._machine.synced(raw.inode)
        self._end(turn)

    def rename(self, source: Path, target: Path) -> None:
        turn = self._begin(f"rename {target.name}")
        self._machine.named({source: None, target: self._machine.inode(source)})
        os.replace(source, target)
        self._end(turn)

    def sync_folder(self, path: Path) -> None:
        turn = self._begin(f"sync folder {path.name}")
        self._machine.synced_folder(path)
        self._end(turn)

    def remove(self, path: Path) -> None:
        turn = self._begin(f"remove {path.name}")
        if path.exists():
            self._machine.named({path: None})
            path.unlink()
        self._end(turn)

    def _begin(self, what: str) -> Turn:
        return begun(self._machine.turn(what))

    def _end(self, turn: Turn) -> None:
        if turn is Turn.GO_AND_DIE:
            raise Died


class _CrashingFile(io.RawIOBase):
    """What is under the buffer: each write that reaches the operating system is a point."""

    def __init__(self, raw: io.FileIO, path: Path, machine: Machine) -> None:
        self._raw = raw
        self._machine = machine
        self.path = path
        self.inode: Inode = machine.inode(path)

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        content = bytes(cast(memoryview, data))
        turn = begun(self._machine.turn(f"write {self.path.name}", tears=True))
        kept = content[: len(content) // 2] if turn is Turn.TEAR else content
        self._machine.wrote(self.inode, self._raw.tell(), kept)
        self._raw.write(kept)
        if turn is not Turn.GO:
            raise Died
        return len(content)

    def tell(self) -> int:
        return self._raw.tell()

    def close(self) -> None:
        self._raw.close()
        super().close()


def begun(turn: Turn) -> Turn:
    """The turn, when the call is made at all."""
    if turn is Turn.DEAD:
        raise Died
    if turn is Turn.REFUSE:
        raise OSError(errno.EIO, "Input/output error")
    return turn
