"""Programs that try to leave their room, as root and as a user without rights: what each of them comes to.

Every attack prints what it got, so that one that no longer works is not taken for one that was held.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec.structs import replace

from deployments.sandbox.sandbox import Sandbox
from schemas.programs import ChecksOutcome, Isolation, Program, ProgramEnd, Ran, Source
from tests.deployments.sandbox.rooms import LIMITS, OFFERED, ROOT, descendants, sandbox_as, until, users

pytestmark = [pytest.mark.slow, OFFERED, pytest.mark.asyncio(loop_scope="module")]
HERE = Path(__file__).parent
KEY = "GLEANER_TEST_KEY"

PRINTED = {
    "fork_until_refused": f"BlockingIOError {LIMITS.processes - 1}\n",
    "threads_until_refused": f"RuntimeError {LIMITS.processes - 1}\n",
    "sockets": 6 * "PermissionError\n",
    "socket_pairs": "to itself\nPermissionError\nPermissionError\n",
    "proc": "/proc/self/mem False\n/proc/1/environ False\n/proc/1/mem False\n/proc/self/fd False\n/sys/kernel False\n"
    "/dev/mem False\n-1\n",
    "environment": "HOME LANG MALLOC_ARENA_MAX PATH PYTHONDONTWRITEBYTECODE PYTHONHASHSEED PYTHONUTF8 TMPDIR\n"
    "None sandbox\n",
    "pids": "[1, 2]\n",
    "ptrace": 3 * "-1 Operation not permitted\n" + "Operation not permitted\n",
    "calls": "unshare user EPERM\nclone user EPERM\nclone3 ENOSYS\nmemfd_create EPERM\nshmget EPERM\n"
    "io_uring_setup EPERM\nbpf EPERM\nkeyctl EPERM\nuserfaultfd EPERM\na later one ENOSYS\nof x32 ENOSYS\n",
    "become_root": "Invalid argument\n"
    + 2 * "Operation not permitted\n"
    + "not allowed to raise maximum limit\nOperation not permitted\nInvalid argument\n",
    "links": "Invalid cross-device link\n"
    + 3 * "Read-only file system\n"
    + "Invalid cross-device link\n"
    + 4 * "No such file or directory\n"
    + "[]\n",
    "shared_memory": "FileNotFoundError ['full', 'null', 'random', 'urandom', 'zero']\n",
    "daemon": "verdict\n",
    "memory": "Cannot allocate memory\n",
    "many_files": f"No space left on device {LIMITS.files - 3}\n",
    "traces": "ModuleNotFoundError /box False\n",
}
"""What an attack that comes to its own end has printed, and nothing else."""
ENDS = {
    "fork_bomb": (ProgramEnd.CPU_TIME, -9),
    "kill_parent": (ProgramEnd.FINISHED, 7),
    "kill_group": (ProgramEnd.KILLED, -9),
    "foreign_calls": (ProgramEnd.KILLED, -31),
    "print_for_ever": (ProgramEnd.OUTPUT, -9),
    "complain_for_ever": (ProgramEnd.OUTPUT, -9),
    "recursion": (ProgramEnd.KILLED, -11),
    "memory_shared": (ProgramEnd.MEMORY, -9),
    "memory_of_children": (ProgramEnd.MEMORY, -9),
    "core_dump": (ProgramEnd.KILLED, -6, "(1, 1)\n"),
    "open_files": (ProgramEnd.FINISHED, 9, "0\n"),
    "spin": (ProgramEnd.CPU_TIME, -9),
    "spin_in_children": (ProgramEnd.CPU_TIME, -9),
}
"""How an attack ended that does not end well, and what it printed before, if it prints."""
WAITING = ("sleep", "stop_itself", "endless_end")
"""What ends by the clock alone."""


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=users())
async def sandbox(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    folder = tmp_path_factory.mktemp("sandbox")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY, "sk-a-key-of-ours")
        async with sandbox_as(request.param, folder) as made:
            yield made
            assert await until(lambda: descendants(made.pids), lambda found: not found) == []


async def attack(sandbox: Sandbox, name: str, **given: bytes) -> Ran:
    return await sandbox.run(Program(run=Source((HERE / "attacks" / f"{name}.py").read_text()), **given))  # type: ignore[arg-type]


async def test_every_attack_is_tried() -> None:
    """A new file without an expectation would prove nothing."""
    files = {path.stem for path in (HERE / "attacks").glob("*.py")}
    assert files == {*PRINTED, *ENDS, *WAITING, "large_file", "others_memory"}


@pytest.mark.parametrize("name", PRINTED)
async def test_an_attack_gets_nothing(sandbox: Sandbox, name: str) -> None:
    """It tries everything on its list, sees each attempt refused, and comes to its own end."""
    ran = await attack(sandbox, name, stdin=str(ROOT / "pyproject.toml").encode())
    assert (ran.stdout.text, ran.stderr.text, ran.end, ran.exit) == (PRINTED[name], "", ProgramEnd.FINISHED, 0)
    assert ran.isolation is Isolation.NAMESPACES


@pytest.mark.parametrize("name", ENDS)
async def test_an_attack_is_ended(sandbox: Sandbox, name: str) -> None:
    """It takes what it can; it ends at its limit, and its end is what the kernel saw."""
    ran = await attack(sandbox, name)
    end, exit_code, *printed = ENDS[name]
    assert (ran.end, ran.exit) == (end, exit_code), ran
    assert not printed or printed == [ran.stdout.text]
    assert len(ran.stdout.data) + len(ran.stderr.data) <= 2 * 1024 * LIMITS.output_kib


@pytest.mark.parametrize("user", users())
async def test_what_never_ends_is_ended_by_the_clock(user: str, tmp_path: Path) -> None:
    """It takes no processor time, it stops itself, it stays when it ends."""
    async with sandbox_as(user, tmp_path, limits=replace(LIMITS, wall_s=0.5), workers=3) as sandbox:
        ran = await asyncio.gather(*(attack(sandbox, name) for name in WAITING))
        waits = "import time\ndef double(number):\n    time.sleep(100)"
        checked = await asyncio.gather(*(sandbox.check(waits, CHECKS) for _ in range(6)))
    assert [each.end for each in ran] == [ProgramEnd.WALL_TIME for _ in WAITING]
    assert {(each.outcome, each.solution.end) for each in checked} == {(ChecksOutcome.FAILED, ProgramEnd.WALL_TIME)}


async def test_files_take_no_more_than_their_room(sandbox: Sandbox) -> None:
    """One file ends at the limit of a file, the others at that of the folder."""
    ran = await attack(sandbox, "large_file")
    assert ran.stdout.text.splitlines()[-1] == str(LIMITS.files_mib - 1)
    assert set(ran.stdout.text.splitlines()[:-1]) == {"No space left on device"}


async def test_no_program_finds_another_in_its_memory(tmp_path: Path) -> None:
    """A program is a copy of its worker: it must not hold what it ran before, nor the checks of this solution."""
    look = (HERE / "attacks" / "others_memory.py").read_text()
    words = "print('words of the others')"
    async with sandbox_as("ours", tmp_path, limits=replace(LIMITS, cpu_s=5, wall_s=60), workers=1) as sandbox:
        before = await sandbox.run(Program(run=Source(words), files={"file": words.encode()}, stdin=words.encode()))
        assert before.succeeded
        alone = await sandbox.run(Program(run=Source(look)))
        checked = await sandbox.check(look, f"from solution import f\n{words}")
    assert (alone.stdout.text, checked.solution.stdout.text) == ("True False\n", "True False\n"), (alone, checked)


CHEATS = {path.stem: path.read_text() for path in sorted((HERE / "cheats").glob("*.py"))}
CHECKS = """
from solution import double
assert double(1), "true"
assert double(2) == 4
assert all(map(lambda number: double(number) == 2 * number, range(3, 9)))
"""


@pytest.mark.parametrize("cheat", CHEATS)
async def test_no_solution_passes_without_the_answers(sandbox: Sandbox, cheat: str) -> None:
    """It ends well, patches, plants, kills, forges, lies: the checks saw it, and say so. An outcome that is undecided
    would count as an error, and the cheat would be tried again."""
    checked = await sandbox.check(CHEATS[cheat], CHECKS)
    assert checked.outcome is ChecksOutcome.FAILED, checked


async def test_a_right_solution_passes(sandbox: Sandbox) -> None:
    """The checks that no cheat passes can be passed, and a solution that cannot be read fails them."""
    checked = await sandbox.check("def double(number):\n    return 2 * number", CHECKS)
    assert checked.outcome is ChecksOutcome.PASSED, checked
    checked = await sandbox.check("double(number) = 2 * number", CHECKS)
    assert checked.outcome is ChecksOutcome.FAILED
