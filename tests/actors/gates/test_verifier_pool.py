"""Hostile expressions in real processes: each ends within its limit, and whoever comes beside it is served."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from actors.gates.verifier import AnswerPair, Compared, Exhausted, VerifierGate, WorkerLimits
from actors.gates.verifier_pool import VerifierPool
from schemas.config_gates import Verifier
from schemas.errors import ErrorKind, JudgeError
from schemas.verdicts import Passed
from tests.doubles.passages import solution_before_gate

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
LIMIT_S = 1.0
LOADING_S = 4.0
"""More processor time than a process needs to load the library and compare a few pairs."""
ENDLESS = ["9^{9^{9^{9}}}", "999999999!", r"\binom{10^{12}}{5 \cdot 10^{11}}", r"2^{10^{11}} - 1"]
"""Towers, factorials and binomials that no machine finishes, or none with this much memory."""
DEEP = ["(" * 480 + "x" + ")" * 480, r"\frac{1}{" * 100 + "x" + "}" * 100, "{" * 499 + "x" + "}" * 499]
TOWER = "9**9**9**9"
"""Not LaTeX as it stands: the library reads no tower in it, so that it ends at once."""
GOOD = AnswerPair("x^2-1", "(x-1)(x+1)")


@pytest.fixture(scope="module")
def pool() -> Iterator[VerifierPool]:
    made = VerifierPool(WorkerLimits(timeout_s=LIMIT_S, memory_mib=1024), processes=2)
    yield made
    made.close()


async def test_an_endless_expression_ends_within_its_limit_and_the_next_is_served() -> None:
    """The process is ended; the one that takes its place answers as before. Time is the processes' own."""
    pool = VerifierPool(WorkerLimits(timeout_s=LIMIT_S, memory_mib=1024), processes=1)
    assert await pool.compare(GOOD) == Compared(True)
    for expression in ENDLESS:
        before = _spent_s(pool)
        assert isinstance(await pool.compare(AnswerPair("42", expression)), Exhausted), expression
        assert await pool.compare(GOOD) == Compared(True)
        assert _spent_s(pool) - before < LIMIT_S + LOADING_S, expression
    pool.close()


async def test_a_deep_expression_is_not_equal_and_costs_no_more_than_the_limit() -> None:
    """Nested beyond reason, or a tower that is none as it is read: an answer like any other, or the limit."""
    pool = VerifierPool(WorkerLimits(timeout_s=LIMIT_S, memory_mib=1024), processes=1)
    assert await pool.compare(GOOD) == Compared(True)
    for expression in [*DEEP, TOWER]:
        before = _spent_s(pool)
        assert await pool.compare(AnswerPair("42", expression)) != Compared(True), expression
        assert await pool.compare(GOOD) == Compared(True)
        assert _spent_s(pool) - before < LIMIT_S + LOADING_S, expression
    pool.close()


def _spent_s(pool: VerifierPool) -> float:
    """Processor time of the pool's processes, and of all others of this one that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    living = [psutil.Process(pid).cpu_times() for pid in pool.pids]
    return ended.ru_utime + ended.ru_stime + sum(each.user + each.system for each in living)


async def test_good_pairs_beside_hostile_ones_are_all_answered_rightly(pool: VerifierPool) -> None:
    """Four endless expressions among sixty pairs, two processes: the others are right, also on a busy machine."""
    hostile = [pool.compare(AnswerPair("7", expression)) for expression in ENDLESS]
    good = [pool.compare(AnswerPair("x^2-1", f"(x-1)(x+1)+{extra}")) for extra in (0, 1) * 28]
    replies = await asyncio.gather(*hostile, *good)
    assert all(isinstance(reply, Exhausted) for reply in replies[:4])
    assert list(replies[4:]) == [Compared(extra == 0) for extra in (0, 1) * 28]


async def test_a_process_that_gets_no_processor_is_an_error_that_may_pass() -> None:
    """Stopped from outside: nothing is known of the pair, it may be asked again, and a new process serves it."""
    pool = VerifierPool(WorkerLimits(timeout_s=0.5, memory_mib=1024), processes=1)
    await pool.compare(AnswerPair("x+1", "1+x+0"))
    for pid in pool.pids:
        os.kill(pid, signal.SIGSTOP)
    with pytest.raises(JudgeError, match="got no answer in 10 s") as raised:
        await pool.compare(GOOD)
    assert raised.value.kind is ErrorKind.RETRYABLE
    assert await pool.compare(AnswerPair("x+1", "1+x+0")) == Compared(True)
    pool.close()


async def test_plain_numbers_do_not_wait_for_hostile_expressions(pool: VerifierPool) -> None:
    """Both processes are busy with endless expressions: what reading can decide is decided before they end."""
    gate = VerifierGate(Verifier(), pool)
    await asyncio.gather(pool.compare(GOOD), pool.compare(GOOD))
    hostile = [asyncio.ensure_future(pool.compare(AnswerPair("7", expression))) for expression in ENDLESS[:2]]
    await asyncio.sleep(0.05)
    for number in range(200):
        verdict = await gate.check(solution_before_gate(f"#### {number:,}.0", reference=f"#### {number}"))
        assert isinstance(verdict, Passed)
    assert not any(asked.done() for asked in hostile)
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


@pytest.mark.parametrize("expression", ["x+0", ENDLESS[0]], ids=["idle", "busy"])
def test_a_process_ends_with_its_parent(expression: str) -> None:
    """kill -9 of whoever asks: an idle process ends at once, a busy one when its processor time is spent."""
    code = (
        "import os, sys, threading, time\n"
        "from actors.gates.verifier import AnswerPair, WorkerLimits\n"
        "from actors.gates.verifier_pool import Worker\n"
        "worker = Worker(WorkerLimits(timeout_s=1, memory_mib=1024))\n"
        "worker.compare(AnswerPair('x', 'x+0+0'))\n"
        "threading.Thread(target=worker.compare, args=(AnswerPair('x', sys.argv[1]),)).start()\n"
        "time.sleep(0.3)\n"
        "print(worker.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code, expression], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    pid = int(ran.stdout)
    for _ in range(1_200):
        if not _alive(pid):
            return
        time.sleep(0.05)
    pytest.fail(f"process {pid} outlived its parent by a minute")


def _alive(pid: int) -> bool:
    """Whether it runs; one that has ended and that nobody has waited for does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
