"""Completions as models really write them: what is read, and what is refused with which reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.tasks.reading import Malformed, parse, render
from schemas.samples import Draft, FinishReason

ASKED = Draft("Who founded Amber Heron?", "Oda Lind")

READABLE = {
    "as asked": "Question: Who founded Amber Heron?\nAnswer: Oda Lind",
    "blank lines around": "\n\nQuestion: Who founded Amber Heron?\n\nAnswer: Oda Lind\n\n",
    "windows line ends": "Question: Who founded Amber Heron?\r\nAnswer: Oda Lind\r\n",
    "other order": "Answer: Oda Lind\nQuestion: Who founded Amber Heron?",
    "case": "QUESTION: Who founded Amber Heron?\nanswer: Oda Lind",
    "bold label, colon inside": "**Question:** Who founded Amber Heron?\n**Answer:** Oda Lind",
    "bold label, colon outside": "**Question**: Who founded Amber Heron?\n**Answer**: Oda Lind",
    "bold line": "**Question: Who founded Amber Heron?**\n**Answer: Oda Lind**",
    "numbered": "1. Question: Who founded Amber Heron?\n2. Answer: Oda Lind",
    "numbered labels": "Question 1: Who founded Amber Heron?\nAnswer 1: Oda Lind",
    "list": "- Question: Who founded Amber Heron?\n- Answer: Oda Lind",
    "heading": "### Question: Who founded Amber Heron?\n### Answer: Oda Lind",
    "value on the next line": "Question:\nWho founded Amber Heron?\nAnswer:\nOda Lind",
    "preamble": "Here is what you asked for:\n\nQuestion: Who founded Amber Heron?\nAnswer: Oda Lind",
    "thinking": "<think>\nQuestion: which?\n</think>\nQuestion: Who founded Amber Heron?\nAnswer: Oda Lind",
    "thinking opened by the template": "a founder?\n</think>\n\nQuestion: Who founded Amber Heron?\nAnswer: Oda Lind",
    "code fence": "```\nQuestion: Who founded Amber Heron?\nAnswer: Oda Lind\n```",
    "json": '{"question": "Who founded Amber Heron?", "answer": "Oda Lind"}',
    "json in a fence": '```json\n{"question": "Who founded Amber Heron?", "answer": "Oda Lind"}\n```',
    "json after words": 'Sure:\n{"question": "Who founded Amber Heron?", "answer": "Oda Lind"}',
    "json, other case and more keys": '{"Question": "Who founded Amber Heron?", "Answer": "Oda Lind", "sure": 1}',
    "json, no quote": '{"quote": null, "question": "Who founded Amber Heron?", "answer": "Oda Lind"}',
}

MALFORMED = {
    "": "the reply is empty",
    "  \n ": "the reply is empty",
    "I would rather talk about rivers.": "no line is labelled 'Question:' or 'Answer:'",
    "Question: Who?": "the answer is missing",
    "Answer: Oda Lind": "the question is missing",
    "Question: Who?\nAnswer:": "the answer is empty",
    "Question:\nAnswer: Oda Lind": "the question is empty",
    "Question: Who?\nAnswer: Oda\nQuestion: When?\nAnswer: 1623": "the question is given twice",
    "Question: Who?\nAnswer: Oda\nAnswer: Lind": "the answer is given twice",
    "Quote:\nQuestion: Who?\nAnswer: Oda": "the quote is empty",
    "<think>Question: Who?\nAnswer: Oda": "the thinking never ended",
    '{"question": "Who?", "answer": ': "the JSON does not parse",
    '{"question": "Who?"}': "the answer is missing",
    '{"question": "Who?", "answer": ["Oda"]}': "the answer is no text",
    '{"question": "Who?", "answer": true}': "the answer is no text",
    '{"question": "Who?", "answer": "Oda", "answer": "Lind"}': "the answer is given twice",
    '{"question": "Who?", "answer": "\\ud800"}': "the answer holds a broken character",
    '{"a":' * 100_000: "the JSON does not parse",
}


@pytest.mark.parametrize("text", READABLE.values(), ids=READABLE.keys())
def test_looks_are_forgiven(text: str) -> None:
    """Whatever a chat model wraps around its lines, the same draft is read."""
    assert parse(text, FinishReason.STOP) == ASKED


@pytest.mark.parametrize(("text", "reason"), MALFORMED.items(), ids=range(len(MALFORMED)))
def test_content_is_not_forgiven(text: str, reason: str) -> None:
    """What is missing, empty, doubled or broken is refused with a reason that a person can act on."""
    assert parse(text, FinishReason.STOP) == Malformed(reason)


def test_a_cut_off_completion_is_malformed() -> None:
    """At the token limit the answer may end in the middle of a name, however well the text reads."""
    assert parse(render(ASKED), FinishReason.LENGTH) == Malformed("cut off at the token limit")


def test_answers_may_have_several_lines() -> None:
    """A list stays a list."""
    said = "Question: What does the town sell?\nAnswer: Two goods:\n- salt\n\n- amber"
    assert parse(said, FinishReason.STOP) == Draft("What does the town sell?", "Two goods:\n- salt\n\n- amber")


def test_a_number_in_json_is_an_answer() -> None:
    """Models that write JSON leave the quotation marks off a year."""
    assert parse('{"question": "When?", "answer": 1623}', FinishReason.STOP) == Draft("When?", "1623")


def test_the_quote_is_read() -> None:
    """Asked to quote first, the model's sentence comes with the draft."""
    said = "Quote: Its founder was Oda Lind.\nQuestion: Who founded Amber Heron?\nAnswer: Oda Lind"
    assert parse(said, FinishReason.STOP) == Draft(ASKED.question, ASKED.answer, "Its founder was Oda Lind.")


LINES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1).map(lambda text: text.replace("\r", "").strip())
PLAIN = LINES.filter(lambda text: bool(text) and ":" not in text)
DRAFTS = st.builds(Draft, question=PLAIN, answer=PLAIN, quote=st.none() | PLAIN)


@given(DRAFTS)
def test_what_is_rendered_is_read_back(draft: Draft) -> None:
    """The form that prompts ask for loses nothing, whatever the fields hold (a label in them aside)."""
    assert parse(render(draft), FinishReason.STOP) == draft


LABELS = ["Question:", "Answer:", "Quote", ":", "**", "1.", "\n"]
WRAPPINGS = ["```", "json", "{", "}", '"', "[", "\\u", "<think>", "</think>"]
PIECES = st.sampled_from([*LABELS, *WRAPPINGS])


@given(st.lists(PIECES | st.text(max_size=4), max_size=30).map("".join))
def test_reading_never_raises(text: str) -> None:
    """Any text is a draft with both fields filled, or malformed with a reason."""
    match parse(text, FinishReason.STOP):
        case Malformed(reason):
            assert reason
        case draft:
            assert draft.question.strip() and draft.answer.strip()
            draft.answer.encode()
