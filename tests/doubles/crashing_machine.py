"""A machine that fails at one chosen point of its storage, and what its platter then holds.

Law: every change of storage is one point, counted in order, whoever makes it (`CrashingDisk`, `crashing_sqlite`). At
the chosen one the fault happens, once; a process that was killed or lost its power changes nothing any more.
"""

import shutil
from enum import Enum
from pathlib import Path
from random import Random

from msgspec import Struct


class Fault(Enum):
    """What happens at the chosen point."""

    REFUSED = "refused"
    """The call fails, once, as on a full or failing disk; the process goes on as it likes."""
    KILLED = "killed"
    """Instead of the call the process is killed; what it wrote before stays."""
    TORN = "torn"
    """A write is done by half, then the process is killed."""
    POWER_LOST = "power_lost"
    """After the call the machine stops: whatever was not synced is gone."""
    REORDERED = "reordered"
    """After the call the machine stops: of what was not synced, some writes reached the disk and others did not."""

    @property
    def loses_power(self) -> bool:
        return self in (Fault.POWER_LOST, Fault.REORDERED)


class Turn(Enum):
    """What the double does at a point."""

    GO = "go"
    REFUSE = "refuse"
    TEAR = "tear"
    GO_AND_DIE = "go_and_die"
    DEAD = "dead"


class Died(BaseException):
    """The process is gone: nothing of ours may catch this."""


class Inode(Struct):
    """A file whatever its name. `link` keeps it reachable when it has none; `pending` are unsynced (offset, bytes)
    writes, or (length, None) for a truncation."""

    link: Path
    durable: bytes
    pending: list[tuple[int, bytes | None]]


class Machine:
    """Counts points, strikes at one, and knows what is on the platter. `attic`: a folder of its own beside the output.

    `at` is the point to strike, counted from 0, or the first of that name; None for a run that nothing disturbs.
    """

    def __init__(self, attic: Path, fault: Fault = Fault.REFUSED, at: int | str | None = None) -> None:
        attic.mkdir(parents=True)
        self._attic = attic
        self._fault = fault
        self._at = at
        self._inodes: dict[tuple[int, int], Inode] = {}
        self._names: dict[Path, Inode | None] = {}
        self._renamed: list[dict[Path, Inode | None]] = []
        self._folders: set[Path] = set()
        self.points: list[str] = []
        self.struck = False
        """The fault has happened."""
        self.dead = False

    def turn(self, what: str, *, tears: bool = False) -> Turn:
        """What to do at the next point. `tears`: it is a write, which can be done by half."""
        if self.dead:
            return Turn.DEAD
        self.points.append(what)
        if self.struck or self._at not in (len(self.points) - 1, what):
            return Turn.GO
        self.struck = True
        if self._fault is Fault.REFUSED:
            return Turn.REFUSE
        self.dead = True
        if self._fault.loses_power:
            return Turn.GO_AND_DIE
        return Turn.TEAR if tears and self._fault is Fault.TORN else Turn.DEAD

    def inode(self, path: Path) -> Inode:
        """The file that has this name now."""
        stat = path.stat()
        key = (stat.st_dev, stat.st_ino)
        if key not in self._inodes:
            link = self._attic / str(len(self._inodes))
            link.hardlink_to(path)
            self._inodes[key] = Inode(link, path.read_bytes(), [])
        return self._inodes[key]

    def named(self, names: dict[Path, Inode | None]) -> None:
        """One unsynced change of names: which file each path now means, None for no file."""
        for path in names:
            self._names.setdefault(path, self.inode(path) if path.exists() else None)
        self._renamed.append(names)

    def created(self, path: Path) -> None:
        """A new, empty file; call it when it is there."""
        self._names.setdefault(path, None)
        self._renamed.append({path: self.inode(path)})

    def made_folder(self, path: Path) -> None:
        """A new folder, whose own name is unsynced."""
        self._folders.add(path)

    def wrote(self, inode: Inode, at: int, data: bytes | None) -> None:
        """One unsynced write; without data, a truncation to length `at`."""
        inode.pending.append((at, data))

    def synced(self, inode: Inode) -> None:
        """The bytes of a file are on the platter."""
        inode.durable = _after(inode.durable, inode.pending)
        inode.pending = []

    def synced_folder(self, folder: Path) -> None:
        """The names in a folder are on the platter."""
        for names in self._renamed:
            for path in [path for path in names if path.parent == folder]:
                self._names[path] = names.pop(path)
        self._folders = {made for made in self._folders if made.parent != folder}

    def settle(self) -> None:
        """When all is closed: the files become what the platter holds, if the power went."""
        if not self.dead or not self._fault.loses_power:
            return
        survives = Random(len(self.points))
        partly = self._fault is Fault.REORDERED
        for inode in self._inodes.values():
            if inode.pending:
                kept = [write for write in inode.pending if partly and survives.random() < 0.5]
                inode.link.write_bytes(_after(inode.durable, kept))
        names = dict(self._names)
        for change in self._renamed[: survives.randrange(len(self._renamed) + 1) if partly else 0]:
            names.update(change)  # a file system keeps the order of names
        for path, inode in names.items():
            path.unlink(missing_ok=True)
            if inode is not None and path.parent.is_dir():
                path.hardlink_to(inode.link)
        for folder in self._folders:
            if not partly or survives.random() < 0.5:
                shutil.rmtree(folder, ignore_errors=True)


def _after(content: bytes, writes: list[tuple[int, bytes | None]]) -> bytes:
    grown = bytearray(content)
    for at, data in writes:
        grown.extend(bytes(max(0, at - len(grown))))
        if data is None:
            del grown[at:]
        else:
            grown[at : at + len(data)] = data
    return bytes(grown)
