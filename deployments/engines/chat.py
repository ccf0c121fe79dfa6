"""Token ids of chats and texts. Law: what a message contains is never read as markup.

The template is rendered with placeholders in place of the contents; its own parts are tokenised with special tokens
parsed, the contents without. A passage that holds a model's end-of-turn token stays a passage.
"""

import re
from collections.abc import Sequence
from typing import Any

from schemas.errors import ModelError
from schemas.samples import Message

_PLACEHOLDER = re.compile("\ue000([0-9]+)\ue001")
"""Private-use characters: no template makes them."""
_BLANK = "\u2003"
"""Around a placeholder: a space that no template writes, so what became of it tells whether contents are stripped."""


class ChatTokenizer:
    """A Hugging Face tokenizer that keeps contents apart from markup."""

    def __init__(self, tokenizer: Any, model: str) -> None:
        self._tokenizer = tokenizer
        self._model = model

    def chat(self, messages: Sequence[Message]) -> list[int]:
        """The prompt's ids, ready for the assistant's turn. A message that the template leaves out is left out.

        Raises ModelError when the tokenizer has no chat template.
        """
        ids: list[int] = []
        for part, content in self._parts(messages):
            ids.extend(self._markup(part))
            if content is not None:
                ids.extend(self.text(content))
        return ids

    def text(self, text: str) -> list[int]:
        """Ids of a content: special tokens in it are ordinary characters."""
        return self._tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)

    def with_special_tokens(self, text: str) -> list[int]:
        """Ids of a content inside what the model wants around a single text (a classifier's first token, say)."""
        return self._tokenizer.encode(text, add_special_tokens=True, split_special_tokens=True)

    def _markup(self, part: str) -> list[int]:
        return self._tokenizer.encode(part, add_special_tokens=False) if part else []

    def _parts(self, messages: Sequence[Message]) -> list[tuple[str, str | None]]:
        if not getattr(self._tokenizer, "chat_template", None):
            raise ModelError(f"{self._model}: its tokenizer has no chat template, so it cannot be a generator")
        turns = [{"role": message.role, "content": _padded(place)} for place, message in enumerate(messages)]
        rendered: str = self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        split = _PLACEHOLDER.split(rendered)
        parts: list[tuple[str, str | None]] = []
        for before, place, after in zip(split[:-1:2], split[1::2], split[2::2], strict=True):
            content = messages[int(place)].content
            content = content if before.endswith(_BLANK) else content.lstrip()
            content = content if after.startswith(_BLANK) else content.rstrip()
            parts.append((before.strip(_BLANK), content))
        parts.append((split[-1].strip(_BLANK), None))
        return parts


def _padded(place: int) -> str:
    return f"{_BLANK}\ue000{place}\ue001{_BLANK}"
