"""Tests against a function in a real sandbox: which half is at fault, in which mode, on which line."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from actors.gates.code import CodeRun
from deployments.sandbox.code import KEPT_OUTPUT, SandboxedTests
from deployments.sandbox.late import SandboxPlace
from schemas.code import CodeFailed, CodeLimits, CodePassed
from schemas.errors import ErrorKind, JudgeError
from schemas.queries import ProgramModes
from tests.deployments.sandbox.rooms import OFFERED

pytestmark = [OFFERED, pytest.mark.asyncio(loop_scope="module")]
HALF = "def half(number):\n    return number / 2\n"
USED = "from solution import half\n\nassert half(4) == 2\n"
M = ProgramModes


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def runner() -> AsyncIterator[SandboxedTests]:
    made = SandboxedTests(CodeLimits(cpu_s=0.3, memory_mib=96), SandboxPlace(workers=1))
    await made.start()
    yield made
    await made.close()


async def test_tests_that_pass(runner: SandboxedTests) -> None:
    assert await runner.check(HALF, USED) == CodeRun(CodePassed())


@pytest.mark.parametrize(
    ("program", "tests", "failed"),
    [
        (HALF.replace("):", ")"), USED, CodeFailed(M.SYNTAX_ERROR, "SyntaxError: expected ':'", "answer", 1)),
        ("return 2", USED, CodeFailed(M.SYNTAX_ERROR, "SyntaxError: 'return' outside function", "answer", 1)),
        (
            f"import numpy\n{HALF}",
            USED,
            CodeFailed(M.WRONG_NAME, "ModuleNotFoundError: No module named 'numpy'", "answer", 1),
        ),
        (f"{HALF}\n1 / 0", USED, CodeFailed(M.RUNTIME_ERROR, "ZeroDivisionError: division by zero", "answer", 4)),
        ("raise SystemExit(4)", USED, CodeFailed(M.RUNTIME_ERROR, "it ended before it gave an answer", "tests", 1)),
        (
            HALF.replace("number / 2", "numbr / 2"),
            USED,
            CodeFailed(M.WRONG_NAME, "NameError: name 'numbr' is not defined", "tests", 3),
        ),
        (
            HALF.replace("half", "third"),
            USED,
            CodeFailed(M.WRONG_NAME, "ImportError: cannot import name 'half' from 'solution'", "tests", 1),
        ),
        (
            HALF,
            "import solution\nassert solution.third(3) == 1",
            CodeFailed(M.WRONG_NAME, "AttributeError: module 'solution' has no attribute 'third'", "tests", 2),
        ),
        (HALF, USED.replace("2", "3"), CodeFailed(M.TEST_FAILED, "AssertionError", "tests", 3)),
        (
            HALF,
            f"{USED}assert half(2)[0]",
            CodeFailed(M.TEST_FAILED, "TypeError: 'float' object is not subscriptable", "tests", 4),
        ),
        (
            HALF,
            USED.replace("4", "'4'"),
            CodeFailed(M.RUNTIME_ERROR, "TypeError: unsupported operand type(s) for /: 'str' and 'int'", "tests", 3),
        ),
        (
            f"class Odd(Exception): pass\n{HALF.replace('return', 'raise Odd(number) #')}",
            USED,
            CodeFailed(M.RUNTIME_ERROR, "Odd: 4", "tests", 3),
        ),
        (
            HALF.replace("return", "return object() #"),
            USED,
            CodeFailed(M.RUNTIME_ERROR, "it returns what is no plain value", "tests", 3),
        ),
        (
            HALF.replace("return", "import os; os._exit(0) #"),
            USED,
            CodeFailed(M.RUNTIME_ERROR, "it ended before it gave an answer", "tests", 3),
        ),
        (
            HALF.replace("return", "while True: pass\n    return"),
            USED,
            CodeFailed(M.TIMEOUT, "it did not end within its time", "tests", 3),
        ),
        (
            HALF.replace("return", "while True: print('x' * 1000)\n    return"),
            USED,
            CodeFailed(M.RUNTIME_ERROR, "it wrote more than it may", "tests", 3),
        ),
        (HALF, USED.replace("assert", "asert"), CodeFailed(M.TESTS_BROKEN, "SyntaxError: invalid syntax", "tests", 3)),
        (
            HALF,
            USED.replace("half\n", "*\n"),
            CodeFailed(
                M.TESTS_BROKEN,
                "checks.py, line 1: `from solution import *` is not served: import the names that are called",
                "tests",
            ),
        ),
        (HALF, f"{USED}helper(2)", CodeFailed(M.TESTS_BROKEN, "NameError: name 'helper' is not defined", "tests", 4)),
        (
            HALF,
            f"{USED}import pytest",
            CodeFailed(M.TESTS_BROKEN, "ModuleNotFoundError: No module named 'pytest'", "tests", 4),
        ),
        (
            HALF,
            f"{USED}half(lambda: 2)",
            CodeFailed(M.TESTS_BROKEN, "no function can be given this: function is no plain value", "tests", 4),
        ),
        (HALF, f"{USED}raise SystemExit(3)", CodeFailed(M.TESTS_BROKEN, "the tests end by themselves", "tests")),
        (
            HALF,
            f"{USED}raise SystemExit(5)",
            CodeFailed(M.TESTS_BROKEN, "the tests end by themselves, with exit 5", "tests"),
        ),
    ],
)
async def test_which_half_fails_and_why(runner: SandboxedTests, program: str, tests: str, failed: CodeFailed) -> None:
    assert (await runner.check(program, tests)).outcome == failed


async def test_tests_without_an_end_say_nothing_of_the_function(runner: SandboxedTests) -> None:
    """A function can bring it about too, with an answer that takes long to read: it is no rejection."""
    with pytest.raises(JudgeError, match="nothing is known of the program: its tests ended by cpu_time") as raised:
        await runner.check(HALF, f"{USED}while True: pass")
    assert raised.value.kind is ErrorKind.PERMANENT


async def test_what_both_wrote_is_kept_without_our_own_frames(runner: SandboxedTests) -> None:
    """The end of it, and no path of this machine."""
    ran = await runner.check(f"print('here')\n{HALF}", USED.replace("4", "'4'"))
    assert ran.output.startswith('here\nTraceback (most recent call last):\n  File "/box/checks.py", line 3')
    assert ran.output.endswith("'str' and 'int'") and "served" not in ran.output
    ran = await runner.check("1 / 0", USED)
    assert ran.output.endswith("ZeroDivisionError: division by zero") and "checks.py" not in ran.output
    ran = await runner.check(HALF, f"{USED}print('x' * 5000)")
    assert len(ran.output) == KEPT_OUTPUT
