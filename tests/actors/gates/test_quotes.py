"""Quotes are found where they stand, exactly, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.gates.quotes import locate
from actors.tasks.prompts import neutralise
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


ABSENT = ["", "  ", '""', "founded in 1924.", "velmora was", "founder was Oda Lind", "92", "Its founders", "elmora"]


@pytest.mark.parametrize("quote", ABSENT)
def test_what_is_not_there_is_not_found(quote: str) -> None:
    """Another year, another case, words left out, or a piece of a word or number: no quote."""
    assert locate(quote, PASSAGE) is None


WORDS = st.lists(st.text(st.characters(exclude_categories=("Cs", "Z", "Cc")), min_size=1, max_size=6), max_size=12)
SPACES = st.sampled_from([" ", "\n", "  ", "\t", "\u00a0", "\u2028"])


@st.composite
def passage_and_part(draw: st.DrawFn) -> tuple[str, list[str]]:
    words = [word for part in draw(WORDS) for word in part.split()]
    passage = "".join(word + draw(SPACES) for word in words)
    start = draw(st.integers(0, len(words)))
    return passage, words[start : draw(st.integers(start, len(words)))]


@given(passage_and_part(), SPACES)
def test_every_run_of_words_is_located(case: tuple[str, list[str]], space: str) -> None:
    """Whole words of the passage, whatever the white space between them, are found; the span's text is the quote's."""
    passage, part = case
    found = locate(space.join(part), passage)
    assert (found is None) == (part == [])
    if found is not None:
        assert passage[found.start : found.end] == found.text
        assert found.text.split() == part


@given(st.text(), st.text())
def test_what_is_located_is_a_slice(quote: str, passage: str) -> None:
    """Any text against any text: nothing, or a slice of the passage that says the quote's words."""
    found = locate(quote, passage)
    if found is not None:
        assert passage[found.start : found.end] == found.text
        assert "".join(found.text.split()) in "".join(quote.split())
