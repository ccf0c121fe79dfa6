"""Sandboxes that tests share: one as the user who runs the tests, one as a user without any right."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
import pytest

from deployments.sandbox.sandbox import Sandbox
from schemas.programs import Isolation, ProgramLimits
from tests.needs import needs_that

ROOT = Path(__file__).parents[3]
LIMITS = ProgramLimits(cpu_s=0.3, wall_s=10, memory_mib=80, processes=6, output_kib=64, files_mib=8, files=100)
NOBODY = 65534


def python_of_everybody() -> str | None:
    """A Python that any user can start."""
    found = (os.path.realpath(sys.executable), "/usr/bin/python3.12", "/usr/bin/python3.11")
    return next((python for python in found if as_nobody(python, "-c", "") == 0), None)


def as_nobody(*command: str) -> int:
    """The exit status of a command that a user without rights runs; that of a shell where it cannot be started."""
    if shutil.which("setpriv") is None:
        return 127
    user = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    return subprocess.run([*user, *command], check=False, stderr=subprocess.DEVNULL).returncode


def script(path: Path, command: Sequence[str]) -> str:
    """A program that starts the command with its own arguments behind it."""
    path.write_text(f'#!/bin/sh\nexec env -u PWD -u OLDPWD {" ".join(command)} "$@"\n')
    path.chmod(0o755)
    return str(path)


def sandbox_as(user: str, folder: Path, *, limits: ProgramLimits = LIMITS, workers: int = 2) -> Sandbox:
    """`user`: "ours" or "nobody"."""
    if user == "ours":
        return Sandbox(limits, workers=workers)
    folder.chmod(0o755)
    python = python_of_everybody()
    assert python is not None
    command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", python]
    return Sandbox(limits, workers=workers, python=script(folder / "python-as-nobody", command))


def users() -> list[object]:
    """Ours, and where we are root a user without rights."""
    other = needs_that(
        os.geteuid() == 0 and python_of_everybody() is not None, "needs root, setpriv and /usr/bin/python3.11"
    )
    return ["ours", pytest.param("nobody", marks=other)]


OFFERED = needs_that(
    subprocess.run(["unshare", "-Urm", "true"], check=False, capture_output=True).returncode == 0
    if shutil.which("unshare")
    else False,
    f"user namespaces are not offered here ({Isolation.NAMESPACES.value})",
)


async def until(
    look: Callable[[], list[psutil.Process]], enough: Callable[[list[psutil.Process]], bool]
) -> list[psutil.Process]:
    """What `look` returns once it is enough, or after twenty seconds."""
    for _ in range(1000):
        if enough(look()):
            break
        await asyncio.sleep(0.02)
    return look()


def descendants(pids: tuple[int, ...]) -> list[psutil.Process]:
    """All processes below these."""
    return [child for pid in pids if psutil.pid_exists(pid) for child in psutil.Process(pid).children(recursive=True)]


def living(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended."""
    return [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
