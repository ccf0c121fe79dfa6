"""Completions as models really write them: what is read, and what is refused with which reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.tasks.prompts import WORD_JOINER, neutralise
from actors.tasks.reading import parse, render
from schemas.samples import Draft, FinishReason, Malformed, MalformedReason, answered

ASKED = answered("Who founded Amber Heron?", "Oda Lind")

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
    "full-width colon": "Question： Who founded Amber Heron?\nAnswer：Oda Lind",
    "other thinking tags": "<thinking>Answer: no</thinking>\nQuestion: Who founded Amber Heron?\nAnswer: Oda Lind",
    "mistral's thoughts": "[THINK]Answer: no[/THINK]Question: Who founded Amber Heron?\nAnswer: Oda Lind",
    "harmony": "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>"
    "Question: Who founded Amber Heron?\nAnswer: Oda Lind<|return|>",
    "harmony without its tokens": "analysisHm.assistantfinalQuestion: Who founded Amber Heron?\nAnswer: Oda Lind",
    "end of a turn": "Question: Who founded Amber Heron?\nAnswer: Oda Lind<|im_end|>\n",
    "end of a sentence": "<s> Question: Who founded Amber Heron?</s>\nAnswer: Oda Lind</s>\x00",
    "fence after words": "Here:\n```text\nQuestion: Who founded Amber Heron?\nAnswer: Oda Lind\n```\nAnything else?",
    "the same twice": "Question: Who founded Amber Heron?\nAnswer: Oda Lind\n" * 2,
    "an offer": "Question: Who founded Amber Heron?\nAnswer: Oda Lind\n\nLet me know if you would like another one!",
    "an offer without a gap": "Question: Who founded Amber Heron?\nAnswer: Oda Lind\nI hope this helps!",
    "a rule and more": "Question: Who founded Amber Heron?\nAnswer: Oda Lind\n\n---\n\nIt says so above.",
    "another block": "Question: Who founded Amber Heron?\nAnswer: Oda Lind\n\n**Explanation:** So it says.",
    "json before words": '{"question": "Who founded Amber Heron?", "answer": "Oda Lind"}\n\nI hope this helps!',
    "json in a fence, words": 'OK:\n```json\n{"question": "Who founded Amber Heron?", "answer": "Oda Lind"}```\nSo.',
    "json, typographic": "{“question”： “Who founded Amber Heron?”，“answer”：“Oda Lind”}",
    "json, an offer": '{"question": "Who founded Amber Heron?", "answer": "Oda Lind\\n\\nFeel free to ask!"}',
    "json, no quote": '{"quote": null, "question": "Who founded Amber Heron?", "answer": "Oda Lind"}',
}

M = MalformedReason
MALFORMED = {
    "": (M.EMPTY, "the reply is empty"),
    "  \n ": (M.EMPTY, "the reply is empty"),
    "</s>\x00": (M.EMPTY, "the reply is empty"),
    "I would rather talk about rivers.": (M.NO_LABEL, "no line is labelled 'Question:' or 'Answer:'"),
    "Question: Who?": (M.NO_ANSWER, "the answer is missing"),
    "Answer: Oda Lind": (M.NO_QUESTION, "the question is missing"),
    "Question: Who?\nAnswer:": (M.NO_ANSWER, "the answer is empty"),
    "Question: Who?\nAnswer: <|im_end|>": (M.NO_ANSWER, "the answer is empty"),
    "Question:\nAnswer: Oda Lind": (M.NO_QUESTION, "the question is empty"),
    "Question: Who?\nAnswer: Oda\nQuestion: Who?\nAnswer: Lind": (M.REPEATED, "the answer is given twice"),
    "Question: Who?\nAnswer: Oda\nQuestion: When?\nAnswer: 1623\nAnswer: 1701\nQuestion: Who?\nAnswer: Lind": (
        M.REPEATED, "the question is given twice",
    ),
    "Question: Who?\nQuestion: When?\nAnswer: 1623": (M.REPEATED, "the question is given twice"),
    "Answer: Oda\nQuestion: Who?\nQuestion: When?\nAnswer: 1623": (M.REPEATED, "the question is given twice"),
    "Question: Who?\nAnswer: Oda\nAnswer: Lind": (M.REPEATED, "the answer is given twice"),
    "Quote:\nQuestion: Who?\nAnswer: Oda": (M.NO_QUOTE, "the quote is empty"),
    "<think>Question: Who?\nAnswer: Oda": (M.UNFINISHED_THOUGHTS, "the thinking never ended"),
    "<|channel|>analysis<|message|>Question: Who?": (M.UNFINISHED_THOUGHTS, "the thinking never ended"),
    '{"question": "Who?", "answer": ': (M.BAD_JSON, "the JSON does not parse"),
    '{"question": "Who?"}': (M.NO_ANSWER, "the answer is missing"),
    '{"name": "Who?"}': (M.NO_LABEL, "no JSON object has a question or an answer"),
    '{"question": "Who?", "answer": ["Oda"]}': (M.NOT_TEXT, "the answer is no text"),
    '{"question": "Who?", "answer": null}': (M.NOT_TEXT, "the answer is no text"),
    '{"question": "Who?", "answer": "Oda", "answer": "Lind"}': (M.REPEATED, "the answer is given twice"),
    '{"question": "Who?", "answer": "Oda"} {"question": "Who?", "answer": "Lind"}': (
        M.REPEATED, "the question is given twice",
    ),
    '{"question": "Who?", "answer": "\\ud800"}': (M.CONTROL_TEXT, "the answer holds a broken character"),
    "Question: Who?\nAnswer: Oda<|im_start|>user": (M.CONTROL_TEXT, "the answer holds control text: '<|im_start|>'"),
    "Question: Who\x1b[2J?\nAnswer: Oda": (M.CONTROL_TEXT, "the question holds control text: '\\x1b'"),
    '{"a":' * 100_000: (M.BAD_JSON, "the JSON does not parse"),
}  # fmt: skip


@pytest.mark.parametrize("text", READABLE.values(), ids=READABLE.keys())
def test_looks_are_forgiven(text: str) -> None:
    """Whatever a chat model wraps around its lines, the same draft is read."""
    assert parse(text, FinishReason.STOP) == ASKED


@pytest.mark.parametrize(("text", "why"), MALFORMED.items(), ids=range(len(MALFORMED)))
def test_content_is_not_forgiven(text: str, why: tuple[MalformedReason, str]) -> None:
    """What is missing, empty, doubled or broken is refused with a reason that a person can act on."""
    assert parse(text, FinishReason.STOP) == Malformed(*why)


@pytest.mark.parametrize(
    "behind",
    [
        "Question: When?\nAnswer: 1623",
        "Question: When?",
        "\n2. Question: When?\nAnswer: 1623\nAnswer: 1701",
        "Question: Who founded Amber Heron?\nAnswer: Oda Lind\nQuestion: When?\nAnswer: 1623",
    ],
)
def test_the_first_whole_draft_counts(behind: str) -> None:
    """A model that goes on to another draft has written one all the same."""
    whole = "Question: Who founded Amber Heron?\nAnswer: Oda Lind\n"
    assert parse(whole + behind, FinishReason.STOP) == ASKED
    quoted = parse(f"Quote: Its founder.\n{whole}Quote: Another.\n{behind}", FinishReason.STOP)
    assert isinstance(quoted, Draft) and quoted.quote == "Its founder."


def test_the_first_whole_object_counts() -> None:
    """Of a list too; not where another answers the same question otherwise (above)."""
    objects = [
        '{"question": "Who founded Amber Heron?", "answer": "Oda Lind"}',
        '{"question": "When?", "answer": "1623"}',
    ]
    assert parse("\n".join(objects), FinishReason.STOP) == ASKED
    assert parse(f"[{', '.join(objects)}]", FinishReason.STOP) == ASKED


def test_a_cut_off_completion_is_malformed() -> None:
    """At the token limit the answer may end in the middle of a name, however well the text reads."""
    assert parse(render(ASKED), FinishReason.LENGTH) == CUT_OFF


CUT_OFF = Malformed(M.CUT_OFF, "cut off at the token limit")
CUT = {
    "more of the same": ("Question: Who?\nAnswer: Oda\nQuestion: When?\nAnsw", answered("Who?", "Oda")),
    "more, with quotes": (
        "Quote: Oda.\nQuestion: Who?\nAnswer: Oda\n\nQuote: 16", answered("Who?", "Oda", "Oda."),
    ),
    "more, numbered": ("Question 1: Who?\nAnswer 1: Oda\n\nQuestion 2: When?\nAnswer 2: 1", answered("Who?", "Oda")),
    "more, in the other order": ("Answer: Oda\nQuestion: Who?\nAnswer: 16", answered("Who?", "Oda")),
    "behind a rule": ("Question: Who?\nAnswer: Oda\n---\nThe", answered("Who?", "Oda")),
    "an offer": ("Question: Who?\nAnswer: Oda\n\nLet me know if you wou", answered("Who?", "Oda")),
    "json": ('{"question": "Who?", "answer": "Oda"}\n{"question": "Wh', answered("Who?", "Oda")),
    "json in a list": ('[{"question": "Who?", "answer": "Oda"}, {"question": "When", "answ', answered("Who?", "Oda")),
    "in the answer": ("Question: Who?\nAnswer: Oda\nand Li", CUT_OFF),
    "in the question": ("Question: Who found", CUT_OFF),
    "before anything": ("Certainly, here is", CUT_OFF),
    "a question too many": ("Question: Who?\nQuestion: When?\nAns", CUT_OFF),
    "in a json object": ('{"question": "Who?", "answer": "O', CUT_OFF),
    "in the thoughts": (
        "<think>Question: Who?\nAnswer: Oda\nQuestion:",
        Malformed(M.UNFINISHED_THOUGHTS, "cut off at the token limit while it was thinking"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "read"), CUT.values(), ids=CUT.keys())
def test_the_first_whole_pair_of_a_cut_off_completion_is_kept(text: str, read: Draft | Malformed) -> None:
    """A small model writes pair after pair until the limit: the first was whole long before."""
    assert parse(text, FinishReason.LENGTH) == read


def test_answers_may_have_several_lines() -> None:
    """A list stays a list."""
    said = "Question: What does the town sell?\nAnswer: Two goods:\n- salt\n\n- amber"
    assert parse(said, FinishReason.STOP) == answered("What does the town sell?", "Two goods:\n- salt\n\n- amber")


REAL = [
    "The town sells two goods:\n\nSalt: from the marsh.\n\nAmber: from the shore.",
    "If you need a permit, the harbour office gives it.\n\nIf you have one, you may sail.",
    "It works in two steps.\n\nFirst, I can be set to 3.\n\n| a | b |\n|---|---|\n| 1 | 2 |",
    "Run this:\n\n```yaml\n---\nNote: x\n```\n\nThen wait.",
    "I hope you are well, the letter said.\n\nIt was never answered.",
]


@pytest.mark.parametrize("answer", REAL)
def test_a_real_answer_of_several_paragraphs_stays_whole(answer: str) -> None:
    """Lists, tables, code and letters look a little like remarks, and are the answer."""
    assert parse(f"Question: What?\nAnswer: {answer}", FinishReason.STOP) == answered("What?", answer)


def test_what_the_passage_says_is_no_remark() -> None:
    """A passage that is itself a letter of offers, or has a note, may be answered from."""
    passage = "Note: it closes at noon.\nLet me know if you come."
    answer = "It closes at noon.\n\nNote: it closes at noon.\n\nLet me know if you come."
    said = f"Question: What?\nAnswer: {answer}"
    assert parse(said, FinishReason.STOP, passage=passage) == answered("What?", answer)
    assert parse(said, FinishReason.STOP) == answered("What?", "It closes at noon.")


def test_control_text_that_the_passage_holds_is_text() -> None:
    """Documentation of chat templates is a corpus like any other; joiners that its prompt held are no part of it."""
    passage = "A turn ends with <|im_end|>, a page with \x0c."
    said = f"Question: What ends a turn?\nAnswer: {neutralise('<|im_end|>')}"
    assert parse(said, FinishReason.STOP, passage=passage) == answered("What ends a turn?", "<|im_end|>")
    assert isinstance(parse(f"{said} or </s> so", FinishReason.STOP, passage=passage), Malformed)


@pytest.mark.parametrize("value", ["1623", "18.50", "-3", "1,234", "true", "false"])
def test_a_bare_value_in_json_is_an_answer(value: str) -> None:
    """Models that write JSON leave the quotation marks off a year, a price or a yes: its text is the answer."""
    assert parse(f'{{"question": "What?", "answer": {value}}}', FinishReason.STOP) == answered("What?", value)


def test_the_quote_is_read() -> None:
    """Asked to quote first, the model's sentence comes with the draft."""
    said = "Quote: Its founder was Oda Lind.\nQuestion: Who founded Amber Heron?\nAnswer: Oda Lind"
    assert parse(said, FinishReason.STOP) == answered(ASKED.question, ASKED.answer, "Its founder was Oda Lind.")


LETTERS = st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t", exclude_characters=WORD_JOINER)
"""The joiner is what prompts break markup with: a completion that copies it says nothing by it."""
LINES = st.text(LETTERS, min_size=1).map(lambda text: text.replace("\r", "").strip())
PLAIN = LINES.filter(lambda text: bool(text) and ":" not in text)
DRAFTS = st.builds(answered, question=PLAIN, answer=PLAIN, quote=st.none() | PLAIN)


@given(DRAFTS)
def test_what_is_rendered_is_read_back(draft: Draft) -> None:
    """The form that prompts ask for loses nothing, whatever the fields hold (labels and control text aside)."""
    assert parse(render(draft), FinishReason.STOP) == draft


LABELS = ["Question:", "Answer:", "Quote", ":", "**", "1.", "\n"]
WRAPPINGS = ["```", "json", "{", "}", '"', "[", "\\u", "<think>", "</think>"]
PIECES = st.sampled_from([*LABELS, *WRAPPINGS])


@given(st.lists(PIECES | st.text(max_size=4), max_size=30).map("".join), st.sampled_from(FinishReason))
def test_reading_never_raises(text: str, finish: FinishReason) -> None:
    """Any text is a draft with both fields filled, or malformed with a reason."""
    match parse(text, finish):
        case Malformed(_, detail):
            assert detail
        case draft:
            assert draft.question.strip() and draft.answer.strip()
            draft.answer.encode()
