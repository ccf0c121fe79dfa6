"""Several samples of one completion: how they are asked for, and what is read of a reply that has some of them."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.calls.asker import Asker, Way
from actors.tasks.grounded_answer import GroundedAnswerTask
from actors.tasks.prompt_sets import INSTRUCT
from actors.tasks.reading import parse, parse_several
from schemas.config import GroundedAnswer, SamplingDefaults
from schemas.config_tasks import ExampleDraft
from schemas.orders import Lease
from schemas.samples import Completion, Draft, FinishReason, Made, Malformed, MalformedReason, answered
from tests.doubles.asking import POOL, request_of, requests_of
from tests.doubles.passages import HERON, lease_of, shared_lease

THREE = [answered("Who founded Amber Heron?", "Oda Lind"), answered("When?", "In 1701."), answered("Where?", "At sea.")]
LINES = "\n".join(f"Question {at}: {each.question}\nAnswer {at}: {each.answer}" for at, each in enumerate(THREE, 1))
OBJECT = json.dumps({"samples": [each.fields for each in THREE]})
FORMS = {"lines": LINES, "JSON": OBJECT, "a bare list": json.dumps([each.fields for each in THREE])}
TASK = GroundedAnswerTask(GroundedAnswer(prompts="instruct", samples_per_call=3, sampling=SamplingDefaults(0.5)))


def read(text: str, finish: FinishReason = FinishReason.STOP, count: int = 3) -> list[Draft | MalformedReason]:
    made = parse_several(text, finish, count=count, passage=HERON)
    return [each.reason if isinstance(each, Malformed) else each for each in made]


@pytest.mark.parametrize("form", FORMS)
def test_each_draft_of_a_whole_reply_is_read(form: str) -> None:
    """Numbered, in an object or in a list; what was not asked for is left."""
    assert read(FORMS[form]) == THREE
    assert read(FORMS[form], count=2) == THREE[:2]


@pytest.mark.parametrize("form", FORMS)
def test_orders_without_a_draft_are_told_why(form: str) -> None:
    """Whole drafts count, whatever is missing."""
    assert read(FORMS[form], count=5) == [*THREE, *[MalformedReason.TOO_FEW] * 2]


@pytest.mark.parametrize("form", FORMS)
def test_the_limit_cuts_off_the_last_draft_alone(form: str) -> None:
    """Wherever it falls in it; those before it are whole, those behind it are cut off too."""
    text, cut = FORMS[form], MalformedReason.CUT_OFF
    for end in range(text.index("When?") + 1, text.index("In 1701") + 6):
        assert read(text[:end], FinishReason.LENGTH) == [THREE[0], cut, cut]


def test_one_bad_draft_spoils_no_other() -> None:
    """A field that is no text, an answer that is missing, an answer that is given twice."""
    reply = {"samples": [THREE[0].fields, {"question": "When?", "answer": ["1701"]}, THREE[2].fields]}
    assert read(json.dumps(reply)) == [THREE[0], MalformedReason.NOT_TEXT, THREE[2]]
    missing = LINES.replace("Answer 2: In 1701.\n", "")
    assert read(missing) == [THREE[0], MalformedReason.NO_ANSWER, THREE[2]]
    twice = LINES.replace("Question 3", "Answer 2: In 1801.\nQuestion 3")
    assert read(twice) == [THREE[0], MalformedReason.REPEATED, THREE[2]]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", MalformedReason.EMPTY),
        ("I would rather not.", MalformedReason.NO_LABEL),
        ("<think>Well", MalformedReason.UNFINISHED_THOUGHTS),
        ('{"samples": [{"question": ', MalformedReason.BAD_JSON),
    ],
)
def test_a_reply_without_a_draft_is_malformed_for_the_first_order_as_for_one(
    text: str, reason: MalformedReason
) -> None:
    """The next attempts, each alone, know why."""
    assert read(text)[0] is reason
    alone = parse(text, FinishReason.STOP)
    assert isinstance(alone, Malformed) and alone.reason is reason


@given(st.text(max_size=200), st.sampled_from(FinishReason), st.integers(2, 5))
def test_any_text_gives_one_thing_for_each_order(text: str, finish: FinishReason, count: int) -> None:
    """Never an exception, never one too many."""
    for said in (text, LINES[: len(text)] + text, OBJECT[: len(text)] + text):
        assert len(parse_several(said, finish, count=count)) == count


def test_several_are_asked_for_in_one_call() -> None:
    """Passages with as many drafts as are wanted are shown; the limit is each one's; a draft too many is not paid."""
    request = request_of(TASK, shared_lease(2))
    asked = request.messages[-1].content
    assert asked == INSTRUCT.ask_several(HERON, 2) and "Do so 2 times" in asked and asked.startswith("Passage: <<<")
    shown = [message.content for message in request.messages if message.role == "assistant"]
    assert len(shown) == 3 and all("Question 2:" in each and "Question 3:" not in each for each in shown)
    assert request.sampling.max_tokens == 2 * 256 and request.stop == ("\nQuestion 3:",)
    assert all(len(parse_several(each, FinishReason.STOP, count=2)) == 2 for each in shown)


def test_an_order_alone_is_asked_for_as_ever() -> None:
    """The last of a passage's orders, and every repair."""
    usual = GroundedAnswerTask(GroundedAnswer(prompts="instruct", sampling=SamplingDefaults(0.5)))
    assert request_of(TASK, lease_of()) == request_of(usual, lease_of())
    assert TASK.together == 3 and usual.together == 1


def test_the_json_of_several_is_held_to_a_schema_of_as_many() -> None:
    """An object of a list, as servers want it."""
    task = GroundedAnswerTask(GroundedAnswer(samples_per_call=3, output="json"))
    (request,) = requests_of(task, shared_lease(3), OBJECT)
    samples = json.loads(request.json_schema or "")["properties"]["samples"]
    assert (samples["minItems"], samples["maxItems"]) == (3, 3) and request.stop == ()
    assert request.messages[0].content.endswith(': {"samples": [{"question": "...", "answer": "..."}, ...]}.')


def test_a_users_words_ask_for_several_too() -> None:
    """Their examples of one passage are shown together; one alone would show how to stop early."""
    examples = [ExampleDraft("A tern.", f"Q{at}?", f"A{at}.") for at in range(3)] + [ExampleDraft("B.", "Q?", "A.")]
    config = GroundedAnswer(samples_per_call=2, ask="Ask {as} a sailor.", system="Be brief.", examples=tuple(examples))
    request = request_of(GroundedAnswerTask(config), shared_lease(2))
    system, asked, said, last = [message.content for message in request.messages]
    assert (
        system == "Be brief."
        and "A tern." in asked
        and said == "Question 1: Q0?\nAnswer 1: A0.\nQuestion 2: Q1?\nAnswer 2: A1."
    )
    assert last.endswith("Ask {as} a sailor. Do so 2 times, each time about another fact of the passage.")


def made(task: GroundedAnswerTask, lease: Lease, reply: str) -> list[Made]:
    async def generate(pool: object, request: object) -> Completion:
        return Completion("r", reply, FinishReason.STOP, prompt_tokens=1, completion_tokens=1)

    async def attempt() -> list[Made]:
        return [each async for each in task.attempt(lease, Asker(lease, Way(generate, POOL, POOL, 0, lambda: 0.0)))]

    return asyncio.run(attempt())


def test_each_order_has_the_draft_of_its_place() -> None:
    """In the lease's order, so that an attempt made again gives each the same."""
    lease = shared_lease(3)
    assert [(each.order_id, each.draft) for each in made(TASK, lease, LINES)] == [
        (order.id, draft) for order, draft in zip(lease.orders, THREE, strict=True)
    ]
