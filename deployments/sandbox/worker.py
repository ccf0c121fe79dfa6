"""One process that runs programs, seen from ours. Law: a reply comes within the limits of its request and a patience,
or the process is replaced; nothing that it started outlives it.
"""

import asyncio
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from deployments.sandbox.inside.requests import ProgramRole
from schemas.errors import SandboxError
from schemas.programs import Captured, Isolation, Program, ProgramEnd, ProgramLimits

START_S = 60.0
"""Longest time for a process to be ready, on a busy machine."""
_PATIENCE_S = 60.0
"""How much later than a program's last moment its result may come, on a busy machine."""
_STOP_S = 10.0
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "MALLOC_ARENA_MAX": "2",
}
"""Of every program, with HOME and TMPDIR: its folder. Sets have the same order in every run. The allocator's arenas of
threads would reserve most of the address space."""
_CODE = Path(__file__).parents[2]


class RequestedRun(Struct, frozen=True):
    """The head of a request, as `inside.requests.RunRequest` is read; its programs follow it."""

    limits: ProgramLimits
    roles: tuple[ProgramRole, ...]


class Report(Struct, frozen=True):
    """What the process says of one program; or only that it could not be run, and why."""

    fault: str | None = None
    end: ProgramEnd = ProgramEnd.KILLED
    exit: int = -9
    stdout: Captured = Captured(b"", False)
    stderr: Captured = Captured(b"", False)
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_mib: float = 0.0


class WorkerReply(Struct, frozen=True):
    """One message of the process: it is ready, it ran the programs of a request, or it cannot."""

    ready: bool = False
    ran: tuple[Report, ...] = ()
    fault: str | None = None


_REPLIES = msgspec.json.Decoder(WorkerReply)


class SandboxWorker:
    """A process that is started when it is needed, and again after a fault."""

    def __init__(self, isolation: Isolation, python: str) -> None:
        self._isolation = isolation
        self._python = python
        self._process: _Process | None = None

    @property
    def pid(self) -> int | None:
        """The process that exists now."""
        return None if self._process is None else self._process.popen.pid

    async def start(self) -> None:
        """Has the process ready. Raises SandboxError with the system's reason."""
        if self._process is not None:
            return
        self._process = await _Process.started(self._isolation, self._python)
        try:
            reply = await asyncio.wait_for(self._process.reply(), START_S)
            if not reply.ready:
                raise SandboxError(reply.fault or "it is not ready")
        except BaseException as error:
            await asyncio.shield(self.stop())
            if isinstance(error, TimeoutError | asyncio.IncompleteReadError):
                raise SandboxError(f"no sandbox process is ready within {START_S:g} s") from error
            raise

    async def ask(self, request: RequestedRun, programs: Sequence[Program]) -> tuple[Report, ...]:
        """One report for each program, and there is one program for each role. Raises SandboxError when the process
        failed; a call that is cancelled ends its programs."""
        frames = [msgspec.json.encode(frame) for frame in (request, *programs)]
        await self.start()
        assert self._process is not None
        try:
            for frame in frames:
                self._process.send(frame)
            reply = await asyncio.wait_for(self._process.reply(), request.limits.wall_s + _PATIENCE_S)
        except BaseException as error:
            await asyncio.shield(self.stop())
            if isinstance(error, TimeoutError | asyncio.IncompleteReadError | ConnectionError):
                raise SandboxError(f"a sandbox process ended or hangs ({type(error).__name__})") from error
            raise
        fault = reply.fault or next((report.fault for report in reply.ran if report.fault is not None), None)
        if fault is not None or len(reply.ran) != len(request.roles):
            await self.stop()
            raise SandboxError(f"a program could not be run: {fault}")
        return reply.ran

    async def stop(self) -> None:
        """Ends the process and all that it runs; returns when they have ended."""
        process, self._process = self._process, None
        if process is not None:
            await process.stop()


class _Process:
    """A running process and the socket to it."""

    def __init__(
        self, popen: subprocess.Popen[bytes], streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    ) -> None:
        self.popen = popen
        self._reader, self._writer = streams

    @classmethod
    async def started(cls, isolation: Isolation, python: str) -> "_Process":
        ours, its = socket.socketpair()
        with its:
            popen = _popen(python, its.fileno(), isolation)
        return cls(popen, await asyncio.open_unix_connection(sock=ours))

    def send(self, body: bytes) -> None:
        self._writer.write(len(body).to_bytes(4, "big") + body)

    async def reply(self) -> WorkerReply:
        length = int.from_bytes(await self._reader.readexactly(4), "big")
        return _REPLIES.decode(await self._reader.readexactly(length))

    async def stop(self) -> None:
        self._writer.close()
        try:
            await asyncio.to_thread(self.popen.wait, _STOP_S)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


def _popen(python: str, control: int, isolation: Isolation) -> subprocess.Popen[bytes]:
    """Nothing of our environment: a program could read it in the memory that it is a copy of."""
    given = (str(control), isolation.value, tempfile.gettempdir())
    return subprocess.Popen(
        [python, "-S", "-s", "-P", "-m", "deployments.sandbox.inside", *given],
        pass_fds=[control],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={"PYTHONPATH": str(_CODE), **_ENVIRONMENT},
        start_new_session=True,
    )
