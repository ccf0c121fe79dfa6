"""Regular expressions of rules: never slow."""

import time

import pytest

from actors.gates.patterns import BadPattern, Pattern


@pytest.mark.parametrize(
    "pattern", ["(a+)+c", "(a|a)*c", "a*a*a*a*a*a*c", "(.*)(.*)(.*)(.*)(.*)c", "(a|b)*a(a|b){40}c", "(a?){99}a{99}c"]
)
def test_no_pattern_is_slow(pattern: str) -> None:
    """What takes Python's own search longer than a run lasts takes part of a second."""
    text = "ab" * 10_000
    begun = time.process_time()
    Pattern(pattern).is_in(text)
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("(a", "missing ): (a"),
        ("*a", "no argument for repetition operator: *"),
        ("[b-a]", "invalid character class range: b-a"),
        (r"(a)\1", "invalid escape sequence"),
        ("(?=a)", "invalid perl operator: (?="),
        ("a{9999}", "invalid repetition size: {9999}"),
        ("a" * 200_000, "pattern too large"),
        ("\ud800", "surrogates not allowed"),
    ],
)
def test_what_is_not_read_is_refused(pattern: str, says: str) -> None:
    """One line that says what of it."""
    with pytest.raises(BadPattern) as raised:
        Pattern(pattern)
    assert says in str(raised.value)


def test_broken_text_is_searched() -> None:
    """A completion with half a surrogate pair is a text like any other to a rule."""
    assert Pattern("a").is_in("x\ud800a")
