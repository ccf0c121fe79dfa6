"""Hides keys that a server repeats in its texts: whole, in pieces, or in another spelling."""

import html
import re
import unicodedata
from base64 import b64encode
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

PIECE = 6
"""This many characters of a key in a row are a piece of it."""
HIDDEN = "***"
ALL_HIDDEN = "(what the server said repeats the key in another spelling and is not shown)"
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})")
_AROUND = re.compile(r"[\w*•.~+/=-]")
"""Characters around a piece, with which a server masks the rest of a key."""


class Redactor:
    """Hides pieces of secrets in texts of a server."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._size = min((PIECE, *(len(secret) for secret in secrets)))
        self._pieces = frozenset(
            spelt[at : at + self._size].casefold()
            for secret in secrets
            for spelt in _spellings(secret)
            for at in range(len(spelt) - self._size + 1)
        )

    def __call__(self, text: str) -> str:
        """The text without any piece of a secret, also if signs or spaces are in between or case differs. If the text
        has a secret in escapes, none of it is shown."""
        if not self._pieces:
            return text
        shown, done = [], 0
        for begin, end in self._found(text):
            shown += [text[done:begin], HIDDEN]
            done = end
        clean = "".join(shown) + text[done:]
        return ALL_HIDDEN if self._found(_unescaped(clean)) else clean

    def _found(self, text: str) -> list[tuple[int, int]]:
        """The places of pieces, each with the characters around it, in order and without overlaps."""
        places = [at for at, letter in enumerate(text) if not _may_come_between(letter)]
        letters = "".join(_folded(text[at]) for at in places)
        found: list[tuple[int, int]] = []
        for at in range(len(letters) - self._size + 1):
            if letters[at : at + self._size] in self._pieces:
                begin, end = _widened(text, places[at], places[at + self._size - 1] + 1)
                if found and begin <= found[-1][1]:
                    before = found.pop()
                    begin, end = before[0], max(end, before[1])
                found.append((begin, end))
        return found


def _spellings(secret: str) -> Iterator[str]:
    """The secret as it is, backwards, in hexadecimal, and in base64, which depends on the bytes before it."""
    yield secret
    yield secret[::-1]
    yield secret.encode().hex()
    for shift in range(3):
        encoded = b64encode(b"\0" * shift + secret.encode()).decode().rstrip("=")
        inner = encoded[(shift * 8 + 5) // 6 : -1]
        yield inner
        yield inner.replace("+", "-").replace("/", "_")


def _may_come_between(letter: str) -> bool:
    return letter in "*•" or letter.isspace() or unicodedata.category(letter) in ("Cf", "Cc", "Mn")


def _folded(letter: str) -> str:
    """The character without case; always one character."""
    folded = letter.casefold()
    return folded if len(folded) == 1 else letter


def _widened(text: str, begin: int, end: int) -> tuple[int, int]:
    while begin > 0 and _AROUND.match(text[begin - 1]):
        begin -= 1
    while end < len(text) and _AROUND.match(text[end]):
        end += 1
    return begin, end


def _unescaped(text: str) -> str:
    """The text with escapes of JSON, addresses and HTML undone, up to three inside each other."""
    for _ in range(3):
        plain = html.unescape(unquote(_ESCAPED.sub(lambda found: chr(int(found[1] or found[2], 16)), text)))
        if plain == text:
            break
        text = plain
    return text
