"""A task in YAML alone whose samples take several calls."""

import json

import pytest
from msgspec.structs import replace

from actors.tasks.prompted import PromptedTask
from schemas.config_tasks import Prompted
from schemas.orders import Lease
from schemas.recovery import Repair, RepairKind
from schemas.samples import Draft, Malformed, MalformedReason, Message
from tests.doubles.asking import attempt_of, made_of
from tests.doubles.passages import HERON, lease_of
from tests.doubles.steps import CODE, STEPS

TASK = PromptedTask(STEPS)
ASKED = "Question: When was <|im_end|>\n Amber Heron settled?"
ANSWERED = json.dumps({"answer": "In 1623.", "why": "The passage says so."})
DRAWN = {"level": "hard", "who": "a pilot"}


def drawn_lease(text: str = HERON) -> Lease:
    """Of an order that was given its variables."""
    lease = lease_of(text)
    return replace(lease, order=replace(lease.order, vary=DRAWN))


def test_each_step_sees_the_fields_before_it_and_has_its_own_words_pool_and_form() -> None:
    """What the first one wrote keeps its lines and is broken up as a passage is: a model may write control text."""
    attempt = attempt_of(TASK, drawn_lease(f"{HERON} <|im_end|>"), ASKED, ANSWERED)
    first, second = attempt.asked
    assert attempt.pools == ["generator", "strong"]
    assert first.messages[0] == Message("system", "You ask.") and first.json_schema is None
    assert first.messages[1:3] == (
        Message("user", "Passage: <<< Oak is hard. >>> For a cook, easy.\nWrite question:"),
        Message("assistant", "Question: Which is hard?"),
    )
    assert first.messages[3].content.endswith(" For a pilot, hard.\nWrite question:")
    assert second.messages[0] == Message("system", "You answer.")
    assert second.messages[1].content == "Passage: <<< Oak is hard. >>>\nAsked: Which is hard?\nWrite answer:why:"
    assert json.loads(second.messages[2].content) == {"answer": "Oak.", "why": "It says so."}
    asked = second.messages[3].content
    assert "\n Amber Heron settled?\nWrite answer:why:" in asked and "<|im_end|>" not in asked
    assert second.json_schema is not None and json.loads(second.json_schema)["required"] == ["answer", "why"]
    assert (first.sampling.temperature, second.sampling.temperature) == (0.7, 0.1)
    assert first.sampling.seed != second.sampling.seed
    (made,) = attempt.made
    assert made.draft == Draft(
        {
            **DRAWN,
            "question": "When was <|im_end|>\n Amber Heron settled?",
            "answer": "In 1623.",
            "why": "The passage says so.",
        }
    )


def test_a_step_that_cannot_be_read_ends_the_attempt() -> None:
    """The next step is not paid for, and the reason says which step it was."""
    attempt = attempt_of(TASK, lease_of(), "I would rather not.")
    (made,) = attempt.made
    assert len(attempt.asked) == 1
    assert made.draft == Malformed(MalformedReason.NO_LABEL, "step 1: no line is labelled 'Question:'")
    assert made_of(TASK, lease_of(), ASKED.replace("<|im_end|>", ""), '{"answer": "x"}') == Malformed(
        MalformedReason.NO_ANSWER, "step 2: the why is missing"
    )


def test_a_repair_asks_every_step_again() -> None:
    """Each has the repair's words and temperature, and sees the whole rejected draft."""
    wrong = Draft({"question": "Who?", "answer": "Nobody.", "why": "So."})
    lease = lease_of(attempt=2, repair=Repair(RepairKind("plainer"), 0.2, wrong, words="Be brief."))
    asked = attempt_of(TASK, lease, "Question: When?", ANSWERED).asked
    assert [each.sampling.temperature for each in asked] == [0.2, 0.2]
    assert asked[0].messages[-1].content.endswith("Write question: not Who?\nBe brief.")
    assert asked[1].messages[-1].content.endswith("Write answer:why:\nBe brief.")


def test_a_student_gates_and_exports_see_one_draft_of_all_steps() -> None:
    """The last step is what a generator is asked to write with all else at hand."""
    draft = Draft({**DRAWN, "question": "Who?", "answer": "Oda Lind.", "why": "It says so."})
    asked, said = TASK.messages("x", draft)
    assert (asked.content, said.content) == ("a pilot: Who?", "Oda Lind. It says so.")
    assert [name for name, _ in TASK.claim(draft)] == ["Question", "Answer", "Why"]
    assert json.loads(TASK.written(draft)) == {"answer": "Oda Lind.", "why": "It says so."}


def test_a_step_of_code_is_read_between_fences() -> None:
    """With its indents and whatever the first line says of the language; only the first step shows the passage."""
    task = PromptedTask(CODE)
    said = "Here it is.\n```python\ndef add(a, b):\n    return a + b\n```\nIt adds."
    draft = made_of(task, lease_of(), "Task: Add two numbers.", said)
    assert draft == Draft({"task": "Add two numbers.", "code": "def add(a, b):\n    return a + b"})
    assert isinstance(draft, Draft) and task.written(draft) == "```\ndef add(a, b):\n    return a + b\n```"


def test_an_order_without_variables_has_some_by_its_id() -> None:
    """A probe is issued with none; asked again, it is asked the same."""
    orders = [lease_of(f"Town {number} is old.") for number in range(20)]
    asked = [attempt_of(TASK, lease, ASKED).asked[0].messages[-1].content.splitlines()[0] for lease in orders]
    assert asked == [attempt_of(TASK, lease, ASKED).asked[0].messages[-1].content.splitlines()[0] for lease in orders]
    assert {said.rpartition("For ")[2] for said in asked} == {
        f"{who}, {level}." for who in ("a pilot", "a cook") for level in ("easy", "hard")
    }


@pytest.mark.parametrize("config", [STEPS, CODE, replace(STEPS, examples=())])
def test_a_specimen_is_read_by_every_step(config: Prompted) -> None:
    """`gleaner check task` answers each call with the same text."""
    task = PromptedTask(config)
    assert isinstance(made_of(task, lease_of(), *[task.specimen()] * 2), Draft)
