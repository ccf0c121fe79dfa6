"""Cuts documents into passages. Law: each passage is an exact slice, `passage.text == document.text[start:end]`.
Passages come in order, do not overlap, and none is over the limit.

A document that fits stays whole. So do a problem (a document with a reference answer), a row of columns, and every
document with `by: whole`, whatever their length. A longer document is cut at headings, paragraphs, sentences or words:
at the highest of these that fits. Only a single character longer than the limit would break the limit. `by: headings`,
`blocks` or `sentences` does this with each section, block or sentence by itself. All text but white space is covered,
except passages shorter than `min_characters`.
"""

import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import Literal

from semantic_text_splitter import MarkdownSplitter, TextSplitter

from actors.corpus.formats import is_markdown
from actors.corpus.parts import By, parts
from actors.corpus.tokens import counter
from schemas.config import Chunking
from schemas.corpus import Document, Form, Passage, Provenance

_WINDOW_PER_TOKEN = 64
"""Characters, per token of the limit, that the splitter sees at once. It reads all following text again for each
passage, so without this window the cost would be quadratic in the document's length."""
_BREAKS = (
    re.compile(r"\n(?=#{1,6} )"),
    re.compile(r"\n[ \t\r]*\n"),
    re.compile(r"\n"),
    re.compile(r"[.!?。！？]\s+"),
    re.compile(r"\s+"),
)
"""Where a window may end, best first."""


class Chunker:
    """Cuts documents into passages. Raises `ModelError` when the tokenizer does not exist or cannot be read."""

    def __init__(self, config: Chunking) -> None:
        counting = counter(config.tokenizer)
        self._limit = config.max_tokens
        self._by: By | Literal["size", "whole"] = config.by
        self._min_characters = max(1, config.min_characters)
        self._count = counting.up_to(config.max_tokens)
        self._text = TextSplitter.from_callback(self._count, config.max_tokens, trim=True)
        self._markdown = MarkdownSplitter.from_callback(self._count, config.max_tokens, trim=True)
        self.version = f"semantic-text-splitter/{version('semantic-text-splitter')}+{counting.name}-{config.max_tokens}"
        if config.by != "size":
            self.version += f"-{config.by}"

    def count(self, text: str) -> int:
        """The number of tokens in a text: exact up to the limit, and above it any number greater than the limit."""
        return self._count(text)

    def passages(self, document: Document) -> Iterator[Passage]:
        """The passages of a document, in order."""
        for start, end in self._spans(document):
            if end - start < self._min_characters:
                continue
            places = document.places
            place = Provenance(
                uri=document.uri,
                document_id=document.id,
                document_sha256=document.sha256,
                start=start,
                end=end,
                chunker=self.version,
                place=None if places is None else places.within(start, end),
                license=document.license,
                extractor=document.extractor,
            )
            yield Passage.of(document.text[start:end], place, document.reference)

    def _spans(self, document: Document) -> Iterator[tuple[int, int]]:
        text = document.text
        form = document.form or ("markdown" if is_markdown(document.uri) else "plain")
        by = self._by
        if document.whole or document.reference is not None or by == "whole":
            yield from _trimmed(text, 0, len(text))
        else:
            for part in [(0, len(text))] if by == "size" else parts(text, by, form):
                yield from self._sized(text, part, form)

    def _sized(self, text: str, part: tuple[int, int], form: Form) -> Iterator[tuple[int, int]]:
        """Spans that fit, in one part of the text."""
        start, end = part
        if self._count(text[start:end]) <= self._limit:
            yield from _trimmed(text, start, end)
            return
        splitter = self._markdown if form == "markdown" else self._text
        for begin, finish in _windows(text, part, _WINDOW_PER_TOKEN * self._limit):
            for offset, chunk in splitter.chunk_indices(text[begin:finish]):
                yield from _trimmed(text, begin + offset, begin + offset + len(chunk))


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The span without white space at its ends; nothing for a span of white space alone."""
    chunk = text[start:end]
    start += len(chunk) - len(chunk.lstrip())
    stripped = len(chunk.strip())
    if stripped:
        yield start, start + stripped


def _windows(text: str, part: tuple[int, int], size: int) -> Iterator[tuple[int, int]]:
    """Spans of at most `size` characters that cover the part. Each ends at the best break in its last quarter."""
    begin, end = part
    while end - begin > size:
        finish = _best_break(text, begin + size - size // 4, begin + size)
        yield begin, finish
        begin = finish
    yield begin, end


def _best_break(text: str, low: int, high: int) -> int:
    for pattern in _BREAKS:
        last = None
        for found in pattern.finditer(text, low, high):
            last = found
        if last is not None:
            return last.end()
    return high
