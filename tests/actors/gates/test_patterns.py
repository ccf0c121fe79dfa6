"""Regular expressions of rules: as Python's, and never slow."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.gates.patterns import MOST_TEXT, BadPattern, Pattern

atoms = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", r"\s", "[a-c1]", "^", "$", r"\.", "é"])
patterns = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "{0}"])).map(
            lambda pair: f"({pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=8,
)


@given(patterns, st.text("abc1 .é\n", max_size=9))
@settings(max_examples=2000, deadline=None)
def test_it_finds_what_pythons_finds(pattern: str, text: str) -> None:
    """Whatever is read means what everybody knows that it means."""
    expected = re.search(pattern.replace("$", r"\Z"), text) is not None
    assert Pattern(pattern).is_in(text) is expected


@pytest.mark.parametrize(
    "pattern", ["(a+)+c", "(a|a)*c", "a*a*a*a*a*a*c", "(.*)(.*)(.*)(.*)(.*)c", "(a|b)*a(a|b){40}c", "(a?){99}a{99}c"]
)
def test_no_pattern_is_slow(pattern: str) -> None:
    """What takes Python's own search longer than a run lasts takes part of a second."""
    text = ("ab" * MOST_TEXT)[:MOST_TEXT]
    begun = time.process_time()
    Pattern(pattern).is_in(text)
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("(a", "a ( without its ) (character 2 of the pattern)"),
        ("a)", "a ) without its ( (character 1 of the pattern)"),
        ("*a", "* repeats nothing"),
        ("a**", "a repeat of a repeat"),
        ("[a", "it ends too early"),
        ("[b-a]", "b-a is no range"),
        ("a{3,2}", "{3,2} repeats at most less often than at least"),
        ("a{x}", "{ must be followed by m}, m,} or m,n}"),
        (r"(a)\1", r"\1 is not read here"),
        (r"\bword", r"\b is not read here"),
        ("(?=a)", "(? … is not read here, but for (?:"),
        ("a{9999}", "more than 1200 repeats"),
        ("(((a{9}){9}){9}){9}", "longer than 1200 steps, repeats written out"),
        ("(" * 40 + "a" + ")" * 40, "groups nested too deeply"),
        ("a\\", "it ends too early"),
    ],
)
def test_what_is_not_read_is_refused(pattern: str, says: str) -> None:
    """One line, with the place."""
    with pytest.raises(BadPattern) as raised:
        Pattern(pattern)
    assert says in str(raised.value)
