"""The processes of a program as the kernel counts them, read from outside. Law: nothing here rests on what a program
says. A process that ends while it is looked at counts as gone."""

import os
from dataclasses import dataclass

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_UTIME, _CUTIME, _THREADS, _RESIDENT = 11, 13, 17, 21
"""Fields of /proc/PID/stat behind the name, from 0."""


@dataclass(frozen=True)
class Taken:
    """What all processes of a program take now. `resident`: bytes; pages that processes share count for each of them.
    `cpu_s`: those that have ended and were waited for included."""

    processes: int
    resident: int
    cpu_s: float


class Processes:
    """/proc, kept open from before its room is entered. Raises OSError where it does not tell a process's children: no
    limit of all processes together could be held."""

    def __init__(self) -> None:
        self.folder = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
        os.close(os.open(f"{os.getpid()}/task/{os.getpid()}/children", os.O_RDONLY, dir_fd=self.folder))

    def children(self, pid: int) -> list[int]:
        """The children of a process with one thread."""
        return [int(child) for child in self._read(f"{pid}/task/{pid}/children").split()]

    def below(self, pid: int) -> list[int]:
        """All descendants of a process, whichever of their threads started them."""
        found: list[int] = []
        look_at = [pid]
        while look_at:
            above = look_at.pop()
            for thread in self._threads(above):
                children = [int(child) for child in self._read(f"{above}/task/{thread}/children").split()]
                found += children
                look_at += children
        return found

    def taken(self, first: int) -> Taken:
        """Of the descendants of a program's first process, which is ours and counts only for what it has waited for."""
        below = self.below(first)
        threads, resident, ticks = 0, 0, sum(self._stat(first)[_CUTIME : _CUTIME + 2])
        for pid in below:
            stat = self._stat(pid)
            ticks += sum(stat[_UTIME : _UTIME + 4])
            threads += stat[_THREADS]
            resident += stat[_RESIDENT] * _PAGE
        return Taken(threads, resident, ticks * _TICK_S)

    def proportional(self, first: int) -> int:
        """Resident bytes of the descendants with every shared page counted once. Slow: it walks the page tables."""
        total = 0
        for pid in self.below(first):
            for line in self._read(f"{pid}/smaps_rollup").splitlines():
                if line.startswith("Pss:"):
                    total += 1024 * int(line.split()[1])
        return total

    def _threads(self, pid: int) -> list[str]:
        try:
            task = os.open(f"{pid}/task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=self.folder)
        except (FileNotFoundError, ProcessLookupError):
            return []
        try:
            return os.listdir(task)
        except (FileNotFoundError, ProcessLookupError):
            return []
        finally:
            os.close(task)

    def _stat(self, pid: int) -> list[int]:
        """The numbers behind the name, which may hold anything; zeros for a process that is gone."""
        behind = self._read(f"{pid}/stat").rpartition(")")[2].split()
        return [0, *map(int, behind[1:])] if behind else [0] * (_RESIDENT + 1)

    def _read(self, path: str) -> str:
        try:
            file = os.open(path, os.O_RDONLY, dir_fd=self.folder)
        except (FileNotFoundError, ProcessLookupError):
            return ""
        try:
            blocks = []
            while block := os.read(file, 65_536):
                blocks.append(block)
            return b"".join(blocks).decode(errors="replace")
        except ProcessLookupError:
            return ""
        finally:
            os.close(file)
