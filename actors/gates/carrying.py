"""Whether a quote carries (supports) a claim, without a model.

Law: the quote has every number of the claim, and the quote or its sentence has half of the claim's content words. The
subject may be named elsewhere ("It is 31 metres tall" needs no lighthouse). A quote without a content word carries no
claim. Words are compared by a crude stem. Numbers of a claim are digits; "three" in a quote counts as 3.
"""

import re
import unicodedata

from actors.text.typography import plain
from actors.text.words import content_words, stems
from schemas.samples import Texts, asked_and_said
from schemas.verdicts import Quote

SHARE = 0.5
"""The share of a claim's content words that the quote or its sentence must have."""

_NUMBER = re.compile(r"(?:(?<![\w\-])-)?\d+(?:[.,]\d+)*")
_GROUPS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_SPACED_GROUPS = re.compile(r"(?<![\d.,])\d{1,3}(?:[ ']\d{3})+(?![\d])")
_SENTENCE_END = re.compile(r"(?<!\b[A-Z])(?<!\b[A-Z][a-z])[.!?]['\"”’)\]]*(?=\s)|\n[ \t]*\n|[。！？]")
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety hundred"
_SPELLED = {word: str(value) for value, word in enumerate(_UNITS.split())} | {
    word: str(10 * value) for value, word in enumerate(_TENS.split(), 2)
}


def carries(quote: Quote, claim: str, texts: Texts, passage: str) -> bool:
    """Whether the located quote carries the claim of a sample with these texts. If the claim has no content word
    ("Yes"), the answer takes its place, or else the question. If none has one, any quote with a content word will do.

    Words that both the question and another sentence of the passage have are not required of the quote.
    """
    if not content_words(quote.text):
        return False
    asked, answer = asked_and_said(texts)
    said = next((text for text in (claim, answer, asked) if content_words(text)), None)
    if said is None:
        return True
    start, end = _sentence(quote, passage)
    sentence = stems(passage[start:end])
    subject = stems(asked) & stems(f"{passage[:start]}\n{passage[end:]}") - sentence
    wanted = (stems(said) - subject) or stems(said)
    known = _numbers(quote.text) | {_SPELLED[word] for word in content_words(quote.text) if word in _SPELLED}
    return _numbers(said, spaced=False) <= known and len(wanted & sentence) >= SHARE * len(wanted)


def _sentence(quote: Quote, passage: str) -> tuple[int, int]:
    """The span of the sentences of the passage in which the quote begins and ends."""
    start, end = 0, len(passage)
    for found in _SENTENCE_END.finditer(passage):
        if found.end() <= quote.start:
            start = found.end()
        elif found.end() >= quote.end:
            end = found.end()
            break
    return start, end


def _numbers(text: str, *, spaced: bool = True) -> frozenset[str]:
    """The numbers of a text, without separators of thousands. `spaced`: "1 923" is 1923 too, beside 1 and 923."""
    said = "".join(_plain_digit(letter) for letter in text)
    found = {_ungrouped(number) for number in _NUMBER.findall(said)}
    if spaced:
        found |= {re.sub("[ ']", "", number) for number in _SPACED_GROUPS.findall(said)}
    return frozenset(found)


def _plain_digit(letter: str) -> str:
    """A character in plain spelling; superscripts and fractions become numbers of their own."""
    spelled = plain(letter)
    if spelled.isnumeric() and not spelled.isdecimal():
        return f" {unicodedata.normalize('NFKC', spelled)} "
    return spelled


def _ungrouped(number: str) -> str:
    return number.replace(",", "") if _GROUPS.fullmatch(number.lstrip("-")) else number
