"""What a sandbox says of programs that mean no harm, and what it leaves behind when it, or we, are killed."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio
from msgspec.structs import replace

from deployments.sandbox.sandbox import Sandbox
from schemas.errors import ConfigError, SandboxError
from schemas.programs import ChecksOutcome, Command, Isolation, Program, ProgramEnd, Source
from tests.deployments.sandbox.rooms import LIMITS, OFFERED, ROOT, descendants, living, script, until

pytestmark = [pytest.mark.slow, OFFERED, pytest.mark.asyncio(loop_scope="module")]
SLEEPER = "import os, time\nos.fork()\nos.setsid() if os.fork() == 0 else None\ntime.sleep(1000)"


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=list(Isolation), ids=lambda each: each.value)
async def sandbox(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(tmp_path_factory.mktemp("folders")))
        async with Sandbox(LIMITS, isolation=request.param) as made:
            yield made
            assert await until(lambda: descendants(made.pids), lambda found: not found) == []


async def test_a_source_gets_what_it_is_given(sandbox: Sandbox) -> None:
    """Its files, its stdin, its own name; and stdout, stderr and exit status come back apart."""
    source = """
import sys, data.numbers
print(data.numbers.ONE, input(), __name__, sys.argv, len(sys.stdin.read()))
sys.exit("what went wrong")
"""
    files = {"data/numbers.py": b"ONE = 1"}
    ran = await sandbox.run(Program(run=Source(source), files=files, stdin=b"line\n" + bytes(100_000)))
    assert ran.stdout.text == "1 line __main__ ['main.py'] 100000\n"
    assert (ran.stderr.text, ran.end, ran.exit) == ("what went wrong\n", ProgramEnd.FINISHED, 1)
    assert 0 < ran.cpu_s < ran.wall_s
    assert 5 < ran.peak_mib < 100


async def test_an_error_shows_the_programs_own_lines(sandbox: Sandbox) -> None:
    """What a model, or who repairs its program, can read: no line of the worker's."""
    ran = await sandbox.run(Program(run=Source("def half(x):\n    return x / 0\n\nhalf(1)\n")))
    lines = ran.stderr.text.splitlines()
    assert (lines[0], lines[-1], ran.exit) == (
        "Traceback (most recent call last):",
        "ZeroDivisionError: division by zero",
        1,
    )
    assert [line.split(",")[1] for line in lines if line.startswith("  File")] == [" line 4", " line 2"]


async def test_any_command_runs(sandbox: Sandbox) -> None:
    """A program of the system, one of its own, and one that is not there."""
    ran = await sandbox.run(Program(run=Command(("sh", "-c", "cat; ls; exit 4")), files={"a": b""}, stdin=b"in\n"))
    assert (ran.stdout.text, ran.exit) == ("in\na\n", 4)
    ran = await sandbox.run(Program(run=Command(("./own",)), files={"own": b"#!/bin/sh\necho own\n"}))
    assert (ran.stdout.text, ran.exit) == ("own\n", 0)
    ran = await sandbox.run(Program(run=Command(("no-such-program",))))
    assert (ran.exit, "no-such-program" in ran.stderr.text) == (127, True)


async def test_what_a_model_writes_is_no_fault_of_ours(sandbox: Sandbox) -> None:
    """No Python, a NUL, half a character, its own names for our files: each is its program's end, or refused."""
    for source in ("def", "print(1)\0", "é" * 10 + "(", "raise BaseException"):
        assert (await sandbox.run(Program(run=Source(source)))).exit == 1
    ran = await sandbox.run(Program(run=Source("print(open('stdin').read())"), files={"stdin": b"x"}, stdin=b"y"))
    assert ran.stdout.text == "x\n"
    with pytest.raises(ValueError, match="surrogates"):
        await sandbox.run(Program(run=Source("'\ud800'")))


RIGHT = """
class Stack:
    def __init__(self): self.items = []
    def push(self, item): self.items.append(item)
    def top(self): return self.items[-1]
class Name(str): pass
def pair(a, b=2): return (a, [b], {"k": {1, 2}}, None, b"x", float("inf"), Name("n"))
def fails(): raise KeyError("no such key")
def own():
    class Mine(Exception): pass
    raise Mine("mine")
if __name__ == "__main__": raise SystemExit("this is no main program")
"""
CHECKS = """
import math, solution
from solution import Stack, fails, own, pair
assert pair(1) == (1, [2], {"k": {1, 2}}, None, b"x", math.inf, "n")
assert pair(1, b=[3, "é\\ud800"])[1] == [[3, "é\\ud800"]]
stack = Stack()
stack.push(3); stack.push(4)
assert stack.top() == 4 and stack.items == [3, 4]
for call, kind in ((fails, KeyError), (own, Exception), (lambda: Stack().top(), IndexError)):
    try: call()
    except kind: pass
    else: raise AssertionError(call)
try: from solution import missing
except ImportError: pass
print("all")
"""


async def test_checks_and_a_solution_talk_in_plain_data(sandbox: Sandbox) -> None:
    """Values, objects that stay where they are, errors; the checks' own output comes back."""
    checked = await sandbox.check(RIGHT, CHECKS)
    assert (checked.outcome, checked.checks.stdout.text) == (ChecksOutcome.PASSED, "all\n"), checked


AT_FAULT = [
    ("f = abs", "from solution import f\nassert f(-1) == 2", ChecksOutcome.FAILED),
    ("f = abs", "from solution import g", ChecksOutcome.FAILED),
    ("import no_such_module", "from solution import f\nassert f(1)", ChecksOutcome.FAILED),
    ("def f(x): return object()", "from solution import f\nassert f(1)", ChecksOutcome.FAILED),
    ("def f(x):\n while True: pass", "from solution import f\nf(1)", ChecksOutcome.FAILED),
    ("def f(x): return 'x' * 2**21", "from solution import f\nf(1)", ChecksOutcome.FAILED),
    ("f = abs", "from solution import f\nassert f(-1 ==", ChecksOutcome.UNDECIDED),
    ("f = abs", "try:\n from solution import *\nexcept ImportError: pass\nassert f(-1) == 1", ChecksOutcome.UNDECIDED),
    ("f = abs", "while True: pass", ChecksOutcome.UNDECIDED),
    ("f = abs", "import os; os.abort()", ChecksOutcome.UNDECIDED),
]


async def test_who_is_at_fault(sandbox: Sandbox) -> None:
    """A solution fails by what it does. Checks that cannot be run say nothing about it."""
    checked = await asyncio.gather(*(sandbox.check(solution, checks) for solution, checks, _ in AT_FAULT))
    assert [each.outcome for each in checked] == [outcome for _, _, outcome in AT_FAULT]
    star = "checks.py, line 2: `from solution import *` is not served: import the names that are called\n"
    assert star in [each.checks.stderr.text for each in checked]


async def test_programs_beside_each_other_keep_apart(sandbox: Sandbox) -> None:
    """More programs than workers: each gets its own result."""
    programs = [Program(run=Source(f"print({number})"), stdin=b"x" * number) for number in range(12)]
    ran = await asyncio.gather(*(sandbox.run(program) for program in programs))
    assert [each.stdout.text for each in ran] == [f"{number}\n" for number in range(12)]


async def test_output_up_to_the_limit_is_whole(sandbox: Sandbox) -> None:
    """One byte more, and it is cut and the program has ended by that."""
    most = 1024 * LIMITS.output_kib
    whole, more = [
        await sandbox.run(Program(run=Source(f"import os\nos.write(1, bytes({count}))"))) for count in (most, most + 1)
    ]
    assert (whole.end, len(whole.stdout.data), whole.stdout.cut) == (ProgramEnd.FINISHED, most, False)
    assert (more.end, len(more.stdout.data), more.stdout.cut) == (ProgramEnd.OUTPUT, most, True)


async def test_a_cancelled_program_ends_and_the_next_is_served(sandbox: Sandbox) -> None:
    """A run is interrupted: what it had started ends with the call."""
    asked = asyncio.ensure_future(sandbox.run(Program(run=Source(SLEEPER))))
    before = await until(lambda: descendants(sandbox.pids), lambda found: len(found) >= 4)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert living(before) == []
    assert (await sandbox.run(Program(run=Source("print(1)")))).stdout.text == "1\n"


async def test_a_killed_worker_takes_its_program_with_it(sandbox: Sandbox) -> None:
    """The kernel needs memory and takes a worker: nothing is known of its program, nothing of it stays."""
    asked = asyncio.ensure_future(sandbox.run(Program(run=Source("import time; time.sleep(1000)"))))
    before = await until(lambda: descendants(sandbox.pids), lambda found: len(found) >= 3)
    for pid in sandbox.pids:
        os.kill(pid, 9)
    with pytest.raises(SandboxError):
        await asked
    assert await until(lambda: living(before), lambda left: not left) == []
    ran = await asyncio.gather(
        *(sandbox.run(Program(run=Source("print(1)"))) for _ in range(4)), return_exceptions=True
    )
    assert not isinstance(ran[-1], BaseException)


@pytest.mark.parametrize("isolation", Isolation, ids=lambda each: each.value)
async def test_nothing_is_left_of_many_programs(
    isolation: Isolation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No process, no mount, no file: `python -m benchmarks.sandbox --programs 10000` says the same of more."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    source = "import os\nopen('kept', 'w').write('x')\nif os.fork() == 0:\n os.setsid()\n os.fork()\n while True: pass"
    mounts = _mounts()
    async with Sandbox(LIMITS, isolation=isolation) as sandbox:
        ran = await asyncio.gather(*(sandbox.run(Program(run=Source(source))) for _ in range(20)))
        assert {each.end for each in ran} == {ProgramEnd.FINISHED}
        workers = [psutil.Process(pid) for pid in sandbox.pids]
        assert await until(lambda: descendants(sandbox.pids), lambda found: not found) == []
        assert _files(tmp_path) == []
    assert living(workers) == []
    assert os.listdir(tmp_path) == []
    assert _mounts() == mounts


@pytest.mark.parametrize("isolation", Isolation, ids=lambda each: each.value)
async def test_a_program_ends_with_whoever_asked(
    isolation: Isolation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kill -9 of our own process: the worker ends its program, then itself."""
    code = f"""
import asyncio, os
from deployments.sandbox.sandbox import Sandbox
from schemas.programs import *
async def main():
    async with Sandbox(ProgramLimits(), workers=1, isolation={isolation}) as sandbox:
        print(*sandbox.pids, flush=True)
        await sandbox.run(Program(run=Source({SLEEPER!r})))
asyncio.run(main())
"""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with _started(code) as asker:
        assert asker.stdout is not None
        worker = int(asker.stdout.readline())
        below = await until(lambda: descendants((worker,)), lambda found: len(found) >= 4)
        below.append(psutil.Process(worker))
        asker.kill()
        assert await until(lambda: living(below), lambda left: not left) == []
    assert os.listdir(tmp_path) == []


async def test_a_system_that_offers_nothing_is_refused_in_one_line(tmp_path: Path) -> None:
    """In a container whose filter forbids namespaces: no program runs until somebody says that it may."""
    shut_in = tmp_path / "shut_in.py"
    shut_in.write_text(
        "import os, sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from deployments.sandbox.inside import calls, kernel\n"
        "kernel.drop_rights()\n"
        "kernel.refuse_calls(calls.CallFilter())\n"
        f"os.execv({sys.executable!r}, [{sys.executable!r}, *sys.argv[1:]])\n"
    )
    python = script(tmp_path / "python", [sys.executable, str(shut_in)])
    before = psutil.Process().children()
    with pytest.raises(
        ConfigError, match=r"^isolation: namespaces is not offered .*unshare.*isolation: process"
    ) as refused:
        async with Sandbox(LIMITS, python=python):
            pass
    assert "\n" not in str(refused.value)
    assert psutil.Process().children() == before
    async with Sandbox(LIMITS, python=python, isolation=Isolation.PROCESS) as sandbox:
        ran = await sandbox.run(Program(run=Source("print(1)")))
    assert (ran.stdout.text, ran.isolation) == ("1\n", Isolation.PROCESS)


async def test_without_namespaces_limits_and_refused_calls_still_hold() -> None:
    """`isolation: process`: no network, and an end for what never ends, forks or takes all memory."""
    limits = replace(LIMITS, wall_s=3)
    async with Sandbox(limits, isolation=Isolation.PROCESS) as sandbox:
        sources = {
            "import socket\ntry: socket.socket()\nexcept PermissionError: print('refused')": ProgramEnd.FINISHED,
            "while True: pass": ProgramEnd.CPU_TIME,
            "import time; time.sleep(100)": ProgramEnd.WALL_TIME,
            "import os, time\nfor _ in range(30): os.fork() or time.sleep(100)\ntime.sleep(100)": ProgramEnd.PROCESSES,
            "x = [bytes(10**7) for _ in range(10**9)]": ProgramEnd.FINISHED,
            "while True: print('x' * 1000)": ProgramEnd.OUTPUT,
        }
        ran = await asyncio.gather(*(sandbox.run(Program(run=Source(source))) for source in sources))
    assert [each.end for each in ran] == list(sources.values())
    assert ran[0].stdout.text == "refused\n"
    assert "MemoryError" in ran[4].stderr.text


def _started(code: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _mounts() -> str:
    return Path("/proc/self/mountinfo").read_text()


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if not path.is_dir()]
