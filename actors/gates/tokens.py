"""Cuts expressions into tokens. Law: every character but spaces belongs to a token, or NotUnderstood is raised."""

import re
from collections.abc import Iterator

from msgspec import Struct

LONGEST_WORD = 3
"""The most letters side by side that are a product; more, or as many after a space, are a word."""
_NAMES = "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh ln log exp"
_FUNCTIONS = frozenset(_NAMES.split())
CONSTANTS = {"pi": "π", "inf": "∞", "infinity": "∞", "π": "π", "∞": "∞", "e": "e", "i": "i"}
"""Names of constants, each with its sign in a tree."""
_TOKEN = re.compile(
    r"(?P<space> ?)(?:(?P<number>\d++(?:\.\d*+)?|\.\d++)|(?P<word>[A-Za-z]++)|(?P<letter>[α-ωΑ-Ω∞])"
    r"|(?P<command>\\[A-Za-z]++)|(?P<sign>[-+*/^_!°±(){}\[\]|⌊⌋⌈⌉]))"
)


class NotUnderstood(Exception):
    """The grammar does not cover the whole text."""


class Token(Struct, frozen=True):
    """`kind` is number, letter, function, command, sign or end; `spaced`: a space stands before it."""

    text: str
    kind: str
    spaced: bool = False


def tokens(text: str) -> Iterator[Token]:
    """Raises NotUnderstood."""
    at = 0
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise NotUnderstood
        at = found.end()
        kind = found.lastgroup or ""
        said, spaced = found[kind], bool(found["space"])
        if kind == "word":
            yield from _word(said, spaced)
        else:
            yield Token(said, kind, spaced)


def _word(word: str, spaced: bool) -> Iterator[Token]:
    if word in _FUNCTIONS or word == "sqrt":
        yield Token(word, "function", spaced)
    elif word in CONSTANTS:
        yield Token(CONSTANTS[word], "letter", spaced)
    elif len(word) <= LONGEST_WORD - spaced:
        yield from (Token(letter, "letter", spaced and not at) for at, letter in enumerate(word))
    else:
        raise NotUnderstood
