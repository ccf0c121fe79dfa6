"""One program from inside: its first process, which furnishes the room, starts the program and reports how it ended.
Law: the program has no file that reaches the first process, and the first process reports only what the kernel told it.
When the first process ends, the kernel ends all others.
"""

import fcntl
import json
import math
import os
import resource
import signal
import socket
from dataclasses import dataclass
from typing import NoReturn

from deployments.sandbox.inside import kernel, python, served
from deployments.sandbox.inside.calls import CallFilter
from deployments.sandbox.inside.requests import ProgramPart, ProgramRole, RoomLimits, read_part
from deployments.sandbox.inside.rooms import ProgramRoom

TAKEN = b"taken\n"
_STATUS, _GO, _CONTROL, _CHANNEL = 3, 4, 5, 6
_FREE_FROM = 64
"""Files are moved up here first, so that none is overwritten by another one's move."""
_OPEN_FILES = 64
"""Of each process; no limit counts the buffers of pipes and sockets."""
_STACK = 8 << 20
_NOT_STARTED = 127
_RESERVED = 4
"""Address space for each byte of memory: allocators and threads reserve what they never use."""


@dataclass(frozen=True)
class Ends:
    """The first process's ends of its pipes. `control`: where the program is read from; `channel`: of the checks or of
    the solution, to each other."""

    stdout: int
    stderr: int
    status: int
    go: int
    control: int
    channel: int | None


def live(role: ProgramRole, limits: RoomLimits, room: ProgramRoom, calls: CallFilter, ends: Ends) -> NoReturn:
    """The first process. It alone reads the program, so that no other program is in its memory. To `status` it writes
    TAKEN, then a line of JSON: `{"status": N}` as wait(2) says, or `{"fault": why}`, which may come without TAKEN."""
    status = ends.status
    try:
        kernel.end_with_parent()
        _arrange(ends)
        status = _STATUS
        if os.read(_GO, 1):
            with socket.socket(fileno=_CONTROL) as control:
                part = read_part(control)
            os.write(_STATUS, TAKEN)
            folder = room.furnish(limits)
            _give(folder, part)
            kernel.drop_rights()
            program = os.fork()
            if program == 0:
                _become(role, part, limits, room, calls, folder)
            kernel.close_from(_GO)
            for file in (0, 1, 2):
                os.close(file)
            _tell(status, {"status": _wait(program)})
    except BaseException as error:  # noqa: BLE001  whatever it is, this copy of the worker must not live on
        _tell(status, {"fault": f"{type(error).__name__}: {error}"})
    finally:
        os._exit(0)


def _arrange(ends: Ends) -> None:
    """The pipes get the lowest numbers behind stdin; everything else that the worker had open is closed."""
    wanted = [ends.stdout, ends.stderr, ends.status, ends.go, ends.control]
    wanted += [] if ends.channel is None else [ends.channel]
    moved = [fcntl.fcntl(file, fcntl.F_DUPFD, _FREE_FROM) for file in wanted]
    for number, file in enumerate(moved, start=1):
        os.dup2(file, number, inheritable=True)
    kernel.close_from(1 + len(moved))


def _give(folder: str, part: ProgramPart) -> None:
    """The program's stdin, as a file whose name is gone, and its files."""
    if part.stdin:
        stdin = os.path.join(folder, "stdin")
        _write(stdin, part.stdin)
        os.dup2(os.open(stdin, os.O_RDONLY), 0)
        os.unlink(stdin)
    for path, data in part.files.items():
        target = os.path.join(folder, path)
        os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
        _write(target, data)


def _write(path: str, data: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700), "wb") as file:
        file.write(data)


def _wait(program: int) -> int:
    """How the program ended; orphans that end before it are waited for as well."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == program:
            return status


def _tell(status: int, said: dict[str, object]) -> None:
    os.write(status, json.dumps(said).encode() + b"\n")


def _become(
    role: ProgramRole, part: ProgramPart, limits: RoomLimits, room: ProgramRoom, calls: CallFilter, folder: str
) -> NoReturn:
    """The program's process; it is the program from `close_from` on."""
    kernel.end_with_parent()
    os.setsid()
    os.umask(0o077)
    os.chdir(folder)
    os.environ.update(HOME=folder, TMPDIR=folder)
    _limit(limits, room)
    kernel.refuse_calls(calls)
    try:
        channel = os.dup2(_CHANNEL, 3) if role is not ProgramRole.ALONE else None
        kernel.close_from(3 if channel is None else 4)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        match role, part.source, channel:
            case _, None, _:
                _start(part.argv)
            case ProgramRole.CHECKS, source, int():
                served.check(folder, source, channel)
            case ProgramRole.SOLUTION, source, int():
                served.serve(folder, source, channel)
            case _, source, _:
                python.run(folder, source)
    finally:
        os._exit(1)


def _start(argv: tuple[str, ...]) -> None:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvp(argv[0], argv)
    except (OSError, ValueError) as error:
        os.write(2, f"{argv[0]!r} could not be started: {error}\n".encode(errors="replace"))
        os._exit(_NOT_STARTED)


def _limit(limits: RoomLimits, room: ProgramRoom) -> None:
    """What the kernel holds each process to. The worker, which looks at all of them together, holds the rest."""
    most = {
        resource.RLIMIT_CPU: math.ceil(limits.cpu_s) + 1,
        resource.RLIMIT_DATA: limits.memory_mib << 20,
        resource.RLIMIT_AS: _RESERVED * limits.memory_mib << 20,
        resource.RLIMIT_FSIZE: limits.files_mib << 20,
        resource.RLIMIT_STACK: _STACK,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_RTPRIO: 0,
        # 0 would still start the program that a system names to read core dumps; 1 starts none and writes none
        resource.RLIMIT_CORE: 1,
    }
    if room.counts_processes:
        most[resource.RLIMIT_NPROC] = limits.processes + 1  # the first process is one
    for limit, value in most.items():
        allowed = resource.getrlimit(limit)[1]
        bounded = value if allowed == resource.RLIM_INFINITY else min(value, allowed)
        resource.setrlimit(limit, (bounded, bounded))
