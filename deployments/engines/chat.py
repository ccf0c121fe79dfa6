"""Token ids of chats and texts. Law: what a message contains is never read as markup.

The template is rendered with placeholders in place of the contents; its own parts are tokenised with special tokens
parsed, the contents without. A passage that holds a model's end-of-turn token stays a passage. Each sequence of roles
is rendered once and remembered.
"""

import re
from collections.abc import Sequence
from typing import Any

from jinja2 import TemplateError
from msgspec import Struct

from schemas.errors import EngineError, ErrorKind, ModelError
from schemas.samples import Message

_PLACEHOLDER = re.compile("\ue000([0-9]+)\ue001")
"""Private-use characters: no template makes them."""
_BLANK = "\u2003"
"""Around a placeholder: a space that no template writes, so what became of it tells whether contents are stripped."""


class Slot(Struct, frozen=True):
    """Where the content of message `place` stands in a rendered template, after `before`."""

    before: list[int]
    place: int
    strips_left: bool
    strips_right: bool

    def content(self, messages: Sequence[Message]) -> str:
        """The message's content as the template shows it."""
        content = messages[self.place].content
        content = content.lstrip() if self.strips_left else content
        return content.rstrip() if self.strips_right else content


class Rendering(Struct, frozen=True):
    """A template over a sequence of roles. A message without a slot is left out."""

    slots: tuple[Slot, ...]
    after: list[int]


class ChatTokenizer:
    """A Hugging Face tokenizer that keeps contents apart from markup."""

    def __init__(self, tokenizer: Any, model: str) -> None:
        self._tokenizer = tokenizer
        self._model = model
        self._renderings: dict[tuple[str, ...], Rendering] = {}

    def chat(self, messages: Sequence[Message]) -> list[int]:
        """The prompt's ids, ready for the assistant's turn. A last message of the assistant's is that turn begun, to
        be gone on with: its text stands behind the same prompt as it is, and nothing behind it.

        Raises ModelError when the tokenizer has no chat template, EngineError when the template refuses these turns.
        """
        if messages and messages[-1].role == "assistant":
            return self.chat(messages[:-1]) + self.text(messages[-1].content)
        roles = tuple(message.role for message in messages)
        rendering = self._renderings.get(roles)
        if rendering is None:
            rendering = self._renderings[roles] = self._render(roles)
        ids: list[int] = []
        for slot in rendering.slots:
            ids += slot.before
            ids += self.text(slot.content(messages))
        return ids + rendering.after

    def text(self, text: str) -> list[int]:
        """Ids of a content: special tokens in it are ordinary characters."""
        return self._tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)

    def with_special_tokens(self, text: str) -> list[int]:
        """Ids of a content inside what the model wants around a single text (a classifier's first token, say)."""
        return self._tokenizer.encode(text, add_special_tokens=True, split_special_tokens=True)

    def _render(self, roles: tuple[str, ...]) -> Rendering:
        if not getattr(self._tokenizer, "chat_template", None):
            raise ModelError(f"{self._model}: its tokenizer has no chat template, so it cannot be a generator")
        turns = [{"role": role, "content": _padded(place)} for place, role in enumerate(roles)]
        try:
            rendered = self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        except TemplateError as error:
            detail = f"{self._model}: its chat template refuses the turns {', '.join(roles)}: {error}"
            raise EngineError(ErrorKind.PERMANENT, detail) from error
        split = _PLACEHOLDER.split(rendered)
        slots = [
            Slot(self._markup(before), int(place), not before.endswith(_BLANK), not after.startswith(_BLANK))
            for before, place, after in zip(split[:-1:2], split[1::2], split[2::2], strict=True)
        ]
        return Rendering(tuple(slots), self._markup(split[-1]))

    def _markup(self, part: str) -> list[int]:
        part = part.strip(_BLANK)
        return self._tokenizer.encode(part, add_special_tokens=False) if part else []


def _padded(place: int) -> str:
    return f"{_BLANK}\ue000{place}\ue001{_BLANK}"
