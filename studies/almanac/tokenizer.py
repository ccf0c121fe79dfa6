"""The almanac's tokenizer: every word of its wordings and values."""

import re
from collections.abc import Iterable, Iterator

from transformers import PreTrainedTokenizerFast

from actors.tasks.prompt_sets import EMBEDDED
from studies.almanac import lexicon
from studies.almanac.phrases import ATTRIBUTES, KINDS
from studies.tokenizer import tokenizer_of

PIECES = r"'s| ?[A-Za-z]+| ?[0-9]+| ?<<<| ?>>>| ?[^\sA-Za-z0-9]|\s"
FILLERS = (
    "perhaps",
    "maybe",
    "unknown",
    "about",
    "or",
    "someone",
    "something",
    "sometime",
    "long",
    "ago",
    "It",
    "is",
    "not",
    "said",
    "this",
    "that",
    "one",
    "there",
    "some",
    "a",
    "few",
    "name",
    "nobody",
    "knows",
    "somewhere",
)
"""Words that only answers of poor quality use."""


def _texts() -> Iterator[str]:
    """Every wording the models read or write, values left out."""
    for attribute in ATTRIBUTES:
        for template in (*attribute.sentences, *attribute.questions):
            text = template.format(S="It", s="it", P="Its", p="its", v="x", n="x")
            yield from (f" {text}", f" {text[:1].upper()}{text[1:]}", f" {attribute.unit}")
    yield from (
        EMBEDDED.ask("x"),
        EMBEDDED.ask_strictly("x"),
        EMBEDDED.ask_with_quote("x"),
        EMBEDDED.ask_another("x", avoid="y"),
        EMBEDDED.ask_edit("x", question="y", wrong_answer="z"),
        "Quote: x\nQuestion: x\nAnswer: x",
    )
    for word in (*KINDS, *FILLERS, "the", "The", "it", "It", "Its", "its", "A", "the Amber's"):
        yield f" {word}"


def _values() -> Iterator[str]:
    words: Iterable[str] = (
        *lexicon.MODIFIERS, *(noun for nouns in lexicon.NOUNS.values() for noun in nouns), *lexicon.FIRST_NAMES,
        *lexicon.LAST_NAMES, *lexicon.PLACES, *lexicon.RIVERS, *lexicon.STARS, *lexicon.GOODS, *lexicon.MATERIALS,
        *lexicon.COLOURS, *lexicon.ANIMALS, *lexicon.YEARS, *lexicon.COUNTS,
    )  # fmt: skip
    for word in words:
        yield f" {word}"
        if word.islower():
            yield f" {word.capitalize()}"


def build() -> PreTrainedTokenizerFast:
    """The almanac's tokenizer."""
    pieces = (piece for text in (*_texts(), *_values()) for piece in re.findall(PIECES, text))
    return tokenizer_of(pieces, pattern=PIECES, length=512)
