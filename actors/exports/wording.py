"""How a passage and a draft become a prompt and a completion, in either view and either form.

Law: whatever is set against each other answers the same prompt, character by character.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from actors.exports.columns import as_messages
from actors.exports.families import Child, Told
from schemas.exports import ExportRequest, Form, View
from schemas.recovery import Repairs
from schemas.samples import Draft, Message

Chat = Callable[[str, Draft], Sequence[Message]]
"""Passage and draft to the user's turn, then the assistant's."""
Written = Callable[[Draft], str]
"""A draft as a generator is asked to write it at a first attempt."""


class ExportWording(Struct, frozen=True):
    """What rows need beside the ledger."""

    chat: Chat
    written: Written


class Exchange(Struct, frozen=True):
    """One prompt and what was said to it."""

    prompt: tuple[Message, ...]
    completion: str

    @property
    def question(self) -> str:
        """What the prompt asks, however it is spaced and capitalised."""
        return alike("\n".join(message.content for message in self.prompt))

    @property
    def answer(self) -> str:
        return alike(self.completion)


def alike(text: str) -> str:
    """The text without case and without the width of its spaces: texts that differ in these alone say the same."""
    return " ".join(text.casefold().split())


def exchange(told: Told, child: Child, asked: ExportRequest, wording: ExportWording) -> Exchange | None:
    """What an attempt says in the asked view; None where it says nothing that this view can show."""
    candidate = told.attempt.candidate
    if candidate is None:
        return None
    if asked.view is View.ANSWER:
        return None if candidate.draft is None else answered(told.life.passage.text, candidate.draft, wording)
    prompt = _first_prompt(child)
    if prompt is None:
        return None
    if candidate.draft is not None:
        return Exchange(prompt, wording.written(candidate.draft))
    repair = told.attempt.repair
    in_another_form = repair is not None and (
        repair.kind == Repairs.QUOTE_THEN_ANSWER or bool(repair.prefix or repair.words)
    )
    return None if in_another_form else Exchange(prompt, candidate.text)


def answered(passage: str, draft: Draft, wording: ExportWording) -> Exchange:
    """A draft as a student sees it."""
    *prompt, answer = wording.chat(passage, draft)
    return Exchange(tuple(prompt), answer.content)


def prompt_of(exchange: Exchange, form: Form) -> list | str:
    """The prompt as a column holds it."""
    if form is Form.MESSAGES:
        return as_messages(exchange.prompt)
    return "\n\n".join(message.content for message in exchange.prompt) + "\n\n"


def said_of(completion: str, form: Form) -> list | str:
    """A completion as a column holds it."""
    return as_messages((Message("assistant", completion),)) if form is Form.MESSAGES else completion


def _first_prompt(child: Child) -> tuple[Message, ...] | None:
    """What the order's generator was asked when nothing had been rejected yet."""
    firsts = (told.attempt for told in child.attempts if told.attempt.repair is None)
    return next((first.candidate.prompt for first in firsts if first.candidate is not None), None)
