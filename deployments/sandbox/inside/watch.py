"""Programs from outside: what they write, take and how they end. Law: every program ends by itself or here, within its
limits, and when it is reported nothing of it is left.

Memory, processor time and the number of processes are looked at every `LOOK_S`: between two looks a program can go
beyond the limit by what it gets in that time. The kernel holds each single process to its own limits at once.
"""

import json
import os
import resource
import select
import signal
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any

from deployments.sandbox.inside.box import TAKEN, Ends, live
from deployments.sandbox.inside.calls import CallFilter
from deployments.sandbox.inside.processes import Processes
from deployments.sandbox.inside.requests import ProgramRole, RoomLimits, RunRequest, in_text
from deployments.sandbox.inside.rooms import ProgramRoom

LOOK_S = 0.02
_BLOCK = 65_536
_MIB = 1 << 20


class Reason(Enum):
    """Why a program was ended from here; the words of `schemas.programs.ProgramEnd`."""

    CPU_TIME = "cpu_time"
    WALL_TIME = "wall_time"
    MEMORY = "memory"
    PROCESSES = "processes"
    OUTPUT = "output"
    STOPPED = "stopped"


class Abandoned(Exception):
    """Nobody waits for the result any more."""


@dataclass(frozen=True)
class Inside:
    """What every program of a worker is given: the room, the refused calls, and the socket that it is read from."""

    room: ProgramRoom
    calls: CallFilter
    control: socket.socket


class Watched:
    """One program with our ends of its pipes."""

    def __init__(self, role: ProgramRole, limits: RoomLimits, inside: Inside, channel: int | None) -> None:
        self.role = role
        self._limits = limits
        self._stdout, stdout = os.pipe()
        self._stderr, stderr = os.pipe()
        self._status, status = os.pipe()
        go, going = os.pipe()
        self._began = time.monotonic()
        self.pid = inside.room.split()
        if self.pid == 0:
            ends = Ends(stdout, stderr, status, go, inside.control.fileno(), channel)
            live(role, limits, inside.room, inside.calls, ends)
        self.end = os.pidfd_open(self.pid)
        for file in (stdout, stderr, status, go):
            os.close(file)
        self._written = {self._stdout: bytearray(), self._stderr: bytearray()}
        self._more = set(self._written)
        self._reason: Reason | None = None
        self._peak, self._cpu_s, self._wall_s = 0, 0.0, 0.0
        inside.room.admit(self.pid)
        with suppress(BrokenPipeError):  # it has ended already
            os.write(going, b"g")
        os.close(going)
        said = os.read(self._status, len(TAKEN))
        if said != TAKEN:  # the next first process would take it, in place of its own
            raise ChildProcessError(f"a program's first process did not take it{self._why(said)}")

    def _why(self, begun: bytes) -> str:
        """What a first process said that took no program; it has ended, or is about to."""
        said = begun + os.read(self._status, _BLOCK) if begun else b""
        return f": {json.loads(said)['fault']}" if said else ""

    def awaited(self) -> list[tuple[int, int]]:
        """Files and the events that the program gives cause to wait for."""
        return [(self.end, select.POLLIN), *((file, select.POLLIN) for file in self._more)]

    def handle(self, ready: set[int]) -> None:
        """Reads what can be read."""
        for file in self._more & ready:
            self._read(file)

    def look(self, processes: Processes) -> None:
        """Ends the program if it goes beyond a limit."""
        taken = processes.taken(self.pid)
        limits = self._limits
        resident = taken.resident
        if resident > limits.memory_mib * _MIB:
            resident = processes.proportional(self.pid)
        self._peak = max(self._peak, resident)
        self._cpu_s = max(self._cpu_s, taken.cpu_s)
        if resident > limits.memory_mib * _MIB:
            self.stop(Reason.MEMORY)
        elif taken.cpu_s > limits.cpu_s:
            self.stop(Reason.CPU_TIME)
        elif taken.processes > limits.processes:
            self.stop(Reason.PROCESSES)
        elif time.monotonic() - self._began > limits.wall_s:
            self.stop(Reason.WALL_TIME)

    def stop(self, reason: Reason) -> None:
        """Kills the first process, and with it all others; the first reason stands."""
        self._reason = self._reason or reason
        with suppress(ProcessLookupError):  # it has ended, and what it wrote is read
            signal.pidfd_send_signal(self.end, signal.SIGKILL)

    def wait(self) -> resource.struct_rusage:
        """Waits for the first process: what it took, with all that it had waited for."""
        usage = os.wait4(self.pid, 0)[2]
        self._wall_s = time.monotonic() - self._began
        return usage

    def report(self, usage: resource.struct_rusage) -> dict[str, Any]:
        """After nothing of the program is left. `{"fault": ...}` where the room could not be furnished."""
        while self._more:
            for file in tuple(self._more):
                self._read(file)
        said: dict[str, Any] = {}
        for line in os.read(self._status, _BLOCK).splitlines():
            said |= json.loads(line)
        for file in (self._stdout, self._stderr, self._status, self.end):
            os.close(file)
        if "fault" in said:
            return said
        cpu_s = max(usage.ru_utime + usage.ru_stime, self._cpu_s)  # the first holds nothing of what was killed
        exit_code = os.waitstatus_to_exitcode(said["status"]) if "status" in said else -signal.SIGKILL
        if self._reason is None and exit_code == -signal.SIGKILL and cpu_s > self._limits.cpu_s:
            self._reason = Reason.CPU_TIME  # the kernel was faster
        own = "finished" if exit_code >= 0 else "killed"
        return {
            "end": own if self._reason is None else self._reason.value,
            "exit": exit_code if self._reason is None else -signal.SIGKILL,
            "stdout": self._captured(self._stdout),
            "stderr": self._captured(self._stderr),
            "cpu_s": cpu_s,
            "wall_s": self._wall_s,
            "peak_mib": max(self._peak, 1024 * usage.ru_maxrss) / _MIB,
        }

    @property
    def _most_bytes(self) -> int:
        return self._limits.output_kib * 1024

    def _read(self, file: int) -> None:
        block = os.read(file, _BLOCK)
        kept = self._written[file]
        kept += block[: self._most_bytes + 1 - len(kept)]
        if not block:
            self._more.remove(file)
        elif len(kept) > self._most_bytes and self._reason is None:
            self.stop(Reason.OUTPUT)

    def _captured(self, file: int) -> dict[str, Any]:
        kept = self._written[file]
        return {"data": in_text(bytes(kept[: self._most_bytes])), "cut": len(kept) > self._most_bytes}


class RequestRunner:
    """Runs the programs of one request, in a process of its own: what they wrote is in no later program's memory."""

    def __init__(self, inside: Inside, processes: Processes) -> None:
        self._inside = inside
        self._processes = processes

    def run(self, request: RunRequest) -> list[dict[str, Any]]:
        """One report for each part. Raises Abandoned when the other side of `control` has gone; nothing is left then
        either."""
        pair = socket.socketpair() if len(request.roles) > 1 else ()
        channels = [each.fileno() for each in pair] or [None]
        running: list[Watched] = []
        reports: dict[ProgramRole, dict[str, Any]] = {}
        try:
            for role, channel in zip(request.roles, channels, strict=True):
                running.append(Watched(role, request.limits, self._inside, channel))
            for each in pair:
                each.close()
            self._watch(running, reports)
        finally:
            for program in tuple(running):
                program.stop(Reason.STOPPED)
                self._ended(program, running, reports)
        return [reports[role] for role in request.roles]

    def _watch(self, running: list[Watched], reports: dict[ProgramRole, dict[str, Any]]) -> None:
        """Until all have ended, or one alone has whose end is the end of all."""
        control = self._inside.control.fileno()
        look_at = time.monotonic() + LOOK_S
        while running:
            found = self._poll(running, look_at)
            if control in found:
                raise Abandoned
            for program in tuple(running):
                program.handle(found)
                if program.end in found:
                    self._ended(program, running, reports)
                    if program.role is ProgramRole.CHECKS:
                        return
            if time.monotonic() >= look_at:
                look_at = time.monotonic() + LOOK_S
                for program in running:
                    program.look(self._processes)

    def _poll(self, running: list[Watched], until: float) -> set[int]:
        """The files that can be read or written, or whose other side has gone; waits until `until` for one."""
        ready = select.poll()
        ready.register(self._inside.control, select.POLLRDHUP)
        for program in running:
            for file, event in program.awaited():
                ready.register(file, event)
        return {file for file, _ in ready.poll(max(0.0, 1000 * (until - time.monotonic())))}

    def _ended(self, program: Watched, running: list[Watched], reports: dict[ProgramRole, dict[str, Any]]) -> None:
        running.remove(program)
        usage = program.wait()
        self._inside.room.clear(each.pid for each in running)
        reports[program.role] = program.report(usage)
