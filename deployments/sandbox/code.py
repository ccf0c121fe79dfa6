"""Executes tests that a model or a problem brings against a function that a model wrote.

Law: an outcome follows from program, tests and limits alone. Which half is at fault is read from what both wrote to
stderr; where that does not say it, nothing is known and it is raised.
"""

from actors.gates.code import CodeRun
from actors.text.tracebacks import TracedError, raised_in
from deployments.sandbox.inside.served import BROKEN
from deployments.sandbox.late import LateSandbox, SandboxPlace
from schemas.code import CodeFailed, CodeLimits, CodeOutcome, CodePassed
from schemas.errors import ConfigError, ErrorKind, JudgeError, SandboxError
from schemas.programs import CheckedSolution, ChecksOutcome, ProgramEnd, ProgramLimits, Ran
from schemas.queries import ProgramModes
from schemas.recovery import FailureMode

OUTPUT_KIB = 64
KEPT_OUTPUT = 1_000
"""Characters of the end of what was written."""
LONGEST_MESSAGE = 300
_WAITS, _BUSY_S = 10, 10.0
"""Seconds by the clock for one of processor time, and in any case: a busy machine makes no program slow."""
_ENDS = {
    ProgramEnd.MEMORY: "it took more memory than it may",
    ProgramEnd.PROCESSES: "it started more processes than it may",
    ProgramEnd.OUTPUT: "it wrote more than it may",
    ProgramEnd.KILLED: "it crashed",
}
_ENDED = "SolutionEnded"
"""What tests raise that call a program which has ended."""
_NO_NAME = ("NameError", "UnboundLocalError", "ImportError", "ModuleNotFoundError")
_NO_SYNTAX = ("SyntaxError", "IndentationError", "TabError")
_OF_A_VALUE = ("TypeError", "ValueError", "AttributeError", "LookupError", "IndexError", "KeyError", "ArithmeticError",
               "ZeroDivisionError", "OverflowError")  # fmt: skip
"""What tests raise that read a result of another form than they expect."""


class SandboxedTests(LateSandbox):
    """`actors.gates.code.CodeRunner`."""

    def __init__(self, limits: CodeLimits, place: SandboxPlace) -> None:
        wall_s = _WAITS * limits.cpu_s + _BUSY_S
        super().__init__(
            ProgramLimits(cpu_s=limits.cpu_s, wall_s=wall_s, memory_mib=limits.memory_mib, output_kib=OUTPUT_KIB), place
        )

    async def check(self, program: str, tests: str) -> CodeRun:
        """What becomes of both. Raises JudgeError: when the tests reach a limit of their own (permanent), and when
        neither is at fault."""
        try:
            checked = await (await self.start()).check(program, tests)
        except (SandboxError, ConfigError) as error:
            raise JudgeError(ErrorKind.RETRYABLE, f"no program can be executed here: {error}") from error
        return CodeRun(outcome_of(checked), _output(checked))


def outcome_of(checked: CheckedSolution) -> CodeOutcome:
    """The outcome of tests. Raises JudgeError where nothing is known of either half."""
    solution, tests = checked.solution, checked.checks
    if checked.outcome is ChecksOutcome.PASSED:
        return CodePassed()
    if checked.outcome is ChecksOutcome.UNDECIDED:
        return _undecided(tests)
    if solution.end in (ProgramEnd.CPU_TIME, ProgramEnd.WALL_TIME):
        return _of_tests(ProgramModes.TIMEOUT, "it did not end within its time", raised_in(tests.stderr.text))
    if solution.end in _ENDS:
        return _of_tests(ProgramModes.RUNTIME_ERROR, _ENDS[solution.end], raised_in(tests.stderr.text))
    own, raised = _own_error(checked), raised_in(tests.stderr.text)
    if own is not None:
        return _of_program(own)
    if raised is None:
        return CodeFailed(ProgramModes.TESTS_BROKEN, f"the tests end by themselves, with exit {tests.exit}", "tests")
    if any(frame.file == "served.py" for frame in raised.frames):
        return _raised_by_program(raised)
    return _raised_by_tests(raised)


def _undecided(tests: Ran) -> CodeFailed:
    """Tests that do not compile, or import what cannot be served."""
    if tests.end is ProgramEnd.FINISHED and tests.exit == BROKEN:
        raised = raised_in(tests.stderr.text)
        said = tests.stderr.text.strip()[:LONGEST_MESSAGE] or "the tests end by themselves"
        return _of_tests(ProgramModes.TESTS_BROKEN, said if raised is None else _said(raised), raised)
    kind = ErrorKind.RETRYABLE if tests.end is ProgramEnd.WALL_TIME else ErrorKind.PERMANENT
    raise JudgeError(kind, f"nothing is known of the program: its tests ended by {tests.end.value}")


def _own_error(checked: CheckedSolution) -> TracedError | None:
    """The error with which the program itself ended, mostly before anything was called. Where the tests notice that
    first, it is stopped before its exit status is known, and what it wrote is there all the same."""
    solution, raised = checked.solution, raised_in(checked.checks.stderr.text)
    has_ended = solution.end is ProgramEnd.FINISHED and solution.exit != 0
    if has_ended or (raised is not None and raised.error == _ENDED):
        return raised_in(solution.stderr.text)
    return None


def _of_program(error: TracedError) -> CodeFailed:
    mode = ProgramModes.RUNTIME_ERROR
    if error.error in _NO_SYNTAX:
        mode = ProgramModes.SYNTAX_ERROR
    elif error.error in _NO_NAME:
        mode = ProgramModes.WRONG_NAME
    return CodeFailed(mode, _said(error), "answer", error.line_in("solution.py"))


def _raised_by_program(raised: TracedError) -> CodeFailed:
    """What a call gave back, or that nothing can be given to it. The line is that of the tests: its own is not told."""
    where = raised.frames[-1].function
    if where == "plain":
        return _of_tests(ProgramModes.TESTS_BROKEN, f"no function can be given this: {raised.said}", raised)
    if raised.error == _ENDED:
        return _of_tests(ProgramModes.RUNTIME_ERROR, "it ended before it gave an answer", raised)
    if where != "__call__" and raised.error == "TypeError":
        return _of_tests(ProgramModes.RUNTIME_ERROR, "it returns what is no plain value", raised)
    is_absent = raised.error == "AttributeError" and raised.said.startswith("module 'solution' has no attribute")
    mode = ProgramModes.WRONG_NAME if raised.error in _NO_NAME or is_absent else ProgramModes.RUNTIME_ERROR
    return _of_tests(mode, _said(raised), raised)


def _raised_by_tests(raised: TracedError) -> CodeFailed:
    mode = ProgramModes.TESTS_BROKEN
    if raised.error == "ImportError" and "'solution'" in raised.said:
        mode = ProgramModes.WRONG_NAME
    elif raised.error == "AssertionError" or raised.error in _OF_A_VALUE:
        mode = ProgramModes.TEST_FAILED
    return _of_tests(mode, _said(raised), raised)


def _of_tests(mode: FailureMode, message: str, raised: TracedError | None) -> CodeFailed:
    line = None if raised is None else raised.line_in("checks.py")
    return CodeFailed(mode, message, "tests", line)


def _said(raised: TracedError) -> str:
    """Its message; of an error class of the program's own, the class's."""
    message = raised.said if raised.error == "SolutionRaised" else raised.message
    return message.removesuffix(" (unknown location)")[:LONGEST_MESSAGE]


def _output(checked: CheckedSolution) -> str:
    """What both wrote, without the frames that are ours; of a program that ended with an error, what it wrote."""
    wrote = (checked.solution, checked.checks) if _own_error(checked) is None else (checked.solution,)
    said = "".join(each.text for ran in wrote for each in (ran.stdout, ran.stderr))
    lines = [line for line in said.split("\n") if "/served.py" not in line]
    return "\n".join(lines).strip()[-KEPT_OUTPUT:]
