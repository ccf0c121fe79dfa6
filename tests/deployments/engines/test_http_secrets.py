"""A key that a server repeats, in whatever form, is in no error of ours."""

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.engines.http_secrets import ALL_HIDDEN, HIDDEN, PIECE, Redactor

KEY = "sk-proj-Zq8Rt5Wm2Lx9Kv3Hn7Bd4Fy6Js1"
CLEAN = Redactor([KEY])
FORMS = {
    "whole": KEY,
    "header": f"Bearer {KEY}",
    "a space inside": f"{KEY[:14]} {KEY[14:]}",
    "a space after each": " ".join(KEY),
    "a line's end inside": f"{KEY[:14]}\n{KEY[14:]}",
    "an invisible sign inside": f"{KEY[:14]}\u200b{KEY[14:]}",
    "stars for the end": KEY[:-4] + "****",
    "stars for the middle": f"{KEY[:8]}{'*' * 20}{KEY[-4:]}",
    "upper case": KEY.upper(),
    "lower case": KEY.lower(),
    "backwards": KEY[::-1],
    "base64": b64encode(KEY.encode()).decode(),
    "base64 of the header": b64encode(f"Bearer {KEY}".encode()).decode(),
    "base64 of user and key": urlsafe_b64encode(f"me:{KEY}".encode()).decode(),
    "hexadecimal": KEY.encode().hex(),
    "in an address": KEY.replace("-", "%2D"),
    "per cent": "".join(f"%{ord(letter):02X}" for letter in KEY),
    "per cent, twice": quote("".join(f"%{ord(letter):02X}" for letter in KEY)),
    "escaped as in JSON": "".join(f"\\u{ord(letter):04x}" for letter in KEY),
    "escaped as in Python": "".join(f"\\x{ord(letter):02x}" for letter in KEY),
    "as in HTML": "".join(f"&#{ord(letter)};" for letter in KEY),
    "in a body": json.dumps({"headers": {"Authorization": f"Bearer {KEY}"}}),
}


def pieces(text: str) -> list[str]:
    """Pieces of the key that a person could still read off."""
    plain = "".join(letter for letter in text if not letter.isspace() and letter not in "*\u200b").lower()
    forms = (KEY.lower(), KEY.lower()[::-1], b64encode(KEY.encode()).decode().lower(), KEY.encode().hex())
    return [
        form[at : at + PIECE] for form in forms for at in range(len(form) - PIECE + 1) if form[at : at + PIECE] in plain
    ]


@pytest.mark.parametrize("form", FORMS)
def test_no_piece_of_the_key_is_told(form: str) -> None:
    """A server repeats the key in its own way; the rest of what it says stays, if the key is not escaped in it."""
    told = CLEAN(f"Incorrect API key provided: {FORMS[form]}. See the manual.")
    assert not pieces(told), told
    assert (HIDDEN in told and told.startswith("Incorrect")) or told == ALL_HIDDEN
    assert "%" not in told
    assert "\\" not in told


def test_words_without_the_key_stay() -> None:
    """An error with none of the key in it is told as it is, also where nothing is secret."""
    said = "the model's maximum context length is 4096 tokens; sk- 100% *** &amp; \\u00e9"
    assert CLEAN(said) == said
    assert Redactor([])(f"anything, {KEY}") == f"anything, {KEY}"


def test_a_short_key_and_several() -> None:
    """A local server's key is `abc`; a gateway has one of its own."""
    clean = Redactor(["abc", KEY])
    assert clean("key abc refused") == f"key {HIDDEN} refused"
    assert not pieces(clean(f"keys {KEY} and abc"))


@given(st.text(max_size=60), st.integers(0, len(KEY) - PIECE), st.text(max_size=60))
def test_any_piece_anywhere(before: str, at: int, behind: str) -> None:
    """Six characters of it, wherever and between whatever."""
    assert not pieces(CLEAN(before + KEY[at : at + PIECE] + behind))
