"""How each attempt is asked for, and what a student is shown."""

import json
from typing import Literal

import pytest
from msgspec.structs import replace

from actors.recovery.repairs import TOLD
from actors.tasks.grounded_answer import WEIGHTS, WEIGHTS_WITH_QUOTE, GroundedAnswerTask, form_of
from actors.tasks.one_call import reply_of
from actors.tasks.prompt_sets import EMBEDDED
from actors.tasks.reading import parse
from schemas.config import GroundedAnswer, SamplingDefaults
from schemas.recovery import FORM_REPAIRS, KNOWN_REPAIRS, Repair, RepairKind, Repairs
from schemas.samples import Completion, Draft, FinishReason, Malformed, MalformedReason, Message, answered
from tests.doubles.asking import request_of, requests_of
from tests.doubles.passages import HERON, lease_of, passage_of

TASK = GroundedAnswerTask(
    GroundedAnswer(prompts="embedded", sampling=SamplingDefaults(temperature=0.8, top_p=0.95, max_tokens=99))
)
JSON_TASK = GroundedAnswerTask(GroundedAnswer(prompts="embedded", output="json"))
OF_OTHER_TASKS = (Repairs.RESTART_FROM_PREFIX, *TOLD)
WRONG = answered("When was Amber Heron first settled?", "1701")

ASKED = {
    Repairs.RESAMPLE: EMBEDDED.ask(HERON),
    Repairs.LOWER_TEMPERATURE: EMBEDDED.ask(HERON),
    Repairs.STRICT_GROUNDING: EMBEDDED.ask_strictly(HERON),
    Repairs.QUOTE_THEN_ANSWER: EMBEDDED.ask_with_quote(HERON),
    Repairs.EDIT_UNSUPPORTED: EMBEDDED.ask_edit(HERON, question=WRONG.question, wrong_answer="1701"),
    Repairs.REGENERATE_QUESTION: EMBEDDED.ask_another(HERON, avoid=WRONG.question),
    Repairs.ESCALATE: EMBEDDED.ask_strictly(HERON),
    Repairs.ANSWER_SHORTER: EMBEDDED.ask_shortly(HERON),
    Repairs.RESTATE_FORM: EMBEDDED.ask_in_form(HERON, in_json=False),
    Repairs.HOLD_TO_SCHEMA: EMBEDDED.ask_in_form(HERON, in_json=True),
}


def test_the_first_attempt_asks_plainly() -> None:
    """A fresh order is asked for as the configuration says."""
    asked = request_of(TASK, lease_of())
    assert asked.messages == (Message("system", EMBEDDED.system), Message("user", EMBEDDED.ask(HERON)))
    assert (asked.sampling.temperature, asked.sampling.top_p, asked.sampling.max_tokens) == (0.8, 0.95, 99)
    assert asked.json_schema is None


@pytest.mark.parametrize("kind", [kind for kind in KNOWN_REPAIRS if kind not in OF_OTHER_TASKS])
def test_each_repair_has_its_words(kind: RepairKind) -> None:
    """A repair changes the words or the temperature, each as its name says. Only worked solutions are restarted, and
    only queries have a query to be edited."""
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


SHOWN = GroundedAnswer(prompts="instruct", sampling=SamplingDefaults(stop=("###",)))
QUOTING = Repair(Repairs.QUOTE_THEN_ANSWER, 0.2)


@pytest.mark.parametrize(
    ("config", "repair", "text", "stop"),
    [
        (SHOWN, None, HERON, ("###", "\nQuestion:")),
        (SHOWN, Repair(Repairs.STRICT_GROUNDING, 0.2), HERON, ("###", "\nQuestion:")),
        (SHOWN, QUOTING, HERON, ("###",)),
        (SHOWN, None, "He asked.\nQuestion: who?", ("###",)),
        (replace(SHOWN, output="json"), None, HERON, ("###",)),
        (replace(SHOWN, examples=()), None, HERON, ("###",)),
        (replace(SHOWN, prompts="instruct-large"), None, HERON, ("###",)),
        (replace(SHOWN, prompts="embedded"), None, HERON, ("###",)),
        (GroundedAnswer(prompts="embedded"), None, HERON, ()),
    ],
)
def test_a_second_draft_ends_the_completion_where_that_is_safe(
    config: GroundedAnswer, repair: Repair | None, text: str, stop: tuple[str, ...]
) -> None:
    """A model that was shown drafts begins with its own, so the next such line is a second one. Who quotes first may
    label in any order, a passage may have the line itself, and the shipped models end by themselves."""
    lease = replace(lease_of(attempt=1 if repair is None else 2, repair=repair), passage=passage_of(text))
    assert request_of(GroundedAnswerTask(config), lease).stop == stop


@pytest.mark.parametrize(("answer", "calls"), [("", 2), ("Sure!", 2), ("<think>Hm.", 2), ("Question: Who?", 1)])
def test_a_completion_that_ended_before_its_draft_is_asked_for_again(answer: str, calls: int) -> None:
    """Thoughts or a remark came first, so the draft's own line ended it: the same once more, without that stop text."""
    asked = requests_of(GroundedAnswerTask(SHOWN), lease_of(), answer, "Question: Who?\nAnswer: Oda")
    assert [each.stop for each in asked] == [("###", "\nQuestion:"), ("###",)][:calls]
    assert {each.messages for each in asked} == {asked[0].messages}


@pytest.mark.parametrize("output", ["lines", "json"])
def test_what_could_not_be_read_is_asked_for_with_its_form(output: Literal["lines", "json"]) -> None:
    """The form in words, and a draft in it as an earlier turn, also where none is shown otherwise."""
    task = GroundedAnswerTask(GroundedAnswer(output=output))
    assert len(request_of(task, lease_of()).messages) == 2
    asked = request_of(task, lease_of(attempt=2, repair=Repair(Repairs.RESTATE_FORM, 0.2)))
    _, shown, drafted, last = asked.messages
    assert (shown.role, drafted.role, last.role) == ("user", "assistant", "user")
    assert isinstance(parse(drafted.content, FinishReason.STOP), Draft)
    assert ("JSON" in last.content) is (output == "json")
    none = GroundedAnswerTask(GroundedAnswer(output=output, examples=()))
    assert len(request_of(none, lease_of(attempt=2, repair=Repair(Repairs.RESTATE_FORM, 0.2))).messages) == 2


def test_json_that_did_not_parse_is_held_to_the_schema() -> None:
    """Also where lines were asked for, and a model wrote JSON all the same."""
    task = GroundedAnswerTask(GroundedAnswer())
    lease = lease_of(attempt=2, repair=Repair(Repairs.HOLD_TO_SCHEMA, 0.7))
    asked = request_of(task, lease)
    form = form_of(WEIGHTS, max_tokens=256)
    assert asked.json_schema == form.schema
    assert "JSON object" in asked.messages[0].content and asked.messages[2].content.startswith("{")
    cut = json.dumps({"question": "Who?", "answer": "x" * form.longest["answer"]})
    assert isinstance(task.read(lease, cut, FinishReason.STOP), Malformed)


def test_the_shipped_models_know_no_repair_of_form() -> None:
    """They know the words that they were trained on."""
    assert GroundedAnswerTask(GroundedAnswer(prompts="embedded")).form_repairs == ()
    assert GroundedAnswerTask(GroundedAnswer()).form_repairs == FORM_REPAIRS


def test_the_thinking_budget_is_the_thoughts_own() -> None:
    """The engine's limit is both together; the bounds of a JSON reply are the answer's, and no stop text of the task's
    own ends thoughts."""
    sampling = SamplingDefaults(max_tokens=256, thinking_tokens=1000)
    asked = request_of(GroundedAnswerTask(GroundedAnswer(output="json", sampling=sampling)), lease_of())
    assert asked.sampling.max_tokens == 1256
    assert asked.json_schema == form_of(WEIGHTS, max_tokens=256).schema
    assert request_of(GroundedAnswerTask(replace(SHOWN, sampling=sampling)), lease_of()).stop == ()


@pytest.mark.parametrize(
    ("text", "reasoning", "reason"),
    [
        ("", "Hm, Question: Who?", MalformedReason.UNFINISHED_THOUGHTS),
        ("<think>Hm", "", MalformedReason.UNFINISHED_THOUGHTS),
        ("<think>Hm</think>Question: Wh", "", MalformedReason.CUT_OFF),
        ("Question: Wh", "Hm", MalformedReason.CUT_OFF),
        ("", "", MalformedReason.CUT_OFF),
    ],
)
def test_cut_off_in_thought_is_told_from_cut_off_in_the_answer(
    text: str, reasoning: str, reason: MalformedReason
) -> None:
    """The one wants more room to think, the other a shorter answer; thoughts are never an answer."""
    said = Completion("r", text, FinishReason.LENGTH, 1, 1, reasoning=reasoning)
    read = TASK.read(lease_of(), reply_of(said), said.finish)
    assert isinstance(read, Malformed) and read.reason is reason
