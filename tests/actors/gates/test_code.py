"""The gate of functions with tests, with a runner of this process: what is rejected in which mode, and what is no
verdict."""

import pytest

from actors.gates.code import CodeGate, CodeRun, cases_in
from schemas.code import CodeFailed, CodeHalf, CodePassed, Mutant
from schemas.config_computed import CodeTests
from schemas.corpus import Passage
from schemas.errors import ErrorKind, JudgeError
from schemas.queries import ProgramModes
from schemas.recovery import FailureMode
from schemas.samples import Draft
from schemas.verdicts import GateName, GateRequest, Passed, Rejected, Verdict
from tests.doubles.passages import passage_of

PROGRAM = "def clamp(value, low, high):\n    if value < low:\n        return low\n    return min(value, high)\n"
TESTS = (
    "from solution import clamp\nassert clamp(1, 2, 3) == 2\nassert clamp(4, 2, 3) == 3\nassert clamp(2, 1, 3) == 2\n"
)
QUESTION = "Write clamp(value, low, high): the value, but at least low and at most high."
DRAFT = Draft({"question": QUESTION, "answer": PROGRAM, "tests": TESTS})
CONFIG = CodeTests()
BOUNDARY = "if (value <= low):"


class Runner:
    """Passes the program itself, and what `passes` says of mutants."""

    def __init__(
        self, first: CodeRun | JudgeError | None = None, passes: str = "nothing", raises: str = "nothing"
    ) -> None:
        self._first, self._passes, self._raises = first or CodeRun(CodePassed()), passes, raises
        self.checked: list[tuple[str, str]] = []

    async def start(self) -> None:
        """Nothing to start."""

    async def close(self) -> None:
        """Nothing to end."""

    async def check(self, program: str, tests: str) -> CodeRun:
        self.checked.append((program, tests))
        if len(self.checked) == 1:
            if isinstance(self._first, JudgeError):
                raise self._first
            return self._first
        if self._raises in program:
            raise JudgeError(ErrorKind.PERMANENT, "the tests reached a limit")
        passes = self._passes == "all" or self._passes in program
        return CodeRun(CodePassed() if passes else CodeFailed(ProgramModes.TEST_FAILED, "AssertionError"))


async def judged(
    runner: Runner, draft: Draft = DRAFT, *, config: CodeTests = CONFIG, hidden: str | None = None
) -> Verdict:
    passage = passage_of(QUESTION)
    passage = passage if hidden is None else Passage.of(passage.text, passage.provenance, hidden)
    return await CodeGate(GateName("tests"), config, runner).check(GateRequest("order:1", passage, draft))


async def test_tests_that_notice_every_change_pass() -> None:
    """The verdict carries all that was executed, so that it can be executed again."""
    runner = Runner()
    said = await judged(runner)
    assert isinstance(said, Passed) and said.evidence.code is not None
    code = said.evidence.code
    assert (code.program, code.tests, code.outcome, code.survived) == (PROGRAM, TESTS, CodePassed(), ())
    assert {mutant.of(PROGRAM) for mutant in code.killed} == {program for program, _ in runner.checked[1:]}
    assert len(code.killed) == 10 and {tests for _, tests in runner.checked} == {TESTS}
    assert said.evidence.note == "the tests notice 10 of 10 changes of the function"


async def test_tests_that_miss_too_much_are_too_weak() -> None:
    """They are told a change that they do not notice, by its line. One of ten is allowed with 0.9, none with 0.95."""
    said = await judged(Runner(passes=BOUNDARY), config=CodeTests(killed=0.9))
    assert isinstance(said, Passed) and said.evidence.code is not None
    assert said.evidence.code.survived == (
        Mutant(PROGRAM.index("value <"), PROGRAM.index("low:") + 3, "(value <= low)"),
    )
    said = await judged(Runner(passes=BOUNDARY), config=CodeTests(killed=0.95))
    assert isinstance(said, Rejected) and said.mode == ProgramModes.TESTS_TOO_WEAK
    assert said.evidence.note == (
        "the tests notice 9 of 10 changes of the function, at least 95% are needed; "
        "they pass as well with line 2 changed from `if value < low:` to `if (value <= low):`"
    )


async def test_a_mutant_with_which_the_tests_find_no_end_is_told_apart() -> None:
    """With the function itself they do end."""
    assert isinstance(await judged(Runner(raises=BOUNDARY), config=CodeTests(killed=1.0)), Passed)


async def test_a_machine_that_fails_in_between_is_an_error_of_its_own_kind() -> None:
    """So that it is asked again, and nothing is left running."""

    class Away(Runner):
        async def check(self, program: str, tests: str) -> CodeRun:
            if BOUNDARY in program:
                raise JudgeError(ErrorKind.RETRYABLE, "no program can be executed here")
            return await super().check(program, tests)

    with pytest.raises(JudgeError, match="no program can be executed here"):
        await judged(Away())


@pytest.mark.parametrize("mode", [ProgramModes.SYNTAX_ERROR, ProgramModes.TEST_FAILED, ProgramModes.TESTS_BROKEN])
async def test_a_failure_has_the_mode_that_the_run_says(mode: FailureMode) -> None:
    """And costs no mutants."""
    failed = CodeFailed(mode, "it says so", "tests", 2)
    runner = Runner(CodeRun(failed, "output"))
    said = await judged(runner)
    assert isinstance(said, Rejected) and said.evidence.code is not None
    assert (said.mode, said.evidence.note, said.evidence.code.output) == (mode, "it says so", "output")
    assert len(runner.checked) == 1


@pytest.mark.parametrize(
    ("field", "half", "mode"),
    [("answer", "answer", ProgramModes.RUNTIME_ERROR), ("tests", "tests", ProgramModes.TESTS_BROKEN)],
)
async def test_what_could_not_be_judged_again_is_refused(field: str, half: CodeHalf, mode: FailureMode) -> None:
    """Before it is executed. A problem's own tests may do as they like."""
    runner, draft = Runner(), Draft({**DRAFT.fields, field: f"import random\n{DRAFT.fields[field]}"})
    said = await judged(runner, draft)
    assert isinstance(said, Rejected) and said.mode == mode and runner.checked == []
    message = "random is refused: what is executed must give the same each time"
    assert said.evidence.code is not None and said.evidence.code.outcome == CodeFailed(mode, message, half, 1)
    assert isinstance(await judged(Runner(), draft, hidden="import random"), Passed)


@pytest.mark.parametrize(
    ("question", "mode"), [(QUESTION, ProgramModes.WRONG_NAME), ("Write limit().", ProgramModes.TESTS_BROKEN)]
)
async def test_who_names_the_function_wrongly_is_told_by_the_question(question: str, mode: str) -> None:
    absent = CodeFailed(ProgramModes.WRONG_NAME, "ImportError: cannot import name 'clamp' from 'solution'", "tests", 1)
    said = await judged(Runner(CodeRun(absent)), Draft({**DRAFT.fields, "question": question}))
    assert isinstance(said, Rejected) and said.mode == mode


async def test_too_few_cases_are_too_weak() -> None:
    runner = Runner()
    said = await judged(runner, config=CodeTests(cases=4))
    assert isinstance(said, Rejected) and said.mode == ProgramModes.TESTS_TOO_WEAK
    assert said.evidence.note == "the tests have 3 cases, at least 4 are needed" and len(runner.checked) == 1


async def test_a_function_of_few_mutants_is_told_so() -> None:
    """Nothing could be said of its tests."""
    said = await judged(Runner(), Draft({**DRAFT.fields, "answer": "def clamp(value):\n    return value\n"}))
    assert isinstance(said, Rejected) and said.mode == ProgramModes.TOO_SIMPLE
    assert said.evidence.note.startswith("the function does too little: 1 small change can be made in it, at least 5")


async def test_the_tests_of_a_problem_judge_the_answer_alone() -> None:
    """Whatever tests the sample has; and no mutant is made."""
    runner = Runner()
    said = await judged(runner, hidden="assert True")
    assert isinstance(said, Passed) and said.evidence.code is not None and said.evidence.code.hidden
    assert runner.checked == [(PROGRAM, "assert True")]
    absent = CodeFailed(ProgramModes.WRONG_NAME, "ImportError: cannot import name 'other' from 'solution'", "tests", 1)
    said = await judged(Runner(CodeRun(absent)), hidden="assert True")
    assert isinstance(said, Rejected) and said.mode == ProgramModes.WRONG_NAME


async def test_what_says_nothing_of_the_sample_is_an_error() -> None:
    broken = CodeRun(CodeFailed(ProgramModes.TESTS_BROKEN, "SyntaxError: invalid syntax", "tests", 1))
    with pytest.raises(JudgeError, match="the problem's own tests cannot be run: SyntaxError"):
        await judged(Runner(broken), hidden="assert")
    with pytest.raises(JudgeError, match="nothing is known"):
        await judged(Runner(JudgeError(ErrorKind.PERMANENT, "nothing is known")))
    with pytest.raises(JudgeError, match="the sample has no field 'tests'"):
        await judged(Runner(), Draft({"question": QUESTION, "answer": PROGRAM}))


@pytest.mark.parametrize(
    ("tests", "cases"),
    [
        (TESTS, 3),
        ("", 0),
        ("assert (", 0),
        ("for a, b in [(1, 2), (3, 4)]:\n    assert f(a) == b\n    assert f(b)\n", 4),
        ("for a in range(9):\n    assert f(a)\n", 1),
        ("def test():\n    try:\n        f(0)\n    except ValueError:\n        pass\n    assert f(1)\ntest()\n", 1),
    ],
)
def test_cases_are_counted_as_they_are_written(tests: str, cases: int) -> None:
    assert cases_in(tests) == cases
