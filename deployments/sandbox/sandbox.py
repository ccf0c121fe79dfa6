"""Runs programs that a model wrote. Law: nothing of a program leaves its room, nothing of it is left afterwards, and
how it ended was measured outside it.

    async with Sandbox(ProgramLimits(cpu_s=2)) as sandbox:
        ran = await sandbox.run(Program(run=Source("print(1 + 1)")))
        checked = await sandbox.check(solution, "from solution import f\\nassert f(2) == 4")
"""

import asyncio
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from deployments.sandbox.inside.python import MAIN
from deployments.sandbox.inside.requests import ProgramRole
from deployments.sandbox.inside.served import BROKEN
from deployments.sandbox.worker import Report, RequestedRun, SandboxWorker
from schemas.errors import ConfigError, SandboxError
from schemas.programs import (
    CheckedSolution,
    ChecksOutcome,
    Isolation,
    Program,
    ProgramEnd,
    ProgramLimits,
    Ran,
    Source,
)

_LONGEST_NAME = 255
"""Bytes of a file's or a folder's name, on every file system that a program may meet."""


class Sandbox:
    """A pool of `workers` processes, each of which runs one program, or checks and a solution, at a time. `python`: the
    interpreter that runs sources, 3.11 or later; its standard library is what they can import."""

    def __init__(
        self,
        limits: ProgramLimits,
        *,
        isolation: Isolation = Isolation.NAMESPACES,
        workers: int = 2,
        python: str = sys.executable,
    ) -> None:
        self._limits = limits
        self._isolation = isolation
        self._workers = [SandboxWorker(isolation, python) for _ in range(workers)]
        self._idle: asyncio.LifoQueue[SandboxWorker] = asyncio.LifoQueue()
        for worker in self._workers:
            self._idle.put_nowait(worker)

    async def __aenter__(self) -> Self:
        """Raises ConfigError where the system does not offer the isolation."""
        started = await asyncio.gather(*(worker.start() for worker in self._workers), return_exceptions=True)
        failed = [error for error in started if error is not None]
        if not failed:
            return self
        await self._stop()
        if isinstance(failed[0], SandboxError) and self._isolation is not Isolation.PROCESS:
            raise ConfigError(
                f"isolation: {self._isolation.value} is not offered by this system ({failed[0]}): let this user make "
                "user namespaces, or set `isolation: process`, which holds accidents but no attack (docs/sandbox.md)"
            ) from failed[0]
        raise failed[0]

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self._stop()

    @property
    def pids(self) -> tuple[int, ...]:
        """The workers' processes that exist now."""
        return tuple(worker.pid for worker in self._workers if worker.pid is not None)

    async def run(self, program: Program) -> Ran:
        """Waits for a free worker, then for the program's end. Raises ValueError for a file's path that is no name of a
        file in the folder and for text that is no Unicode, SandboxError when no program is at fault."""
        _check_paths([*program.files, *([MAIN] if isinstance(program.run, Source) else [])])
        (ran,) = await self._ask({ProgramRole.ALONE: program})
        return ran

    async def check(self, solution: str, checks: str) -> CheckedSolution:
        """Runs `checks`, Python that imports what it calls from `solution` by name, against that Python. Each is in a
        room of its own with limits of its own, so that with namespaces a solution cannot reach what judges it
        (`inside.served` says how they talk). Raises SandboxError when neither is at fault."""
        programs = {  # the solution begins first, so that one that waits reaches the limit before those who wait for it
            ProgramRole.SOLUTION: Program(run=Source(solution)),
            ProgramRole.CHECKS: Program(run=Source(checks)),
        }
        solving, checking = await self._ask(programs)
        return CheckedSolution(_outcome(checking, solving), checking, solving)

    async def _ask(self, programs: dict[ProgramRole, Program]) -> list[Ran]:
        worker = await self._idle.get()
        try:
            reports = await worker.ask(RequestedRun(self._limits, tuple(programs)), tuple(programs.values()))
        finally:
            self._idle.put_nowait(worker)
        return [self._ran(report) for report in reports]

    def _ran(self, report: Report) -> Ran:
        return Ran(
            end=report.end,
            exit=report.exit,
            stdout=report.stdout,
            stderr=report.stderr,
            cpu_s=report.cpu_s,
            wall_s=report.wall_s,
            peak_mib=report.peak_mib,
            isolation=self._isolation,
        )

    async def _stop(self) -> None:
        await asyncio.gather(*(worker.stop() for worker in self._workers))


def _outcome(checks: Ran, solution: Ran) -> ChecksOutcome:
    if checks.succeeded:
        return ChecksOutcome.PASSED
    if checks.end is ProgramEnd.FINISHED and checks.exit != BROKEN:
        return ChecksOutcome.FAILED
    if solution.end not in (ProgramEnd.FINISHED, ProgramEnd.STOPPED):
        return ChecksOutcome.FAILED
    return ChecksOutcome.UNDECIDED


def _check_paths(files: Sequence[str]) -> None:
    """Each file has one name, inside the folder, and no file is a folder of another."""
    folders: set[str] = set()
    for path in files:
        parts = path.split("/")
        if "\0" in path or any(part in ("", ".", "..") for part in parts):
            raise ValueError(f"not a path inside the program's folder: {path!r} (say it as a/b.txt)")
        if any(len(part.encode(errors="surrogatepass")) > _LONGEST_NAME for part in parts):
            raise ValueError(f"a name of more than {_LONGEST_NAME} bytes in the program's folder: {path[:60]!r}...")
        folders |= {"/".join(parts[:depth]) for depth in range(1, len(parts))}
    for path in files:
        if path in folders:
            raise ValueError(f"both a file and a folder in the program's folder: {path!r}")
