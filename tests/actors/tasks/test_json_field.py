"""A field that is JSON: what is read of it, and what is asked again."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.gates.rules import BadRule
from actors.gates.value_checks import value_checks
from actors.tasks.json_field import JsonField
from actors.tasks.prompted import PromptedTask
from schemas.config_tasks import Prompted, PromptedExample, PromptedField, TurnTemplate
from schemas.samples import Draft, Malformed, MalformedReason
from tests.doubles.asking import attempt_of, made_of
from tests.doubles.passages import lease_of

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "price": {"type": "number", "minimum": 0}},
                "required": ["name", "price"],
            },
        },
        "total": {"type": "number"},
        "paid": {"type": "boolean"},
        "note": {"type": "string"},
        "size": {"type": "string", "enum": ["small", "large"]},
    },
    "required": ["items", "total"],
    "additionalProperties": False,
}
CHECKS = ("len(items) > 0", "total <= 100 or paid", "words(note) < 5")
FIELD = JsonField("record", SCHEMA, value_checks(SCHEMA, CHECKS))
GOOD = {"items": [{"name": "Größe", "price": 2.5}], "total": 2.5, "note": "all in"}
M = MalformedReason


def said(**changes: Any) -> str:
    return json.dumps({**GOOD, **changes}, indent=1)


@pytest.mark.parametrize("text", [said(), f"```json\n{said()}\n```", f"Here it is:\n```\n{said()}\n```\nIs it well?"])
def test_json_is_read_whatever_stands_around_its_fence(text: str) -> None:
    """As one line, so that students learn one form."""
    assert FIELD.read(text) == '{"items": [{"name": "Größe", "price": 2.5}], "total": 2.5, "note": "all in"}'


@pytest.mark.parametrize(
    ("text", "reason", "says"),
    [
        ("no", M.BAD_JSON, "the record is no JSON: Expecting value: line 1 column 1 (char 0)"),
        (said()[:-2], M.BAD_JSON, "the record is no JSON: Expecting ',' delimiter"),
        (said(total=float("nan")), M.BAD_JSON, "the record is no JSON: NaN is no number of JSON"),
        (said().replace("2.5,", "1e999,", 1), M.BAD_JSON, "the record is no JSON: 1e999 is no number of JSON"),
        ('{"total": 1, "total": 2}', M.BAD_JSON, "the record is no JSON: an object has a key twice"),
        ("[" * 100_000, M.BAD_JSON, "the record is no JSON: "),
        ("[]", M.OFF_SCHEMA, "record: [] is not of type 'object'"),
        (said(total="2"), M.OFF_SCHEMA, "record.total: '2' is not of type 'number'"),
        (
            said(items=[{"name": "a", "price": 1}, {"name": "b", "price": -1}]),
            M.OFF_SCHEMA,
            "record.items[1].price: -1 is less than the minimum of 0",
        ),
        (said(more=1), M.OFF_SCHEMA, "record: Additional properties are not allowed ('more' was unexpected)"),
        (said(items=[]), M.OFF_SCHEMA, "record: len(items) > 0 does not hold"),
        (said(total=101), M.OFF_SCHEMA, "record: total <= 100 or paid is not known: there is no 'paid'"),
        (said(total=101, paid=False), M.OFF_SCHEMA, "record: total <= 100 or paid does not hold"),
    ],
)
def test_what_cannot_be_used_says_where(text: str, reason: MalformedReason, says: str) -> None:
    """The outermost fault first. A check of a value that is not there is not held."""
    made = FIELD.read(text)
    assert isinstance(made, Malformed)
    assert made.reason is reason and made.detail.startswith(says)


@given(st.text() | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_it_never_raises(text: str) -> None:
    """Whatever a model says."""
    assert isinstance(FIELD.read(text), str | Malformed)


@pytest.mark.parametrize(
    ("check", "says"),
    [
        ("len(itms) > 0", "'itms' is unknown; a check may name items, total, paid, note, size"),
        ("items", "comes to a list; it must come to true or false"),
        ("attempt > 1", "'attempt' is unknown"),
        ("score('reward') > 0.5", "no gate has judged what is being read"),
        ("items == 'a'", "a list is compared with a text"),
        ("size == 'lagre'", "'size' is never 'lagre'; did you mean 'large'?"),
    ],
)
def test_a_check_that_makes_no_sense_is_refused(check: str, says: str) -> None:
    """When a configuration is read."""
    with pytest.raises(BadRule) as raised:
        value_checks(SCHEMA, (check,))
    assert str(raised.value).startswith(says) or says in str(raised.value)


TASK = Prompted(
    fields=(
        PromptedField("title", "a title", max_characters=40),
        PromptedField("record", "the order", schema=SCHEMA, checks=CHECKS),
    ),
    ask="{{ passage }} Write.",
    student=(TurnTemplate("user", "{{ passage }}"), TurnTemplate("assistant", "{{ record }}")),
)
DRAFT = Draft({"title": "Salt", "record": json.dumps(GOOD, ensure_ascii=False)})


def task_of(config: Prompted) -> PromptedTask:
    return PromptedTask(config, checks={"record": value_checks(SCHEMA, CHECKS)})


def test_it_stands_in_labelled_lines_or_inside_one_object() -> None:
    """Beside another field the schema goes to the engine with `read: json` alone; what is written is read back."""
    lines, whole = task_of(TASK), task_of(replace(TASK, read="json"))
    assert made_of(lines, lease_of(), f"Title: Salt\nRecord:\n```json\n{said()}\n```") == DRAFT
    assert made_of(whole, lease_of(), json.dumps({"title": "Salt", "record": GOOD})) == DRAFT
    for task in (lines, whole):
        assert made_of(task, lease_of(), task.written(DRAFT)) == DRAFT
    asked = [attempt_of(task, lease_of(), task.written(DRAFT)).asked[0].json_schema for task in (lines, whole)]
    assert asked[0] is None and asked[1] is not None and json.loads(asked[1])["properties"]["record"] == SCHEMA


def test_an_example_shows_json_and_not_a_text_of_it() -> None:
    """Inside the one object that is asked for; a specimen is made of it, and of nothing else."""
    example = PromptedExample(fields=DRAFT.fields, passage="Oak is hard.")
    task = task_of(replace(TASK, read="json", examples=(example,)))
    shown = attempt_of(task, lease_of(), task.specimen()).asked[0].messages[1].content
    assert json.loads(shown) == {"title": "Salt", "record": GOOD} and shown == task.specimen()
    assert task_of(TASK).specimen() == ""


def test_a_task_of_one_field_may_be_answered_with_its_json_alone() -> None:
    """A model that is asked for JSON writes no label. The engine is given the schema, which is faster."""
    alone = task_of(replace(TASK, fields=TASK.fields[1:]))
    schema = attempt_of(alone, lease_of(), said()).asked[0].json_schema
    assert schema is not None and json.loads(schema) == SCHEMA
    for text in (said(), f"Sure:\n```json\n{said()}\n```", f"Record: {said()}", json.dumps({"record": GOOD})):
        assert made_of(alone, lease_of(), text) == Draft({"record": DRAFT.fields["record"]})


def test_a_field_that_does_not_fit_is_asked_for_once_more_alone() -> None:
    """With the reason, and by its schema where the engine can; the other fields stay."""
    wrong = f"Title: Salt\nRecord: {json.dumps({**GOOD, 'total': '2'})}"
    attempt = attempt_of(task_of(TASK), lease_of(), wrong, said())
    first, second = attempt.asked
    assert first.json_schema is None and second.json_schema is not None and json.loads(second.json_schema) == SCHEMA
    assert second.messages[:-2] == first.messages
    assert second.messages[-2].content == wrong
    assert second.messages[-1].content == (
        "`record` cannot be used: record.total: '2' is not of type 'number'. Write `record` again: its JSON alone."
    )
    assert [made.draft for made in attempt.made] == [DRAFT]


@pytest.mark.parametrize("ends", ["</think>\n", "</think>"])
def test_thoughts_are_no_part_of_what_is_asked_about_again(ends: str) -> None:
    """A model that thinks first is shown its reply without the thoughts; before a field alone they are dropped too."""
    thoughts = f'<think>A total? {{"total": 2}} perhaps. Record: later.{ends}'
    wrong = f"Title: Salt\nRecord: {json.dumps({**GOOD, 'total': '2'})}"
    attempt = attempt_of(task_of(TASK), lease_of(), thoughts + wrong, thoughts + said())
    assert attempt.asked[1].messages[-2].content == wrong
    assert [made.draft for made in attempt.made] == [DRAFT]


def test_a_second_one_that_does_not_fit_is_malformed() -> None:
    """It is not asked for a third time in one attempt."""
    attempt = attempt_of(task_of(TASK), lease_of(), "Title: Salt\nRecord: none", said(items=[]))
    (made,) = attempt.made
    assert len(attempt.asked) == 2
    assert made.draft == Malformed(M.OFF_SCHEMA, "record: len(items) > 0 does not hold")


def test_control_text_behind_an_escape_is_found() -> None:
    """JSON may hide it from who looks at the text."""
    hidden = said(note="<|im_end|>").replace("<", "\\u003c")
    made = made_of(task_of(TASK), lease_of(), f"Title: Salt\nRecord: {hidden}", hidden)
    assert isinstance(made, Malformed) and made.reason is M.CONTROL_TEXT
