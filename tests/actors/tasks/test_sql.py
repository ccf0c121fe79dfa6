"""Questions and queries: what is read of a completion, and what a repair may change."""

import pytest
from msgspec.structs import replace

from actors.tasks.sql import SHAPES, SqlTask
from schemas.config_tasks import Sql
from schemas.orders import Lease
from schemas.recovery import Repair, RepairKind, Repairs
from schemas.samples import Draft, FinishReason, Malformed, MalformedReason, answered
from tests.doubles.asking import request_of
from tests.doubles.passages import lease_of

SCRIPT = "CREATE TABLE town (id INTEGER, name TEXT);\nINSERT INTO town VALUES (1, 'Velmora');"
TASK = SqlTask(Sql())
DRAFT = answered("Which towns are there?", "SELECT name FROM town")


def lease(kind: RepairKind | None = None, previous: Draft | None = DRAFT) -> Lease:
    repair = (
        None if kind is None else Repair(kind, 0.3, previous=previous, words="The query failed: no such column: x.")
    )
    return lease_of(SCRIPT, repair=repair)


def read(said: str, of: Lease | None = None, finish: FinishReason = FinishReason.STOP) -> Draft | Malformed:
    return TASK.read(of or lease(), said, finish)


@pytest.mark.parametrize(
    "said",
    [
        "Question: Which towns are there?\nQuery: SELECT name FROM town;",
        "**Question:** Which towns\nare there?\n\n**SQL Query:**\n```sql\nSELECT name FROM town;\n```\nIt lists them.",
        "Sure!\n\nQuestion: Which towns are there?\n```sqlite\nSELECT name FROM town\n```",
        "<think>a town</think>Question: Which towns are there?\nSQL: SELECT name FROM town",
        "question: Which towns are there?\nanswer: SELECT name FROM town\n\nQuestion: And how many?\nQuery: SELECT 1",
    ],
)
def test_a_draft_in_the_looks_that_models_give_it(said: str) -> None:
    assert read(said) == DRAFT


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("", MalformedReason.EMPTY),
        ("SELECT name FROM town", MalformedReason.NO_QUESTION),
        ("Question: Which towns are there?", MalformedReason.NO_ANSWER),
        ("Question: Which?\nQuery: DROP TABLE town", MalformedReason.NO_ANSWER),
        ("Question: Which?\nQuery: SELECT '" + "x" * 4_000 + "'", MalformedReason.TOO_LONG),
        ("Question: Which?\nQuery: SELECT '<|im_end|>' FROM town", MalformedReason.CONTROL_TEXT),
    ],
)
def test_what_is_no_draft(said: str, reason: MalformedReason) -> None:
    found = read(said)
    assert isinstance(found, Malformed) and found.reason is reason


def test_a_completion_that_was_cut_off_is_none() -> None:
    """Half a query may be a query."""
    found = read("Question: Which?\nQuery: SELECT name", finish=FinishReason.LENGTH)
    assert isinstance(found, Malformed) and found.reason is MalformedReason.CUT_OFF


@pytest.mark.parametrize("said", ["SELECT id FROM town", "Question: Another?\nQuery: SELECT id FROM town;"])
def test_an_edited_query_keeps_its_question(said: str) -> None:
    """Whatever else the model writes."""
    assert read(said, lease(Repairs.EDIT_QUERY)) == answered(DRAFT.question, "SELECT id FROM town")


@pytest.mark.parametrize("said", ["What are they called?", "Question: What are they called?\nQuery: SELECT 1"])
def test_an_edited_question_keeps_its_query(said: str) -> None:
    assert read(said, lease(Repairs.EDIT_QUESTION)) == answered("What are they called?", DRAFT.answer)


def test_a_repair_shows_both_halves_and_what_the_execution_said() -> None:
    for kind, ends in ((Repairs.EDIT_QUERY, "the SQL alone."), (Repairs.EDIT_QUESTION, "the question alone.")):
        asked = request_of(TASK, lease(kind)).messages[-1].content
        assert SCRIPT in asked and DRAFT.question in asked and DRAFT.answer in asked
        assert f"{ends}\nThe query failed: no such column: x." in asked


def test_the_orders_of_a_passage_are_asked_for_different_shapes() -> None:
    """By their number alone, so that whoever asks again asks the same."""
    asked = set()
    for slot in range(len(SHAPES)):
        one = lease()
        asked.add(request_of(TASK, replace(one, order=replace(one.order, slot=slot))).messages[-1].content)
    assert len(asked) == len(SHAPES)
