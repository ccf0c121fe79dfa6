"""Quotes are found where they stand, exactly, or not at all."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.gates.quotes import locate
from actors.tasks.prompts import neutralise
from actors.text.typography import plain
from schemas.verdicts import Quote

PASSAGE = "Velmora was\n  founded in 1923.\n\nIts founder was “Oda” Lind <|x|>."


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("founded in 1923.", Quote("founded in 1923.", 14, 30)),
        ("Velmora was founded", Quote("Velmora was\n  founded", 0, 21)),
        ('"Its founder was"', Quote("Its founder was", 32, 47)),
        ("“Oda” Lind", Quote("“Oda” Lind", 48, 58)),
        (neutralise("Lind <|x|>"), Quote("Lind <|x|>", 54, 64)),
    ],
)
def test_a_quote_is_the_passages_own_text(quote: str, found: Quote) -> None:
    """A judge folds line breaks, adds quotation marks and sees joiners in markup: the span is of the original."""
    assert locate(quote, PASSAGE) == found


ABSENT = [
    "",
    "  ",
    ".",
    "<|>",
    "“",
    '""',
    "founded in 1924.",
    "velmora was",
    "founder was Oda Lind",
    "92",
    "Its founders",
    "elmora",
]


@pytest.mark.parametrize("quote", ABSENT)
def test_what_is_not_there_is_not_found(quote: str) -> None:
    """Another year, another case, words left out, or a piece of a word or number: no quote."""
    assert locate(quote, PASSAGE) is None


TYPOGRAPHY = {
    "apostrophe": ("The ferry doesn’t run on Sundays.", "The ferry doesn't run on Sundays"),
    "quotation marks": ("They call it “the «old» mill”.", "They call it 'the \"old\" mill'."),
    "dash": ("It ran — slowly — until 1914–1918.", "It ran - slowly -- until 1914-1918."),
    "minus": ("It falls to −5 °C.", "falls to -5 °C"),
    "ellipsis": ("It ran… and ran.", "It ran... and ran."),
    "composed": ("The café is old.", "The cafe\u0301 is old."),
    "decomposed": ("The cafe\u0301 is old.", "The café is old."),
    "full width": ("It costs ５００ ＵＳＤ（net）.", "It costs 500 USD (net)."),
    "ligature": ("The ﬁrst oﬃce.", "The first office."),
    "soft hyphen": ("An exam\u00adple of it.", "An example of it."),
    "zero width": ("An ex\u200bam\ufeffple\u200d of it.", "An example of it."),
    "no-break space": ("Some 5\u00a0km\u202faway.", "Some 5 km away."),
    "chinese": ("它建于１６２３年，\n由奥达建立。", "建于1623年,由奥达"),
    "cut at its ends": ("Well, the ferry runs on Sundays only.", "...the ferry runs on Sundays..."),
}


@pytest.mark.parametrize(("passage", "quote"), TYPOGRAPHY.values(), ids=TYPOGRAPHY.keys())
def test_typography_is_no_content(passage: str, quote: str) -> None:
    """A judge types what its keyboard has; what is kept is the passage's own spelling at its own place."""
    found = locate(quote, passage)
    assert found is not None
    assert passage[found.start : found.end] == found.text


INSIDE = {
    "1,923 people": ("923", "1", "1,92"), "3.5 km": ("5", "5 km", "3"), "a café there": ("caf", "afé"),
    "a cafe\u0301 there": ("cafe",), "it can’t sail": ("can", "it can", "t sail"), "it is non-toxic": ("toxic", "non"),
    "at 10:30 sharp": ("30", "30 sharp", "10"), "the MiG-21 jet": ("21", "MiG"), "x10² men": ("10",),
    "10² men": ("10", "102"), "at −5 °C": ("5", "5 °C"), "at .5 m": ("5", "5 m"), "1\u202f923 men": ("923", "923 men"),
    "an exam\u00adple": ("exam", "ple"), "по-русски здесь": ("русски", "русск"), "की बात": ("क",),
    "a 20-year lease": ("20", "year"), "file_name here": ("name", "file"), "1.6e-19 C": ("19", "1.6e"),
}  # fmt: skip


@pytest.mark.parametrize(("passage", "quote"), [(text, part) for text, parts in INSIDE.items() for part in parts])
def test_a_quote_never_begins_or_ends_inside_a_word_or_number(passage: str, quote: str) -> None:
    """A part of a number is another number, and a part of a word may say the opposite."""
    assert locate(quote, passage) is None


def test_a_later_place_counts_where_the_first_is_inside_a_word() -> None:
    """The first place where the letters stand is not always one."""
    assert locate("can sail", "It can't. It can sail.") == Quote("can sail", 13, 21)
    assert locate("5", "3.5 or 5") == Quote("5", 7, 8)


WORDS = st.lists(
    st.text(st.characters(categories=("L", "Nd"), include_characters=".,;:!?()"), min_size=1, max_size=6), max_size=12
)
SPACES_AFTER_DIGITS = st.sampled_from([" ", "\n", "  ", "\t", "\u2028"])
SPACES = SPACES_AFTER_DIGITS | st.just("\u00a0")


@st.composite
def passage_and_part(draw: st.DrawFn) -> tuple[str, list[str]]:
    words = draw(WORDS)
    # a hard space between digits is part of one number, of which no part is a quote
    passage = "".join(word + draw(SPACES_AFTER_DIGITS if word[-1].isdigit() else SPACES) for word in words)
    start = draw(st.integers(0, len(words)))
    return passage, words[start : draw(st.integers(start, len(words)))]


def spelled(text: str) -> str:
    return "".join(unicodedata.normalize("NFC", plain(letter)) for letter in "".join(text.split()))


@given(passage_and_part(), SPACES)
def test_every_run_of_words_is_located(case: tuple[str, list[str]], space: str) -> None:
    """Whole words of the passage, whatever the white space between them, are found; the span's text is the quote's."""
    passage, part = case
    found = locate(space.join(part), passage)
    assert (found is None) == (not any(letter.isalnum() for word in part for letter in word))
    if found is not None:
        assert passage[found.start : found.end] == found.text
        assert spelled(found.text).strip(".") == spelled("".join(part)).strip(".")


MARKS = st.sampled_from("'’“”-–—… .,5５3a\u0301é\u00ad\u200b\n")


@given(st.text() | st.text(MARKS), st.text() | st.text(MARKS))
def test_what_is_located_is_a_slice(quote: str, passage: str) -> None:
    """Any text against any text: nothing, or a slice of the passage that has the quote's letters and digits."""
    found = locate(quote, passage)
    if found is not None:
        assert passage[found.start : found.end] == found.text
        kept = [unicodedata.normalize("NFC", text) for text in (spelled(found.text), spelled(quote))]
        said, asked = ("".join(filter(str.isalnum, text)) for text in kept)
        assert said == asked
