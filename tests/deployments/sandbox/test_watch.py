"""What a worker does when something goes wrong that is no program's fault."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deployments.sandbox.inside.calls import CallFilter
from deployments.sandbox.inside.processes import Processes
from deployments.sandbox.inside.requests import ProgramRole, RoomLimits
from deployments.sandbox.inside.rooms import Shared
from deployments.sandbox.inside.watch import Inside, Watched
from deployments.sandbox.sandbox import Sandbox
from schemas.errors import SandboxError
from schemas.programs import Program, ProgramLimits, Source
from tests.deployments.sandbox.rooms import script

LIMITS = RoomLimits(cpu_s=1, wall_s=1, memory_mib=4096, processes=1, output_kib=1, files_mib=1, files=16)


class DeadAtOnce(Shared):
    """The kernel takes each first process before it has read its program."""

    def split(self) -> int:
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        self.pid = pid
        return pid


def test_no_program_takes_anothers_place(tmp_path: Path) -> None:
    """A solution's first process is gone: its program is still in the socket, and the checks' process would run it in
    place of the checks, and pass."""
    room = DeadAtOnce(Processes(), str(tmp_path))
    ours, its = socket.socketpair()
    with ours, its, pytest.raises(ChildProcessError, match="did not take it"):
        Watched(ProgramRole.SOLUTION, LIMITS, Inside(room, CallFilter(), its), None)
    os.waitpid(room.pid, 0)


def test_it_is_told_why_no_program_was_taken(tmp_path: Path) -> None:
    """The fault is ours, and whoever looks for it needs its words."""
    room = Shared(Processes(), str(tmp_path))
    ours, its = socket.socketpair()
    ours.close()
    with its, pytest.raises(ChildProcessError, match="did not take it: EOFError: the program was not sent"):
        Watched(ProgramRole.SOLUTION, LIMITS, Inside(room, CallFilter(), its), None)


FAULTY = """
import json, socket, sys
control = socket.socket(fileno=int(sys.argv[-3]))
for said in {"ready": True}, {"fault": "ChildProcessError: it was not taken"}:
    body = json.dumps(said).encode()
    control.sendall(len(body).to_bytes(4, "big") + body)
    control.recv(1 << 16)
"""


async def test_a_fault_of_ours_is_no_programs_end(tmp_path: Path) -> None:
    """Nothing is said of the program, and the next one gets a new process."""
    faulty = tmp_path / "faulty.py"
    faulty.write_text(FAULTY)
    python = script(tmp_path / "python", [sys.executable, str(faulty)])
    async with Sandbox(ProgramLimits(), workers=1, python=python) as sandbox:
        before = sandbox.pids
        for _ in range(2):
            with pytest.raises(SandboxError, match=r"^a program could not be run: ChildProcessError: it was not taken"):
                await sandbox.run(Program(run=Source("")))
            assert not set(before) & set(sandbox.pids)


READ_LATE = """
import json, socket, sys
from deployments.sandbox.inside.calls import CallFilter
from deployments.sandbox.inside.processes import Processes
from deployments.sandbox.inside.requests import ProgramRole, RoomLimits
from deployments.sandbox.inside.rooms import Shared
from deployments.sandbox.inside.watch import Inside, Watched

room = Shared(Processes(), sys.argv[1])
limits = RoomLimits(cpu_s=1, wall_s=1, memory_mib=4096, processes=1, output_kib=1, files_mib=1, files=16)
frame = json.dumps({"run": {"text": "import os; os.write(1, bytes(5000))"}, "files": {}, "stdin": ""}).encode()
ours, its = socket.socketpair()
with ours, its:
    ours.sendall(len(frame).to_bytes(4, "big") + frame)
    program = Watched(ProgramRole.ALONE, limits, Inside(room, CallFilter(), its), None)
    said = program.report(program.wait())
print(said["end"], said["stdout"]["cut"])
"""


def test_output_that_is_read_after_the_end_counts(tmp_path: Path) -> None:
    """A busy machine: the program has ended before its output is read. Its process id may be another's by now. In an
    interpreter of its own: a program is forked from it, and does at its end what libraries here have asked for."""
    command = [sys.executable, "-c", READ_LATE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == "output True\n", done.stderr
