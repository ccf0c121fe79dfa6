"""Hostile expressions in real processes: each ends within its limit, and whoever comes beside it is served."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.gates.verifier import AnswerPair, Compared, Exhausted, VerifierGate, WorkerLimits
from actors.gates.verifier_pool import VerifierPool
from schemas.config import Verifier
from schemas.errors import ErrorKind, JudgeError
from schemas.verdicts import Passed
from tests.doubles.passages import solution_before_gate

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
LIMIT_S = 2.0
SLACK_S = 3.0
"""What a busy machine may add to a limit before a test calls it broken."""
ENDLESS = ["9^{9^{9^{9}}}", "999999999!", r"\sum_{n=1}^{10^{12}} \sin(n^2)", r"2^{10^{11}} - 1"]
"""Towers, factorials and sums that no machine finishes, or none with this much memory."""
DEEP = ["(" * 480 + "x" + ")" * 480, r"\frac{1}{" * 100 + "x" + "}" * 100, "{" * 499 + "x" + "}" * 499]
TOWER = "9**9**9**9"
"""Not LaTeX as it stands: the library reads no tower in it, so that it ends at once."""
GOOD = AnswerPair("x^2-1", "(x-1)(x+1)")


@pytest.fixture(scope="module")
def pool() -> Iterator[VerifierPool]:
    made = VerifierPool(WorkerLimits(timeout_s=LIMIT_S, memory_mib=1024), processes=2)
    yield made
    made.close()


@pytest.mark.parametrize("expression", [*ENDLESS, *DEEP, TOWER], ids=lambda text: text[:24])
async def test_a_hostile_expression_ends_within_its_limit_and_the_next_is_served(
    pool: VerifierPool, expression: str
) -> None:
    """Killed where it must be; the process that takes its place answers as before."""
    assert await pool.compare(GOOD) == Compared(True)
    began = time.monotonic()
    reply = await pool.compare(AnswerPair("42", expression))
    assert time.monotonic() - began < LIMIT_S + SLACK_S
    assert isinstance(reply, Exhausted) if expression in ENDLESS else reply != Compared(True)
    assert await pool.compare(GOOD) == Compared(True)


async def test_good_pairs_beside_hostile_ones_are_all_answered_rightly(pool: VerifierPool) -> None:
    """Four endless expressions among sixty pairs, two processes: the others are right, and wait for two limits at
    most."""
    began = time.monotonic()
    hostile = [pool.compare(AnswerPair("7", expression)) for expression in ENDLESS]
    good = [pool.compare(AnswerPair("x^2-1", f"(x-1)(x+1)+{extra}")) for extra in (0, 1) * 28]
    replies = await asyncio.gather(*hostile, *good)
    assert all(isinstance(reply, Exhausted) for reply in replies[:4])
    assert list(replies[4:]) == [Compared(extra == 0) for extra in (0, 1) * 28]
    assert time.monotonic() - began < 2 * LIMIT_S + 5 * SLACK_S  # loading the library again, and the pairs themselves


async def test_plain_numbers_do_not_wait_for_hostile_expressions(pool: VerifierPool) -> None:
    """Both processes are busy with towers of powers: what reading can decide is decided at once."""
    gate = VerifierGate(Verifier(), pool)
    await asyncio.gather(pool.compare(GOOD), pool.compare(GOOD))
    hostile = [asyncio.ensure_future(pool.compare(AnswerPair("7", expression))) for expression in ENDLESS[:2]]
    await asyncio.sleep(0.05)
    began = time.monotonic()
    for number in range(200):
        verdict = await gate.check(solution_before_gate(f"#### {number:,}.0", reference=f"#### {number}"))
        assert isinstance(verdict, Passed)
    assert time.monotonic() - began < LIMIT_S / 2
    assert all(isinstance(reply, Exhausted) for reply in await asyncio.gather(*hostile))


async def test_a_process_killed_from_outside_is_an_error_that_may_pass_and_is_replaced(pool: VerifierPool) -> None:
    """The kernel needs memory and takes a verifier: the pair may be asked again, nothing is called wrong."""
    await pool.compare(GOOD)
    for pid in pool.pids:
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(JudgeError, match="ended by itself") as raised:
        await pool.compare(GOOD)
    assert raised.value.kind is ErrorKind.RETRYABLE
    assert await pool.compare(GOOD) == Compared(True)


def test_a_process_has_no_more_memory_than_it_may_have(pool: VerifierPool) -> None:
    """The kernel holds each process to its address space: an expression cannot take the machine's memory."""
    asyncio.run(pool.compare(GOOD))
    for pid in pool.pids:
        limits = Path(f"/proc/{pid}/limits").read_text()
        line = next(line for line in limits.splitlines() if line.startswith("Max address space"))
        assert line.split()[3] == str(1024 * 1024 * 1024)


async def test_closing_ends_every_process() -> None:
    """A run's end leaves no process behind, also not one in the middle of an expression."""
    pool = VerifierPool(WorkerLimits(timeout_s=60, memory_mib=1024), processes=1)
    await pool.compare(GOOD)
    asked = asyncio.ensure_future(pool.compare(AnswerPair("7", ENDLESS[0])))
    await asyncio.sleep(0.2)
    (pid,) = pool.pids
    pool.close()
    with pytest.raises(JudgeError):
        await asked
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_process_ends_with_its_parent() -> None:
    """kill -9 of whoever asks: the pipe closes, and a process that waits for the next pair ends by itself."""
    code = (
        "import asyncio, os\n"
        "from actors.gates.verifier import AnswerPair, WorkerLimits\n"
        "from actors.gates.verifier_pool import VerifierPool\n"
        "pool = VerifierPool(WorkerLimits(timeout_s=9, memory_mib=1024), processes=1)\n"
        "asyncio.run(pool.compare(AnswerPair('x', 'x+0')))\n"
        "print(pool.pids[0], flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False, cwd=ROOT)
    pid = int(ran.stdout)
    for _ in range(200):
        if not _alive(pid):
            return
        time.sleep(0.05)
    pytest.fail(f"process {pid} outlived its parent by ten seconds")


def _alive(pid: int) -> bool:
    """Whether it runs; one that has ended and that nobody has waited for does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
