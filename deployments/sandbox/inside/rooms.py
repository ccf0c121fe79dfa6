"""Where a program runs: what it sees, and how everything of it is gone afterwards. Law: the kernel keeps what a room
promises; a room that cannot be made raises.

A room is made once for a worker (`prepare`). For each program a child is split off (`split`, `admit`), which furnishes
its own part of the room (`furnish`); `clear` leaves nothing of those that have ended.
"""

import os
import signal
import socket
import stat
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

from deployments.sandbox.inside import kernel
from deployments.sandbox.inside.kernel import Mounting, Spaces
from deployments.sandbox.inside.processes import Processes
from deployments.sandbox.inside.requests import RoomLimits

BOX = "/box"
_BUILT_AT = "/proc"
"""Where the new root is mounted while it is filled: a folder that every system has and none keeps programs in."""
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_NOBODY = 65534
_INSIDE = 1000
"""The user and group of a program, as it sees itself."""


class ProgramRoom(Protocol):
    """What keeps programs from everything else."""

    counts_processes: bool
    """Whether the kernel counts a program's processes apart from all others."""

    def prepare(self) -> None:
        """Once, before the first program. Raises OSError where the system does not offer it."""
        ...

    def leave(self) -> None:
        """Once, after the last program."""
        ...

    def enter(self) -> None:
        """In the copy of the worker that runs a request, before its first program."""
        ...

    def split(self) -> int:
        """Like `os.fork`: the child is the program's first process."""
        ...

    def admit(self, pid: int) -> None:
        """The parent's part after `split`; the child waits for it."""
        ...

    def furnish(self, limits: RoomLimits) -> str:
        """The child's part: the program's folder, empty."""
        ...

    def clear(self, running: Iterable[int]) -> None:
        """The parent's part after a first process has ended; `running`: first processes that go on."""
        ...


class Namespaces:
    """Each program is alone in namespaces of its own, below a root that holds the system's programs and its folder."""

    counts_processes = True

    def __init__(self, processes: Processes) -> None:
        self._proc = processes.folder

    def prepare(self) -> None:
        own = Spaces.MOUNT | Spaces.NET | Spaces.IPC | Spaces.UTS
        if os.geteuid() == 0:
            kernel.unshare(own)
            socket.sethostname("sandbox")
            _build_root()
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
            kernel.be_seen()
        else:
            user, group = os.geteuid(), os.getegid()
            kernel.unshare(own | Spaces.USER)
            self._map("self", (user, user), (group, group))
            socket.sethostname("sandbox")
            _build_root()
        self._try()

    def leave(self) -> None:
        """Nothing to do: the last process of its namespaces takes them with it."""

    def enter(self) -> None:
        """Nothing to do."""

    def split(self) -> int:
        return kernel.clone(Spaces.USER | Spaces.PID | Spaces.MOUNT)

    def admit(self, pid: int) -> None:
        self._map(str(pid), (_INSIDE, os.geteuid()), (_INSIDE, os.getegid()))

    def furnish(self, limits: RoomLimits) -> str:
        room = f"size={limits.files_mib}m,nr_inodes={limits.files},mode=700"
        kernel.mount("files", BOX, "tmpfs", Mounting.NO_SUID | Mounting.NO_DEVICES, room)
        return BOX

    def clear(self, running: Iterable[int]) -> None:
        """The kernel has done it: with the first process of a namespace all others, then the folder."""

    def _try(self) -> None:
        """A room as each program gets it: a system may allow the first half and refuse the second."""
        go, going = os.pipe()
        pid = self.split()
        if pid == 0:
            try:
                os.read(go, 1)
                kernel.mount("files", BOX, "tmpfs", Mounting.NO_SUID | Mounting.NO_DEVICES)
                os._exit(0)
            finally:
                os._exit(1)
        self.admit(pid)
        os.write(going, b"g")
        os.close(go)
        os.close(going)
        if os.waitpid(pid, 0)[1] != 0:
            raise PermissionError("mount in a namespace of its own: refused")

    def _map(self, pid: str, user: tuple[int, int], group: tuple[int, int]) -> None:
        """One user and one group: (inside, outside)."""
        for name, line in (
            ("uid_map", f"{user[0]} {user[1]} 1"),
            ("setgroups", "deny"),
            ("gid_map", f"{group[0]} {group[1]} 1"),
        ):
            file = os.open(f"{pid}/{name}", os.O_WRONLY, dir_fd=self._proc)
            try:
                os.write(file, line.encode())
            finally:
                os.close(file)


def _build_root() -> None:
    """The system's programs, this Python and a few devices, all read-only; nothing else of the machine remains."""
    kernel.mount("none", "/", "", Mounting.RECURSIVE | Mounting.PRIVATE)
    kernel.mount("root", _BUILT_AT, "tmpfs", Mounting.NO_SUID, "mode=755,size=1m")
    interpreter = os.path.dirname(os.path.realpath(sys.executable))
    for path in dict.fromkeys((*_SYSTEM, sys.base_prefix, sys.base_exec_prefix, interpreter)):
        if os.path.islink(path):
            os.symlink(os.readlink(path), _BUILT_AT + path)
        elif os.path.isdir(path) and not os.path.exists(_BUILT_AT + path):
            os.makedirs(_BUILT_AT + path)
            kernel.mount(path, _BUILT_AT + path, "", Mounting.BIND | Mounting.RECURSIVE)
    for folder in ("/dev", "/etc", BOX):
        os.mkdir(_BUILT_AT + folder)
    os.symlink(BOX, _BUILT_AT + "/tmp")
    for device in _DEVICES:
        os.close(os.open(f"{_BUILT_AT}/dev/{device}", os.O_CREAT))
    kernel.seal(_BUILT_AT)
    for device in _DEVICES:
        kernel.mount(f"/dev/{device}", f"{_BUILT_AT}/dev/{device}", "", Mounting.BIND)
        kernel.seal(f"{_BUILT_AT}/dev/{device}", devices=True)
    kernel.make_root(_BUILT_AT)


class Shared:
    """No namespaces: a new folder, and our own user's rights. What a program left in the folders is removed through a
    file that was open before it ran: it can move them, and put links to other folders in their place."""

    counts_processes = False

    def __init__(self, processes: Processes, above: str) -> None:
        self._processes = processes
        self._scratch = tempfile.mkdtemp(prefix="gleaner-sandbox-", dir=above)
        self._opened = _folder(self._scratch, None)

    def prepare(self) -> None:
        """Nothing to do."""

    def leave(self) -> None:
        _empty(self._opened)
        os.close(self._opened)
        try:
            os.rmdir(self._scratch)
        except NotADirectoryError:
            os.unlink(self._scratch)

    def enter(self) -> None:
        kernel.adopt_orphans()

    def split(self) -> int:
        return os.fork()

    def admit(self, pid: int) -> None:
        """Nothing to do."""

    def furnish(self, limits: RoomLimits) -> str:
        return tempfile.mkdtemp(dir=self._scratch)

    def clear(self, running: Iterable[int]) -> None:
        """Kills what the program left until nothing is left, then removes its folder once no program runs."""
        going = set(running)
        while left := [pid for pid in self._processes.children(os.getpid()) if pid not in going]:
            for pid in [*left, *(each for first in left for each in self._processes.below(first))]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for pid in left:
                os.waitpid(pid, 0)
        if not going:
            _empty(self._opened)


def _empty(folder: int) -> None:
    """Removes what is in an open folder while no program runs. No link is followed, no right that the program took away
    is missed, and no depth is too deep: a folder in a folder is moved up before its turn comes."""
    os.fchmod(folder, 0o700)
    while names := os.listdir(folder):
        for name in names:
            if not _unlinked(name, folder):
                inner = _folder(name, folder)
                for each in os.listdir(inner):
                    if not _unlinked(each, inner):
                        os.rename(each, os.urandom(16).hex(), src_dir_fd=inner, dst_dir_fd=folder)
                os.close(inner)
                os.rmdir(name, dir_fd=folder)


def _unlinked(name: str, above: int) -> bool:
    """Removes what is no folder; a folder gets all rights of its owner instead, without which it could not be moved."""
    if stat.S_ISDIR(os.lstat(name, dir_fd=above).st_mode):
        os.chmod(name, 0o700, dir_fd=above)
        return False
    os.unlink(name, dir_fd=above)
    return True


def _folder(name: str, above: int | None) -> int:
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
