"""Words of a text, for comparing texts without a model. Law: case, punctuation and white space never count.

A word keeps what belongs to it: combining marks (vowel signs of Indic scripts) and signs that are part of a name (C++,
C#). Other symbols are not words; `signs` gives them.

Function words are English. In other languages every word counts as content, which makes overlaps higher.
"""

import re
import unicodedata

_SPACELESS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff"
"""Scripts without spaces between words: each character, with its marks, counts as a word."""
_MARKS = "".join(letter for letter in map(chr, range(0x300, 0x10000)) if unicodedata.category(letter)[0] == "M")
"""Only of the basic plane: `re` looks these up in a table, and would search a longer class one by one."""
_MARK = re.compile(f"[{_MARKS}]")


def _word(run: str, spaceless: str) -> re.Pattern[str]:
    """A pattern for a number, a one-character word, or letters with what joins them. `run`: letters and digits."""
    return re.compile(rf"\d+(?:[.,]\d+)+|{spaceless}|{run}(?:['’-]{run})*(?:(?<=[a-z])(?:\+\+|#)(?!\w))?")


_PLAIN = _word(rf"[^\W_{_SPACELESS}]+", f"[{_SPACELESS}]")
"""For texts without marks, which are most texts: it takes a tenth of the time."""
_MARKED = _word(rf"(?:[^\W_{_SPACELESS}][{_MARKS}]*)+", f"[{_SPACELESS}][{_MARKS}]*")
_SIGN = re.compile(r"\S")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+|(?<=[。！？])")
_STEM_LETTERS = 5
"""Words with so many equal first letters count as related: founded, founder, founding."""

_LISTED = """
a an the of in on at to by for from with as into onto over under about than then and or but nor not no yes so if
is are was were be been being am do does did has have had having can could will would shall should may might must
it its they them their he him his she her hers we us our you your i me my this that these those there here
what which who whom whose when where why how many much some any each every all both one ones other another such
also only just very own same up down out off again once while during before after between because until
"""
FUNCTION_WORDS = frozenset(_LISTED.split())


def words(text: str) -> list[str]:
    """The words in reading order, in lower case, without a possessive's 's."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    found = _pattern_for(plain).findall(plain)
    return [word.removesuffix("'s").removesuffix("’s") for word in found]


def signs(text: str) -> list[str]:
    """The symbols outside words that carry meaning: signs of arithmetic and currency, per cent, emoji. A hyphen counts
    only when it stands alone or before a number."""
    plain = re.sub(r"(?<!\w)[-−](?=\s|\d)", "−", unicodedata.normalize("NFKC", text).casefold())
    outside = _pattern_for(plain).sub(" ", plain)
    return [sign for sign in _SIGN.findall(outside) if unicodedata.category(sign)[0] == "S" or sign in "%&*/@#§"]


def _pattern_for(text: str) -> re.Pattern[str]:
    return _MARKED if not text.isascii() and _MARK.search(text) else _PLAIN


def content_words(text: str) -> list[str]:
    """The words that carry content: all but function words."""
    return [word for word in words(text) if word not in FUNCTION_WORDS]


def stem(word: str) -> str:
    """A crude stem, enough to see that two sentences are about the same thing."""
    return word[:_STEM_LETTERS] if word.isalpha() else word


def stems(text: str) -> frozenset[str]:
    """The stems of the content words."""
    return frozenset(stem(word) for word in content_words(text))


def sentences(text: str) -> list[str]:
    """The text cut after sentence ends and line breaks. A rough cut, for comparisons only."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


def contains(text: str, phrase: str) -> bool:
    """Whether the phrase's words stand in the text side by side and in order. False for a phrase without words."""
    inside, wanted = words(text), words(phrase)
    if not wanted:
        return False
    return any(inside[at : at + len(wanted)] == wanted for at in range(len(inside) - len(wanted) + 1))
