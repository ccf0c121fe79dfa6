"""Finds the place of a quote in a passage.

Law: the result is the passage's own text with its exact span, or nothing. Only typography and white space may differ
(`actors.text.typography`). A quote never begins or ends inside a word or a number.
"""

import unicodedata
from functools import lru_cache

from msgspec import Struct

from actors.tasks.prompts import WORD_JOINER
from actors.text.typography import is_dash, is_invisible, is_spaceless, plain
from schemas.verdicts import Quote

LONGEST_QUOTE = 2000
"""In characters; a longer quote is not searched for."""
_AROUND = "'. "
"""Stripped from a folded quote that is not found otherwise: quotation marks, and the dots of an omission."""
_IN_NUMBERS = ".,:/^'’\u00a0\u2007\u2009\u202f"
"""Between two digits, these are part of one number, date or time."""
_IN_WORDS = "'’ʼ＇-‐‑"
"""Between two letters, or a letter and a digit, these are part of one word: can't, non-toxic, MiG-21."""


class _FoldedText(Struct, frozen=True):
    """A text in plain typography, with the place in the original where each of its characters begins and ends."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]


def locate(quote: str, passage: str) -> Quote | None:
    """The first place of the quote in the passage, or None.

    Quotation marks around it do not matter, nor dots of an omission at its ends, nor the joiners that a prompt puts
    into markup. "9" is not found in "1923", nor "5" in "3.5", "caf" in "café", "can" in "can't". Signs without a letter
    or a digit are no quote.
    """
    if len(quote) > LONGEST_QUOTE or not any(map(str.isalnum, quote)):
        return None
    exact = _first(quote, passage)
    if exact is not None:
        return exact
    wanted, folded = _fold(quote.replace(WORD_JOINER, "")), _folded_passage(passage)
    for form in dict.fromkeys((wanted.text.strip(), wanted.text.strip(_AROUND))):
        found = _first_folded(form, folded, passage)
        if found is not None:
            return found
    return None


def _first(quote: str, passage: str) -> Quote | None:
    bare = quote.strip()
    at = passage.find(bare)
    while at >= 0:
        end = at + len(bare)
        if not _inside(passage, at) and not _inside(passage, end):
            return Quote(text=bare, start=at, end=end)
        at = passage.find(bare, _next_edge(passage, at))
    return None


def _first_folded(form: str, folded: _FoldedText, passage: str) -> Quote | None:
    if not form:
        return None
    at = folded.text.find(form)
    while at >= 0:
        last = at + len(form) - 1
        start, end = folded.starts[at], folded.ends[last]
        splits = folded.starts[at - 1 : at] == (start,) or folded.ends[last + 1 : last + 2] == (end,)
        if not splits and not _inside(passage, start) and not _inside(passage, end):
            return Quote(text=passage[start:end], start=start, end=end)
        at = folded.text.find(form, at + 1)
    return None


def _next_edge(passage: str, at: int) -> int:
    """The next place that is not inside the same run of letters and digits."""
    at += 1
    while at < len(passage) and passage[at - 1].isalnum() and passage[at].isalnum():
        at += 1
    return at


@lru_cache(maxsize=64)
def _folded_passage(passage: str) -> _FoldedText:
    """Kept, because a passage is searched for one quote after another."""
    return _fold(passage)


def _fold(text: str) -> _FoldedText:
    """The text in plain spelling, composed. Several quotation marks or dashes in a row become one. White space becomes
    one space between two words, or between a digit and a stop or comma, and is dropped elsewhere."""
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    gap = False
    for at, letter in enumerate(text):
        spelled = plain(letter)
        if letter.isspace() or not spelled.strip():
            gap = gap or letter.isspace() or bool(spelled)
            continue
        if letters and unicodedata.combining(letter) and not gap:
            composed = unicodedata.normalize("NFC", letters[-1] + spelled)
            if len(composed) == 1:
                letters[-1], ends[-1] = composed, at + 1
                continue
        if letters and spelled in "'-" and letters[-1] == spelled:
            ends[-1], gap = at + 1, False
            continue
        if gap and letters and _parts(letters[-1], spelled[0]):
            letters.append(" ")
            starts.append(ends[-1])
            ends.append(at)
        gap = False
        for each in unicodedata.normalize("NFC", spelled):
            letters.append(each)
            starts.append(at)
            ends.append(at + 1)
    return _FoldedText("".join(letters), tuple(starts), tuple(ends))


def _parts(before: str, after: str) -> bool:
    """Whether white space between these two characters matters."""
    if _is_wordy(before) and _is_wordy(after):
        return True
    return (before in ".," and after.isdigit()) or (before.isdigit() and after in ".,")


def _is_wordy(letter: str) -> bool:
    return (letter.isalnum() or letter == "_" or unicodedata.category(letter)[0] == "M") and not is_spaceless(letter)


def _inside(text: str, at: int) -> bool:
    """Whether this place is inside a word or a number."""
    before, after = _seen_before(text, at), _seen_after(text, at)
    if after < len(text) and unicodedata.combining(text[after]) and after == at:
        return before >= 0
    left, right = _at(text, before), _at(text, after)
    if _is_wordy(left) and _is_wordy(right):
        return True
    if _is_wordy(left):
        return _joins(left, right, _at(text, _seen_after(text, after + 1)))
    if not _is_wordy(right):
        return False
    further = _at(text, _seen_before(text, before))
    if _joins(further, left, right):
        return True
    return right.isdigit() and (is_dash(left) or left == ".") and not _is_wordy(further) and before >= 0


def _joins(left: str, mark: str, right: str) -> bool:
    """Whether the mark joins the two characters into one word or number."""
    if not (mark and _is_wordy(left) and _is_wordy(right)):
        return False
    if left.isdigit() and right.isdigit():
        return mark in _IN_NUMBERS
    return mark in _IN_WORDS


def _at(text: str, at: int) -> str:
    return text[at] if 0 <= at < len(text) else " "


def _seen_before(text: str, at: int) -> int:
    """The place of the last visible character before this one; -1 for none."""
    at -= 1
    while at >= 0 and is_invisible(text[at]):
        at -= 1
    return at


def _seen_after(text: str, at: int) -> int:
    """The first place from here on with a visible character; the text's length for none."""
    while at < len(text) and is_invisible(text[at]):
        at += 1
    return at
