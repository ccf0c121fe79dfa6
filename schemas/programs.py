"""Programs that a model wrote, and what became of them in a sandbox (`deployments/sandbox`). Law: everything in `Ran`
was measured outside the program; only `stdout` and `stderr` are its own words."""

from enum import Enum
from typing import Annotated

from msgspec import Meta, Struct


class Isolation(Enum):
    """What keeps a program from everything else."""

    NAMESPACES = "namespaces"
    """Linux user, process, mount, network and IPC namespaces and a filter of system calls: the program sees no other
    process, no network, and no file but its own and the system's programs and libraries, which it cannot change."""
    PROCESS = "process"
    """A process with limits and the filter of system calls, with the rights of our own user. It protects from
    accidents: programs without end, too much memory or output, a network. It does not protect from malice: a program
    can read, change and remove what we can, end our processes, and reach into other programs; so can a solution into
    its checks, and what they say is no proof then."""


class ProgramLimits(Struct, frozen=True, kw_only=True):
    """What one program may take, its child processes included."""

    cpu_s: Annotated[float, Meta(gt=0, le=3600)] = 5.0
    """Processor time. What decides: a busy machine makes no program slower by this measure."""
    wall_s: Annotated[float, Meta(gt=0, le=7200)] = 20.0
    """Time by the clock, for programs that sleep or wait."""
    memory_mib: Annotated[int, Meta(ge=64, le=1_048_576)] = 512
    """Private memory of each process, which the kernel refuses beyond it; and resident memory of all of them together,
    beyond which the program is ended."""
    processes: Annotated[int, Meta(ge=1, le=4096)] = 16
    """Processes and threads at one time."""
    output_kib: Annotated[int, Meta(ge=1, le=65_536)] = 256
    """Each of stdout and stderr; the program is ended beyond it."""
    files_mib: Annotated[int, Meta(ge=1, le=65_536)] = 64
    """All files together, given ones included. With Isolation.PROCESS: each file that the program writes."""
    files: Annotated[int, Meta(ge=16, le=1_000_000)] = 1024
    """Files and folders at one time. Not held with Isolation.PROCESS."""


class Source(Struct, frozen=True, tag="source"):
    """Python, run as `main.py` in the program's folder with the standard library."""

    text: str


class Command(Struct, frozen=True, tag="command"):
    """Any program that is installed below /usr, or is one of the files; found as a shell would find it. Exit 127: it
    could not be started, and stderr says why."""

    argv: Annotated[tuple[str, ...], Meta(min_length=1)]


class Program(Struct, frozen=True, kw_only=True):
    """One program and what it is given. `files`: path -> content, in the folder in which it runs; a path is names with
    `/` between them, and no file is a folder of another."""

    run: Source | Command
    files: dict[str, bytes] = {}
    stdin: bytes = b""


class ProgramEnd(Enum):
    """How a program ended."""

    FINISHED = "finished"
    """By itself: `Ran.exit` is what it returned."""
    KILLED = "killed"
    """By a signal that no limit of ours sent: it crashed, or it or the kernel killed it."""
    CPU_TIME = "cpu_time"
    WALL_TIME = "wall_time"
    MEMORY = "memory"
    PROCESSES = "processes"
    OUTPUT = "output"
    STOPPED = "stopped"
    """A solution whose checks had ended."""


class Captured(Struct, frozen=True):
    """What a program wrote. `cut`: it wrote more than `data` holds."""

    data: bytes
    cut: bool

    @property
    def text(self) -> str:
        """As UTF-8; what is none is shown as U+FFFD."""
        return self.data.decode(errors="replace")


class Ran(Struct, frozen=True, kw_only=True):
    """What became of a program. `exit`: its exit status; -N: ended by signal N. `cpu_s`: of all its processes.
    `peak_mib`: resident memory, to within what one look every few milliseconds can miss."""

    end: ProgramEnd
    exit: int
    stdout: Captured
    stderr: Captured
    cpu_s: float
    wall_s: float
    peak_mib: float
    isolation: Isolation

    @property
    def succeeded(self) -> bool:
        """It came to its own end and returned 0."""
        return self.end is ProgramEnd.FINISHED and self.exit == 0


class ChecksOutcome(Enum):
    """What checks said about a solution."""

    PASSED = "passed"
    FAILED = "failed"
    """A check raised, or the solution ended or reached a limit before all checks were through."""
    UNDECIDED = "undecided"
    """The checks could not be compiled or import `*` from the solution, or they themselves reached a limit or crashed:
    nothing is known, and the checks' stderr says why."""


class CheckedSolution(Struct, frozen=True):
    """Checks and a solution, each in a sandbox of its own. The outcome follows from how the checks' process ended."""

    outcome: ChecksOutcome
    checks: Ran
    solution: Ran
