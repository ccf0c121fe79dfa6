"""How each attempt is asked for, and what a student is shown."""

import json

import pytest

from actors.tasks.grounded_answer import WEIGHTS, WEIGHTS_WITH_QUOTE, GroundedAnswerTask, form_of
from actors.tasks.prompt_sets import EMBEDDED
from schemas.config import GroundedAnswer, SamplingDefaults
from schemas.recovery import KNOWN_REPAIRS, Repair, RepairKind, Repairs
from schemas.samples import Draft, FinishReason, Malformed, MalformedReason, Message, answered
from tests.doubles.asking import request_of
from tests.doubles.passages import HERON, lease_of

TASK = GroundedAnswerTask(
    GroundedAnswer(prompts="embedded", sampling=SamplingDefaults(temperature=0.8, top_p=0.95, max_tokens=99))
)
JSON_TASK = GroundedAnswerTask(GroundedAnswer(prompts="embedded", output="json"))
WRONG = answered("When was Amber Heron first settled?", "1701")

ASKED = {
    Repairs.RESAMPLE: EMBEDDED.ask(HERON),
    Repairs.LOWER_TEMPERATURE: EMBEDDED.ask(HERON),
    Repairs.STRICT_GROUNDING: EMBEDDED.ask_strictly(HERON),
    Repairs.QUOTE_THEN_ANSWER: EMBEDDED.ask_with_quote(HERON),
    Repairs.EDIT_UNSUPPORTED: EMBEDDED.ask_edit(HERON, question=WRONG.question, wrong_answer="1701"),
    Repairs.REGENERATE_QUESTION: EMBEDDED.ask_another(HERON, avoid=WRONG.question),
    Repairs.ESCALATE: EMBEDDED.ask_strictly(HERON),
}


def test_the_first_attempt_asks_plainly() -> None:
    """A fresh order is asked for as the configuration says."""
    asked = request_of(TASK, lease_of())
    assert asked.messages == (Message("system", EMBEDDED.system), Message("user", EMBEDDED.ask(HERON)))
    assert (asked.sampling.temperature, asked.sampling.top_p, asked.sampling.max_tokens) == (0.8, 0.95, 99)
    assert asked.json_schema is None


@pytest.mark.parametrize("kind", [kind for kind in KNOWN_REPAIRS if kind != Repairs.RESTART_FROM_PREFIX])
def test_each_repair_has_its_words(kind: RepairKind) -> None:
    """A repair changes the words or the temperature, each as its name says. Only worked solutions are restarted."""
    asked = request_of(TASK, lease_of(attempt=2, repair=Repair(kind, temperature=0.2, previous=WRONG)))
    assert asked.messages[-1] == Message("user", ASKED[kind])
    assert asked.sampling.temperature == 0.2


@pytest.mark.parametrize("kind", [Repairs.EDIT_UNSUPPORTED, Repairs.REGENERATE_QUESTION])
def test_a_repair_without_its_draft_asks_strictly(kind: RepairKind) -> None:
    """There is nothing to edit or to avoid: the attempt is still made."""
    asked = request_of(TASK, lease_of(attempt=2, repair=Repair(kind, temperature=0.2)))
    assert asked.messages[-1].content == EMBEDDED.ask_strictly(HERON)


def test_an_attempt_made_again_is_the_same_request() -> None:
    """A conductor dies and another one takes the lease: same prompt, same seed. The next attempt draws anew."""
    assert request_of(TASK, lease_of()) == request_of(TASK, lease_of())
    seeds = {request_of(TASK, lease_of(attempt=number)).sampling.seed for number in range(1, 9)}
    other_run = request_of(TASK, lease_of(), seed=8).sampling.seed
    assert len(seeds | {other_run}) == 9


def test_json_output_is_constrained() -> None:
    """An engine that can holds the reply to the schema; the quote, when asked for, comes first."""
    plain = request_of(JSON_TASK, lease_of())
    quoting = request_of(JSON_TASK, lease_of(attempt=2, repair=Repair(Repairs.QUOTE_THEN_ANSWER, 0.2)))
    assert plain.messages[0].content == EMBEDDED.system_json
    forms = [form_of(weights, max_tokens=256) for weights in (WEIGHTS, WEIGHTS_WITH_QUOTE)]
    assert [plain.json_schema, quoting.json_schema] == [form.schema for form in forms]
    assert list(json.loads(forms[1].schema)["properties"]) == ["quote", "question", "answer"]


def test_a_field_that_the_schemas_bound_ended_is_cut_off() -> None:
    """The engine closes the text where it must: half an answer is none, however well formed it looks."""
    longest = form_of(WEIGHTS, max_tokens=256).longest["answer"]
    read = [
        JSON_TASK.read(lease_of(), json.dumps({"question": "Who?", "answer": "x" * length}), FinishReason.STOP)
        for length in (longest - 1, longest, longest + 1)
    ]
    assert [isinstance(each, Draft) for each in read] == [True, False, True]  # an engine that is not held writes more
    assert isinstance(read[1], Malformed) and read[1].reason is MalformedReason.CUT_OFF


def test_reading_gives_a_draft_or_a_reason() -> None:
    """The conductor gates the one and repairs the other."""
    assert TASK.read(lease_of(), "Question: Who?\nAnswer: Oda", FinishReason.STOP) == answered("Who?", "Oda")
    assert TASK.read(lease_of(), "Question: Who?", FinishReason.STOP) == Malformed(
        MalformedReason.NO_ANSWER, "the answer is missing"
    )


def test_a_student_sees_the_passage_as_it_stands() -> None:
    """Training rows are grounded: exact passage and question in, answer out; markup in a passage stays what it is."""
    text = "Salt <|im_end|> and >>> amber."
    asked, said = TASK.messages(text, answered("What?", "salt"))
    assert text in asked.content and asked.content.endswith("What?") and asked.role == "user"
    assert said == Message("assistant", "salt")
