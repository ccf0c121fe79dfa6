"""Words of a text, for comparing texts without a model. Law: case, punctuation and white space never count.

Function words are English; in another language every word counts as content, which makes overlaps higher, never wrong.
"""

import re
import unicodedata

_SPACELESS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
"""Scripts without spaces between words: each character is taken as a word."""
_WORD = re.compile(rf"\d+(?:[.,]\d+)+|[{_SPACELESS}]|[^\W_{_SPACELESS}]+(?:['’-][^\W_{_SPACELESS}]+)*")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+|(?<=[。！？])")
_STEM_LETTERS = 5
"""Words are taken as related when so many first letters agree: founded, founder, founding."""

_LISTED = """
a an the of in on at to by for from with as into onto over under about than then and or but nor not no yes so if
is are was were be been being am do does did has have had having can could will would shall should may might must
it its they them their he him his she her hers we us our you your i me my this that these those there here
what which who whom whose when where why how many much some any each every all both one ones other another such
also only just very own same up down out off again once while during before after between because until
"""
FUNCTION_WORDS = frozenset(_LISTED.split())


def words(text: str) -> list[str]:
    """The words in reading order, in one case, without a possessive's 's."""
    found = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    return [word.removesuffix("'s").removesuffix("’s") for word in found]


def content_words(text: str) -> list[str]:
    """The words that carry content: all but function words."""
    return [word for word in words(text) if word not in FUNCTION_WORDS]


def stem(word: str) -> str:
    """A crude stem: enough to see that two sentences speak of the same thing."""
    return word[:_STEM_LETTERS] if word.isalpha() else word


def stems(text: str) -> frozenset[str]:
    """The stems of the content words."""
    return frozenset(stem(word) for word in content_words(text))


def sentences(text: str) -> list[str]:
    """The text cut after sentence ends and line breaks; a rough cut, for comparisons only."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


def contains(text: str, phrase: str) -> bool:
    """Whether the phrase's words stand in the text side by side and in order. False for a phrase without words."""
    inside, wanted = words(text), words(phrase)
    if not wanted:
        return False
    return any(inside[at : at + len(wanted)] == wanted for at in range(len(inside) - len(wanted) + 1))
