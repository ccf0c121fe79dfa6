"""Counts the tokens of prompts without a model. Law: a tokenizer is loaded only from a file of this machine that is
small, and neither torch nor transformers is; where there is none, tokens are bounded by characters and never guessed.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer

from deployments.config.rules import is_local
from schemas.config import RunConfig
from schemas.config_deployed import Engine
from schemas.config_engines import TransformersEngine, VllmEngine
from schemas.errors import ModelError
from schemas.forecast import Amounts
from schemas.samples import Message

LARGEST_FILE = 64 << 20
"""Bytes of a tokenizer.json that is loaded: 256,000 tokens with their merges take 33 MB."""
LETTERS = Amounts(1 / 6, 1 / 2)
"""Tokens of one ASCII character that is no digit. SmolLM2's tokenizer takes 1/4.7 of prose to 1/3.4 of Markdown."""
DIGITS = Amounts(1 / 3, 1.0)
OTHERS = Amounts(1 / 3, 5 / 2)
"""Of one character beyond ASCII: the same tokenizer, which was trained on English, takes 1/1.25 of one in Russian and
1/0.54 in Chinese."""


class PromptCounter:
    """Counts by characters, within bounds."""

    by = "characters: 2 to 6 a token, up to 2.5 tokens for one beyond ASCII"

    def text(self, text: str) -> Amounts:
        """Of one text."""
        digits = sum(map(text.count, "0123456789"))
        ascii_characters = len(text.encode("ascii", "ignore"))
        return (
            LETTERS.times(ascii_characters - digits) + DIGITS.times(digits) + OTHERS.times(len(text) - ascii_characters)
        )

    def pair(self, premise: str, text: str) -> Amounts:
        """Of a pair, as a cross-encoder reads it."""
        return self.text(premise) + self.text(text)

    def chat(self, messages: Sequence[Message]) -> Amounts:
        """Of a prompt, without the marks that a template puts between its messages."""
        return self.text("".join(message.content for message in messages))


class TokenizerCounter(PromptCounter):
    """Counts with a tokenizer.json. `template`: the chat template beside it."""

    def __init__(self, tokenizer: Tokenizer, by: str, template: "ChatTemplate | None" = None) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self._template = template
        self.by = by

    def text(self, text: str) -> Amounts:
        """Of one text, with the tokens that the model wants around it."""
        return _known(len(self._tokenizer.encode(text).ids))

    def pair(self, premise: str, text: str) -> Amounts:
        """Of a pair, as a cross-encoder reads it."""
        return _known(len(self._tokenizer.encode(premise, text).ids))

    def chat(self, messages: Sequence[Message]) -> Amounts:
        """Of a prompt as the template writes it; without one, of its contents."""
        written = None if self._template is None else self._template.written(messages)
        text = "".join(message.content for message in messages) if written is None else written
        return _known(len(self._tokenizer.encode(text, add_special_tokens=False).ids))


class ChatTemplate:
    """The chat template of a model's folder."""

    def __init__(self, source: str, variables: dict[str, Any]) -> None:
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
        environment.globals["raise_exception"] = _refuse
        self._template = environment.from_string(source)
        self._variables = variables

    def written(self, messages: Sequence[Message]) -> str | None:
        """The prompt, which a last message of the assistant's begins to answer; None if the template refuses it."""
        begun = messages[-1].content if messages and messages[-1].role == "assistant" else ""
        turns = [{"role": each.role, "content": each.content} for each in (messages[:-1] if begun else messages)]
        try:
            return self._template.render(messages=turns, add_generation_prompt=True, **self._variables) + begun
        except (TemplateError, TypeError, ValueError, LookupError, AttributeError):
            return None


def prompt_counter(config: RunConfig, engine: Engine) -> PromptCounter:
    """The counter of an engine's prompts: its own tokenizer if that is a small file here, else the corpus's, else
    characters. Raises ModelError for a tokenizer that cannot be read."""
    if isinstance(engine, TransformersEngine | VllmEngine) and is_local(engine.model):
        folder = Path(engine.model)
        if _is_small(file := folder / "tokenizer.json"):
            template = _template(folder, engine.chat_template_kwargs)
            by = "its own tokenizer" + ("" if template is None else " and chat template")
            return TokenizerCounter(_loaded(file), by, template)
    named = config.corpus.chunking.tokenizer
    if named is not None and _is_small(file := _file_of(named)):
        return TokenizerCounter(_loaded(file), "corpus.chunking.tokenizer, which may not be its own")
    return PromptCounter()


def _file_of(named: str) -> Path:
    path = Path(named).expanduser()
    return path / "tokenizer.json" if path.is_dir() else path


def _is_small(file: Path) -> bool:
    return file.is_file() and file.stat().st_size <= LARGEST_FILE


def _loaded(file: Path) -> Tokenizer:
    try:
        return Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises bare Exception
        reason = str(error).split("\n", 1)[0][:200]
        raise ModelError(f"{file}: not a readable tokenizer: {reason}") from error


def _template(folder: Path, kwargs: dict[str, Any]) -> ChatTemplate | None:
    """The folder's template, if it has one that Jinja reads."""
    try:
        settings = json.loads((folder / "tokenizer_config.json").read_text())
        beside = folder / "chat_template.jinja"
        source = beside.read_text() if beside.is_file() else settings.get("chat_template")
        marks = {name: _mark(settings.get(name)) for name in ("bos_token", "eos_token", "pad_token", "unk_token")}
        return ChatTemplate(source, {**marks, **kwargs}) if isinstance(source, str) else None
    except (OSError, ValueError, TemplateError):
        return None


def _mark(token: object) -> str:
    said = token.get("content") if isinstance(token, dict) else token
    return said if isinstance(said, str) else ""


def _refuse(message: str) -> None:
    raise TemplateError(message)


def _known(tokens: int) -> Amounts:
    return Amounts(tokens, tokens)
