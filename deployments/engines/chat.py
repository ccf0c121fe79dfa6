"""Token ids of chats and texts. Law: the content of a message is never read as markup, and no message of a user or an
assistant is left out.

The template is rendered with placeholders in place of the contents; its own parts are tokenised with special tokens
parsed, the contents without. A passage that holds a model's end-of-turn token stays a passage. Each sequence of roles
is rendered once and remembered.
"""

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from jinja2 import TemplateError
from msgspec import Struct
from msgspec.structs import replace

from deployments.engines.contents import ContentTokenizer
from deployments.engines.messages import merge_system
from schemas.config_engines import TransformersEngine, VllmEngine
from schemas.errors import ConfigError, EngineError, ErrorKind, ModelError
from schemas.role_cards import SystemTurn
from schemas.samples import Completion, GenerationRequest, Message

Role = Literal["system", "user", "assistant"]
Scalar = str | int | float | bool

_PLACEHOLDER = re.compile("\ue000([0-9]+)\ue001")
"""Private-use characters: no template writes them."""
_BLANK = "\u2003"
"""A space that no template writes, around a placeholder: if it is gone, the template strips contents."""
_SHAPES: tuple[tuple[Role, ...], ...] = (
    ("system", "user"),
    ("system", "user", "assistant"),
    ("system", "user", "assistant", "user"),
)
"""The sequences of turns that a run sends: a request, one with a begun answer, one with an example before."""
_TURNS: tuple[Role, ...] = ("system", "user")
_MERGED: tuple[Role, ...] = ("user",)
_REFUSALS = (TemplateError, TypeError, ValueError, LookupError, AttributeError)
"""Errors that templates raise for turns that they do not support."""
_OPENS_THOUGHTS = re.compile(
    r"(<(?:think|thinking|thought|thoughts|reasoning|seed:think)>|\[THINK\]|◁think▷)\s*\Z", re.IGNORECASE
)
"""A mark at the end of a rendered prompt that begins the model's thoughts."""
_LIST_AS_TEXT = re.compile(r"""["']type["']: ["']text["']""")


class Slot(Struct, frozen=True):
    """The place of the content of message `place` in a rendered template: after the ids `before`."""

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
    """A template rendered for a sequence of roles. If a system message has no slot, the template leaves it out."""

    slots: tuple[Slot, ...]
    after: list[int]
    opened: str = ""
    """The mark with which the template itself begins the model's thoughts; "" if it does not."""


class ChatTokenizer:
    """A Hugging Face tokenizer that keeps contents apart from markup.

    `system_role`: `merge` joins system messages with the user's turn; `keep` gives them to the template.
    `template_kwargs`: further variables of the template, such as `enable_thinking`.
    `rows`: number of ids with an embedding in the model; the tokenizer may know more, but no prompt may have them.

    Raises ConfigError for a variable that the template does not read.
    """

    def __init__(
        self,
        tokenizer: Any,
        model: str,
        *,
        system_role: Literal["keep", "merge"] = "keep",
        template_kwargs: Mapping[str, Scalar] | None = None,
        rows: int | None = None,
    ) -> None:
        self._tokenizer = tokenizer
        self._model = model
        self._merges = system_role == "merge"
        self._kwargs = dict(template_kwargs or {})
        self._rows = rows
        self._contents = ContentTokenizer(tokenizer, model)
        self._renderings: dict[tuple[str, ...], Rendering] = {}
        self._check_kwargs()

    @classmethod
    def of(cls, config: TransformersEngine | VllmEngine, tokenizer: Any, *, rows: int | None) -> "ChatTokenizer":
        """The tokenizer of an engine's configuration."""
        return cls(
            tokenizer,
            config.model,
            system_role=config.system_role,
            template_kwargs=config.chat_template_kwargs,
            rows=rows,
        )

    def check(self) -> None:
        """Renders every sequence of turns that a run sends. Raises ModelError, with advice, if the template refuses one
        or leaves out a message of a user or an assistant."""
        for roles in _SHAPES:
            try:
                self.chat([Message(role, "x") for role in roles])
            except EngineError as error:
                raise ModelError(error.detail + self._advice(roles)) from error

    def chat(self, messages: Sequence[Message]) -> list[int]:
        """The prompt's ids, ready for the assistant's turn. If the last message is the assistant's, the model continues
        it: its text comes last, unchanged, after the same prompt.

        Raises ModelError when the tokenizer has no chat template, EngineError when the template refuses these turns.
        """
        if self._merges:
            messages = merge_system(messages)
        if messages and messages[-1].role == "assistant":
            return self.chat(messages[:-1]) + self.text(messages[-1].content)
        rendering = self._rendering(messages)
        ids: list[int] = []
        for slot in rendering.slots:
            ids += slot.before
            ids += self.text(slot.content(messages))
        return ids + rendering.after

    def as_turn(self, request: GenerationRequest, completion: Completion) -> Completion:
        """The completion as the model's whole turn. If the template itself began the thoughts (as DeepSeek-R1's does),
        their mark is added, so that thoughts that were cut off are not taken for an answer. A reply under a schema has
        no thoughts."""
        messages = merge_system(request.messages) if self._merges else request.messages
        if request.json_schema is not None or (messages and messages[-1].role == "assistant"):
            return completion
        opened = self._rendering(messages).opened
        return replace(completion, text=f"{opened}\n{completion.text}") if opened else completion

    def _rendering(self, messages: Sequence[Message]) -> Rendering:
        roles = tuple(message.role for message in messages)
        rendering = self._renderings.get(roles)
        if rendering is None:
            rendering = self._renderings[roles] = self._render(roles)
        return rendering

    def shape(self) -> str:
        """A system turn and a user turn as the template writes them; `{system}` and `{user}` stand for the contents."""
        roles = _MERGED if self._merges else _TURNS
        named = _PLACEHOLDER.sub(lambda found: f"{{{roles[int(found[1])]}}}", self._rendered(roles))
        return named.replace(_BLANK, "")

    def system_turn(self) -> SystemTurn:
        """What the template does with a system message."""
        if self._merges:
            return SystemTurn.MERGED
        return SystemTurn.OWN if "{system}" in self.shape() else SystemTurn.LEFT_OUT

    def variables(self, names: Iterable[str]) -> tuple[str, ...]:
        """The names among these that the template reads, each with its value."""
        template = self._tokenizer.get_chat_template()
        read = [name for name in names if re.search(rf"\b{re.escape(name)}\b", template)]
        return tuple(f"{name}: {str(self._kwargs.get(name, 'not set')).lower()}" for name in read)

    def begun(self, messages: Sequence[Message]) -> tuple[list[int], list[int]]:
        """Ids of the prompt, and of the last message, which is the assistant's. Together they are `chat` of the same.

        Raises EngineError (permanent) if there is no such message or it is empty; otherwise as `chat`.
        """
        if not messages or messages[-1].role != "assistant" or not messages[-1].content:
            raise EngineError(ErrorKind.PERMANENT, "there is no text of the assistant's to score")
        return self.chat(messages[:-1]), self.text(messages[-1].content)

    def text(self, text: str) -> list[int]:
        """Ids of a content: markup in it is ordinary characters."""
        return self._contents.text(text)

    def token(self, one: int) -> str:
        """The text of a single token, with the space before it if it has one."""
        return self._tokenizer.decode([one])

    def with_special_tokens(self, text: str) -> list[int]:
        """Ids of a content with the tokens that the model wants around a single text (a classifier's first, say)."""
        return self._contents.single(text)

    def _render(self, roles: tuple[str, ...]) -> Rendering:
        if not getattr(self._tokenizer, "chat_template", None):
            raise ModelError(f"{self._model}: its tokenizer has no chat template, so it cannot be a generator")
        rendered = self._rendered(roles)
        split = _PLACEHOLDER.split(rendered)
        slots = [
            Slot(self._markup(before), int(place), not before.endswith(_BLANK), not after.startswith(_BLANK))
            for before, place, after in zip(split[:-1:2], split[1::2], split[2::2], strict=True)
        ]
        opened = _OPENS_THOUGHTS.search(split[-1])
        return Rendering(tuple(slots), self._markup(split[-1]), "" if opened is None else opened[1])

    def _rendered(self, roles: tuple[str, ...]) -> str:
        """The rendered template, with contents as texts, or as lists of parts for roles that it shows only so."""
        try:
            rendered = self._apply(roles, frozenset())
            missing = _missing(roles, rendered)
        except _REFUSALS as error:
            rendered, missing = None, frozenset(roles)
            refusal = self._misfit(f"refuses the turns {', '.join(roles)}: {error}")
        else:
            refusal = self._misfit(f"leaves out the content of the role {', '.join(sorted(missing - {'system'}))}")
        if missing:
            try:
                as_parts = self._apply(roles, missing)
            except _REFUSALS:
                as_parts = ""
            if not _LIST_AS_TEXT.search(as_parts) and _missing(roles, as_parts) < missing:
                rendered, missing = as_parts, _missing(roles, as_parts)
        if rendered is None or missing - {"system"}:
            raise refusal
        return rendered

    def _apply(self, roles: tuple[str, ...], in_parts: frozenset[str]) -> str:
        turns = []
        for place, role in enumerate(roles):
            text = f"{_BLANK}\ue000{place}\ue001{_BLANK}"
            turns.append({"role": role, "content": [{"type": "text", "text": text}] if role in in_parts else text})
        return self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True, **self._kwargs)

    def _markup(self, part: str) -> list[int]:
        part = part.strip(_BLANK)
        ids = self._tokenizer.encode(part, add_special_tokens=False) if part else []
        beyond = max(ids, default=0)
        if self._rows is not None and beyond >= self._rows:
            token = self._tokenizer.convert_ids_to_tokens(beyond)
            raise self._misfit(f"writes {token!r}, token {beyond}; the model has {self._rows}")
        return ids

    def _misfit(self, what: str) -> EngineError:
        return EngineError(ErrorKind.PERMANENT, f"{self._model}: its chat template {' '.join(what.split())}")

    def _advice(self, roles: Sequence[Role]) -> str:
        """The key that helps, if merging the system message makes the turns acceptable."""
        if self._merges:
            return ""
        try:
            self.chat(merge_system([Message(role, "x") for role in roles]))
        except EngineError:
            return ""
        return "; set `system_role: merge` beside its `model`, and the user's turn holds the system's text"

    def _check_kwargs(self) -> None:
        """Raises ConfigError for a variable that the template does not read: it would change nothing, silently."""
        if not self._kwargs:
            return
        ours = inspect.signature(self._tokenizer.apply_chat_template).parameters
        template = self._tokenizer.get_chat_template() if getattr(self._tokenizer, "chat_template", None) else ""
        for name in self._kwargs:
            if name in ours or name == "messages" or not re.search(rf"\b{re.escape(name)}\b", template):
                raise ConfigError(f"{self._model}: chat_template_kwargs.{name}: its chat template has no such variable")


def _missing(roles: Sequence[str], rendered: str) -> frozenset[str]:
    """Roles with a message whose content is not shown."""
    shown = {int(found[1]) for found in _PLACEHOLDER.finditer(rendered)}
    return frozenset(role for place, role in enumerate(roles) if place not in shown)
