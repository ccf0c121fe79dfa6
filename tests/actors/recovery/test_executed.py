"""The words of the repairs of a query: what the execution said, in bounds."""

from actors.gates.results import answered
from actors.recovery.executed import edit_query, edit_question
from schemas.programs import Isolation
from schemas.queries import Execution, ProgramModes, QueryFailed, QueryLimits, QueryOutcome
from schemas.recovery import Diagnosis
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
