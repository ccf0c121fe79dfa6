"""The words of the repairs of a query or a function: what the execution said, in bounds."""

import pytest

from actors.gates.results import answered
from actors.recovery.executed import edit_code, edit_query, edit_question, edit_tests
from schemas.code import CodeExecution, CodeFailed, CodeLimits, CodeOutcome, CodePassed
from schemas.programs import Isolation
from schemas.queries import Execution, ProgramModes, QueryFailed, QueryLimits, QueryOutcome
from schemas.recovery import Diagnosis, FailureMode
from schemas.repairs import RejectedDraft
from schemas.verdicts import Evidence, GateName, Rejected

QUERY, SECOND = "SELECT nam\nFROM town", "SELECT id FROM town"


def rejected(note: str, *executed: tuple[str, QueryOutcome]) -> RejectedDraft:
    kept = tuple(Execution(query, outcome, QueryLimits(), Isolation.NAMESPACES) for query, outcome in executed)
    said = Rejected(GateName("execution"), 0.0, 1.0, Evidence(note=note, executions=kept))
    other = Rejected(GateName("length"), 0.0, 1.0)
    return RejectedDraft("p", None, 1, 0.7, Diagnosis(ProgramModes.WRONG_NAME, 0.9), (other, said))


def test_a_failed_query_shows_its_message_and_its_line() -> None:
    failed = QueryFailed(ProgramModes.WRONG_NAME, "no such column: nam", 1)
    words = edit_query(rejected("", (QUERY, failed))).words
    assert words == "The query failed: no such column: nam (line 1: SELECT nam)."
    assert edit_query(rejected("", (QUERY, QueryFailed(ProgramModes.TIMEOUT, "too slow")))).words.endswith("too slow.")


def test_a_disagreement_shows_both_results() -> None:
    """A few rows, long ones cut, so that a huge result is no huge prompt."""
    first = answered(QUERY, ["nam"], [("Zoë" * 1_000,), ("b",), ("c",), ("d",)], [])
    second = answered(SECOND, ["id"], [(1,), (2.5,), (None,)], [])
    words = edit_question(
        rejected("it gives 4 rows, and the second query 3 rows", (QUERY, first), (SECOND, second))
    ).words
    assert words.startswith(
        "The query's result is wrong: it gives 4 rows, and the second query 3 rows.\nIt gave [\"Zoë"
    )
    assert words.endswith("Another reader of the question wrote: SELECT id FROM town\nThat gave [1], [2.5], [null].")
    assert len(words) < 1_000


def test_without_an_execution_there_is_nothing_to_tell() -> None:
    assert edit_query(rejected("")).words == ""


PROGRAM, TESTS = "def half(n):\n    return n / 2", "from solution import half\nassert half(3) == 1"


def of_code(outcome: CodeOutcome, note: str = "", *, hidden: bool = False) -> RejectedDraft:
    kept = CodeExecution(PROGRAM, TESTS, outcome, CodeLimits(), Isolation.NAMESPACES, hidden=hidden)
    said = Rejected(GateName("tests"), 0.0, 1.0, Evidence(note=note, code=kept))
    return RejectedDraft("p", None, 1, 0.7, Diagnosis(ProgramModes.TEST_FAILED, 0.9), (said,))


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (
            CodeFailed(ProgramModes.SYNTAX_ERROR, "SyntaxError: invalid syntax", "answer", 2),
            "The tests fail: SyntaxError: invalid syntax (line 2 of the code: return n / 2).",
        ),
        (
            CodeFailed(ProgramModes.TEST_FAILED, "AssertionError", "tests", 2),
            "The tests fail: AssertionError (line 2 of the tests: assert half(3) == 1).",
        ),
        (CodeFailed(ProgramModes.TEST_FAILED, "AssertionError", "tests", 9), "The tests fail: AssertionError."),
    ],
)
def test_a_function_that_fails_shows_the_line_of_its_half(outcome: CodeFailed, words: str) -> None:
    assert edit_code(of_code(outcome)).words == words


def test_weak_tests_are_told_what_they_do_not_notice() -> None:
    words = edit_tests(of_code(CodePassed(), "the tests notice 2 of 9 changes")).words
    assert words == "The tests pass, but the tests notice 2 of 9 changes."


@pytest.mark.parametrize(
    ("mode", "message", "words"),
    [
        (ProgramModes.TEST_FAILED, "AssertionError: half(3) is 1", "A hidden test fails with AssertionError."),
        (ProgramModes.RUNTIME_ERROR, "KeyError: 'secret'", "A hidden test fails with KeyError."),
        (ProgramModes.RUNTIME_ERROR, "secret: 1", "A hidden test fails."),
        (ProgramModes.RUNTIME_ERROR, "it crashed", "A hidden test fails."),
        (ProgramModes.TIMEOUT, "it did not end within its time", "With a hidden test it does not end within its time."),
    ],
)
def test_nothing_of_a_hidden_test_is_told(mode: FailureMode, message: str, words: str) -> None:
    """Neither its line nor what it gives and expects."""
    assert edit_code(of_code(CodeFailed(mode, message, "tests", 2), hidden=True)).words == words


def test_a_program_that_does_not_load_is_told_by_its_own_line() -> None:
    failed = CodeFailed(ProgramModes.WRONG_NAME, "NameError: name 'x' is not defined", "answer", 1)
    words = "The code itself fails with NameError (line 1: def half(n):)."
    assert edit_code(of_code(failed, hidden=True)).words == words
