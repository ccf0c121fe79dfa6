"""Facts about a loaded model, read from the engine's own objects."""

from collections.abc import Iterable, Sequence
from typing import Any

from deployments.engines.chat import ChatTokenizer
from schemas.role_cards import ModelFacts

SWITCHES = ("enable_thinking", "thinking", "thinking_budget", "reasoning_effort")
"""Variables of today's chat templates that turn thinking on or off, or set how much of it there is."""


def chat_facts(
    chats: ChatTokenizer, tokenizer: Any, *, ends: Iterable[int], context: int | None, slots: int | None
) -> ModelFacts:
    """Facts of a generator. `ends`: the tokens that end its turn."""
    return ModelFacts(
        context=context,
        slots=slots,
        template=chats.shape(),
        system_turn=chats.system_turn(),
        thinking=chats.variables(SWITCHES),
        turn_ends=tuple(_tokens(tokenizer, sorted(ends))),
    )


def classifier_facts(config: Any, tokenizer: Any, *, context: int | None, slots: int | None) -> ModelFacts:
    """Facts of a sequence classifier. `config`: the model's, for its labels."""
    labels = getattr(config, "id2label", None) or {}
    return ModelFacts(
        context=context,
        slots=slots,
        padding=_token(tokenizer, getattr(config, "pad_token_id", None)),
        labels=tuple(str(labels[index]) for index in sorted(labels)),
    )


def _tokens(tokenizer: Any, ids: Sequence[int]) -> list[str]:
    return [str(token) for token in tokenizer.convert_ids_to_tokens(ids)]


def _token(tokenizer: Any, one: int | None) -> str | None:
    return None if one is None else _tokens(tokenizer, [one])[0]
