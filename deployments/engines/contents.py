"""Token ids of contents. Law: a text never gives a token of markup, whatever the text spells.

Markup is the tokens that were added to a vocabulary: `<|im_end|>`, but also `<think>` and `<tool_response>`, which
their tokenizers do not call special. If a text spells one, its characters are tokenised like any others. White space
and single characters are no markup, though some tokenizers add runs of spaces and some models are padded with `!`. The
unknown token stands for characters that a vocabulary lacks.
"""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from tokenizers import Tokenizer

from schemas.errors import EngineError, ErrorKind, ModelError

Piece = tuple[int, tuple[int, int]]
"""An id, and the span of the characters that gave it."""


class ContentTokenizer:
    """A Hugging Face tokenizer for contents."""

    def __init__(self, tokenizer: Any, model: str) -> None:
        self._model = model
        self._markup = _markup_ids(tokenizer)
        self._pieces = _reader(tokenizer, self._markup)
        self.before, self.after = _around(tokenizer, model)
        """The tokens that the model wants around a single text: a classifier's first and last, say."""

    def text(self, text: str) -> list[int]:
        """Ids of a content inside a prompt.

        Raises EngineError (permanent) for a character that a tokenizer reads as markup by itself.
        """
        ids: list[int] = []
        waiting = [text]
        while waiting:
            part = waiting.pop()
            found = self._pieces(part)
            cuts = sorted({(start + end) // 2 for one, (start, end) in found if one in self._markup})
            if not cuts:
                ids += [one for one, _ in found]
                continue
            if cuts[0] == 0 or cuts[-1] >= len(part):
                raise EngineError(ErrorKind.PERMANENT, f"a text holds {part[cuts[0]]!r}, one of the model's own tokens")
            waiting += reversed([part[begin:end] for begin, end in pairwise((0, *cuts, len(part)))])
        return ids

    def check_single(self, rows: int | None) -> None:
        """Raises ModelError if a token around a single text is not among the model's `rows` of tokens."""
        beyond = max((*self.before, *self.after), default=0)
        if rows is not None and beyond >= rows:
            raise ModelError(
                f"{self._model}: its tokenizer puts token {beyond} around a text; the model has {rows}: not a pair"
            )

    def single(self, text: str, longest: int | None = None) -> list[int]:
        """Ids of a single text with the tokens around it, `longest` at most: the text's end is cut off for that."""
        room = None if longest is None else max(0, longest - len(self.before) - len(self.after))
        return [*self.before, *self.text(text)[:room], *self.after]


def _markup_ids(tokenizer: Any) -> frozenset[int]:
    unknown = {tokenizer.unk_token_id} - {tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id}
    return frozenset(
        one
        for token, one in tokenizer.get_added_vocab().items()
        if len(token) > 1 and token.strip(" \t\r\n▁Ġ") and one not in unknown
    )


def _reader(tokenizer: Any, markup: frozenset[int]) -> Callable[[str], list[Piece]]:
    """Reads with the tokenizer's own model, without its added tokens. A tokenizer in Python gives no spans: then each
    piece has the span of the whole text."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if not isinstance(backend, Tokenizer):

        def read_slowly(text: str) -> list[Piece]:
            ids = tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
            return [(one, (0, len(text))) for one in ids]

        return read_slowly

    described = json.loads(backend.to_str())
    for token in described["added_tokens"]:
        token["special"] = token["id"] in markup  # for `encode_special_tokens` speaks of these alone
    own = Tokenizer.from_str(json.dumps(described))
    own.encode_special_tokens = True
    own.no_truncation()
    own.no_padding()

    def read(text: str) -> list[Piece]:
        encoding = own.encode(text, add_special_tokens=False)
        return list(zip(encoding.ids, encoding.offsets, strict=True))

    return read


def _around(tokenizer: Any, model: str) -> tuple[list[int], list[int]]:
    inner = tokenizer.encode("x", add_special_tokens=False)
    whole = tokenizer.encode("x", add_special_tokens=True)
    for start in range(len(whole) - len(inner) + 1):
        if whole[start : start + len(inner)] == inner:
            return whole[:start], whole[start + len(inner) :]
    raise ModelError(f"{model}: its tokenizer changes a text that it puts special tokens around: it cannot be used")
