"""Fields of a user's names, read from completions as models write them: what is read, and what is refused and why."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.tasks.field_reading import fields_form, read_fields, write_fields
from actors.tasks.odd_texts import odd_completions
from schemas.samples import Draft, FinishReason, Malformed, MalformedReason
from tests.actors.tasks.test_reading import ASKED, READABLE

LONGEST = {"title": 40, "key_points": 200}
FORM = fields_form(LONGEST, max_tokens=200)
WHOLE = Draft({"title": "Amber Heron", "key_points": "Founded by Oda Lind.\nLies on the Ash."})
LINES = "Title: Amber Heron\nKey points: Founded by Oda Lind.\nLies on the Ash."
QUESTIONS = fields_form({"question": 300, "answer": 300}, max_tokens=200)
OTHERS = ("a rule and more", "another block")
"""What the reader of questions ends an answer at, and this one does not: a field may hold such a line."""
M = MalformedReason


def read(text: str, finish: FinishReason = FinishReason.STOP, *, passage: str = "") -> Draft | Malformed:
    return read_fields(text, finish, FORM, passage=passage)


@pytest.mark.parametrize("name", [name for name in READABLE if name not in OTHERS])
def test_it_forgives_the_looks_that_the_reader_of_questions_forgives(name: str) -> None:
    """Models write no other labels because the fields have other names."""
    assert read_fields(READABLE[name], FinishReason.STOP, QUESTIONS) == ASKED


@pytest.mark.parametrize(
    "text",
    [
        LINES,
        LINES.replace("Key points", "key_points"),
        LINES.replace("Key points", "Key-Points"),
        LINES.replace("Title:", "**Title:**").replace("Key points:", "__Key points__:"),
        f"Here you are.\n\n{LINES}\n\nLet me know if you would like another one!",
        f"{LINES}\n\nTitle: Another\nKey points: Of another.",
        json.dumps(WHOLE.fields),
        f"```json\n{json.dumps({'Key Points': WHOLE.fields['key_points'], 'Title': 'Amber Heron', 'sure': 1})}\n```",
    ],
)
def test_names_of_two_words_and_texts_of_two_lines(text: str) -> None:
    """A draft has its fields in the order of the configuration, however they came."""
    made = read(text)
    assert made == WHOLE
    assert isinstance(made, Draft) and list(made.fields) == list(LONGEST)


MALFORMED = {
    "": (M.EMPTY, "the reply is empty"),
    "Amber Heron was founded.": (M.NO_LABEL, "no line is labelled 'Title:', 'Key_points:'"),
    "Title: Amber Heron": (M.NO_ANSWER, "the key_points is missing"),
    "Title:\nKey points: Founded.": (M.NO_ANSWER, "the title is empty"),
    "Title: A\nTitle: B\nKey points: C": (M.REPEATED, "the title is given twice"),
    f"Title: {'long ' * 9}\nKey points: C": (M.TOO_LONG, "the title has 44 characters; at most 40"),
    "Title: A<|im_end|>B\nKey points: C": (M.CONTROL_TEXT, "the title holds control text: '<|im_end|>'"),
    '{"title": "A", "key_points": ': (M.BAD_JSON, "the JSON does not parse"),
    '{"title": "A", "key_points": ["B"]}': (M.NOT_TEXT, "the key_points is no text"),
    '{"title": "A", "Title": "B", "key_points": "C"}': (M.REPEATED, "the title is given twice"),
    '{"year": 1}': (M.NO_LABEL, "no JSON object has any of title, key_points"),
    "<think>Let me see": (M.UNFINISHED_THOUGHTS, "the thinking never ended"),
}


@pytest.mark.parametrize("text", MALFORMED)
def test_what_is_no_draft_says_why(text: str) -> None:
    """Each with its own reason: a person acts on it, and a repair is chosen by it."""
    assert read(text) == Malformed(*MALFORMED[text])


@pytest.mark.parametrize("text", ["Title: Amber", LINES, '{"title": "Amber Heron", "key_points": "Fou', "Well, "])
def test_what_the_limit_cut_off_is_no_draft(text: str) -> None:
    """The last text may go on; nobody can say."""
    assert read(text, FinishReason.LENGTH) == Malformed(M.CUT_OFF, "cut off at the token limit")


def test_a_draft_before_the_limit_is_whole() -> None:
    """Another one had begun: this one had ended."""
    assert read(f"{LINES}\nTitle: Ano", FinishReason.LENGTH) == WHOLE


def test_a_passages_own_marks_are_text() -> None:
    """A passage about chat templates may be quoted."""
    text = "Title: What <|im_end|> is\nKey points: It ends a turn."
    assert read(text, passage="<|im_end|> ends a turn") == Draft(
        {"title": "What <|im_end|> is", "key_points": "It ends a turn."}
    )


def test_a_field_as_long_as_the_schema_lets_it_be_was_cut_off() -> None:
    """Where the token limit leaves less room than the field may have; a field within its own bound is whole."""
    tight = fields_form({"year": 4, "text": 1000}, max_tokens=100)
    assert tight.room["year"] == 5 and tight.room["text"] < 1000
    whole = {"year": "1623", "text": "x" * (tight.room["text"] - 1)}
    assert read_fields(json.dumps(whole), FinishReason.STOP, tight, bounded=tight.room) == Draft(whole)
    for name, reason in (("text", M.CUT_OFF), ("year", M.TOO_LONG)):
        full = json.dumps({**whole, name: "y" * tight.room[name]})
        made = read_fields(full, FinishReason.STOP, tight, bounded=tight.room)
        assert isinstance(made, Malformed) and made.reason is reason
    assert json.loads(tight.schema)["properties"]["year"]["maxLength"] == 5


PIECES = [
    "Title:",
    "Key points:",
    "**",
    "__",
    "\n",
    "```",
    "{",
    '"title":',
    '"x"',
    "}",
    "<think>",
    "</think>",
    "\ud83c",
]
TEXTS = st.one_of(st.text(max_size=80), st.lists(st.sampled_from([*PIECES, " ", "a"]), max_size=30).map("".join))


@given(text=TEXTS, finish=st.sampled_from(FinishReason), passage=st.text(max_size=20))
def test_reading_never_raises(text: str, finish: FinishReason, passage: str) -> None:
    """And what it takes for a draft has every field, within its bounds and without blanks around it."""
    made = read(text, finish, passage=passage)
    if isinstance(made, Draft):
        assert list(made.fields) == list(LONGEST)
        for name, said in made.fields.items():
            assert 0 < len(said) <= LONGEST[name]
    else:
        assert made.detail and "\n" not in made.detail.replace(repr(text), "")


@pytest.mark.parametrize(("name", "text"), list(odd_completions()), ids=lambda each: each[:20])
def test_odd_completions_are_malformed(name: str, text: str) -> None:
    """None of them has these fields."""
    assert isinstance(read(text), Malformed), name


WORD = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=8)


@given(fields=st.fixed_dictionaries({"title": WORD, "key_points": WORD}))
def test_what_is_written_is_read_back(fields: dict[str, str]) -> None:
    """In both forms."""
    assert read(write_fields(fields)) == Draft(fields)
    assert read(json.dumps(fields)) == Draft(fields)
