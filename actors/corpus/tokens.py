"""Counts tokens: with a model's own tokenizer, or as words and punctuation. White space at the ends never counts."""

import os
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from schemas.errors import ModelError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORDS = re.compile(rf"[{_CJK}]|[^\W{_CJK}]{{1,16}}|[^\w\s]")
"""One character of an unspaced script, up to 16 letters of a word, or one symbol: close to what tokenizers count."""
_PREFIX_PER_TOKEN = 16
"""Of a longer text first a beginning of so many characters per token is counted. If that is over twice the limit, the
rest is not read."""


class Counter(Struct, frozen=True):
    """Counts tokens. `name` identifies the way of counting in a passage's provenance."""

    name: str
    count: Callable[[str], int]

    def up_to(self, limit: int) -> Callable[[str], int]:
        """A function that counts exactly up to `limit`, and gives any greater number above it."""

        def count(text: str) -> int:
            if len(text) > _PREFIX_PER_TOKEN * limit:
                beginning = self.count(text[: _PREFIX_PER_TOKEN * limit])
                if beginning > 2 * limit:
                    return beginning
            return self.count(text)

        return count


def count_words(text: str) -> int:
    """The number of words and punctuation marks in a text."""
    return len(_WORDS.findall(text))


def counter(tokenizer: str | None) -> Counter:
    """The counter of a tokenizer.json, a model folder or a Hugging Face name. None counts words.

    Raises `ModelError` when the tokenizer does not exist or cannot be read.
    """
    if tokenizer is None:
        return Counter(name="words", count=count_words)
    loaded = _load(tokenizer)
    loaded.no_truncation()
    loaded.no_padding()
    digest = sha256(loaded.to_str().encode()).hexdigest()[:12]
    return Counter(
        name=f"tokenizer-{digest}",
        count=lambda text: len(loaded.encode(text.strip(), add_special_tokens=False).ids),
    )


def _load(tokenizer: str) -> "Tokenizer":
    from tokenizers import Tokenizer  # heavy, and only this path needs it

    path = Path(os.path.expanduser(tokenizer))
    file = path / "tokenizer.json" if path.is_dir() else path
    looks_local = path.is_absolute() or tokenizer.startswith((".", "~")) or tokenizer.endswith(".json")
    try:
        if file.is_file():
            return Tokenizer.from_file(str(file))
        if looks_local or path.is_dir():
            raise ModelError(f"corpus.chunking.tokenizer: there is no tokenizer at {file}; name a tokenizer.json")
        return Tokenizer.from_pretrained(tokenizer)
    except ModelError:
        raise
    except Exception as error:  # the library raises bare Exception for a broken file and for a name it cannot fetch
        reason = str(error).split("\n", 1)[0][:200]
        raise ModelError(f"corpus.chunking.tokenizer: {tokenizer} is not a readable tokenizer: {reason}") from error
