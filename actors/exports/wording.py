"""Turns a passage and a draft into a prompt and a completion, in either view and either form.

Law: texts that are compared answer the same prompt, character by character.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from actors.exports.columns import as_messages
from actors.exports.families import Child, Told
from schemas.corpus import Passage
from schemas.exports import ExportRequest, Form, View
from schemas.recovery import Repairs
from schemas.samples import Draft, Message

Chat = Callable[[str, Draft], Sequence[Message]]
"""Turns a passage and a draft into the user's turn, then the assistant's."""
Written = Callable[[Draft], str]
"""A draft in the form that a generator is asked for at a first attempt."""


class ExportWording(Struct, frozen=True):
    """The wording that rows need beside the ledger."""

    chat: Chat
    written: Written
    alone: Callable[[Passage], tuple[Message, ...]] | None = None
    """Asks for one sample, where first attempts may have asked for several at once; None: as the first attempt did."""


class Exchange(Struct, frozen=True):
    """One prompt and its completion."""

    prompt: tuple[Message, ...]
    completion: str

    @property
    def question(self) -> str:
        """The prompt's text without case and extra white space."""
        return alike("\n".join(message.content for message in self.prompt))

    @property
    def answer(self) -> str:
        return alike(self.completion)


def alike(text: str) -> str:
    """The text without case and extra white space, for comparing texts."""
    return " ".join(text.casefold().split())


def exchange(told: Told, child: Child, asked: ExportRequest, wording: ExportWording) -> Exchange | None:
    """An attempt's prompt and completion in the requested view; None when this view cannot show the attempt."""
    candidate = told.attempt.candidate
    if candidate is None:
        return None
    if asked.view is View.ANSWER:
        return None if candidate.draft is None else answered(told.life.passage.text, candidate.draft, wording)
    prompt = _first_prompt(child) if wording.alone is None else wording.alone(told.life.passage)
    if prompt is None:
        return None
    if candidate.draft is not None:
        return Exchange(prompt, wording.written(candidate.draft))
    repair = told.attempt.repair
    if repair is None and wording.alone is not None:
        return None  # it may answer the prompt for several
    in_another_form = repair is not None and (
        repair.kind == Repairs.QUOTE_THEN_ANSWER or bool(repair.prefix or repair.words)
    )
    return None if in_another_form else Exchange(prompt, candidate.text)


def answered(passage: str, draft: Draft, wording: ExportWording) -> Exchange:
    """A draft in the student's view."""
    *prompt, answer = wording.chat(passage, draft)
    return Exchange(tuple(prompt), answer.content)


def prompt_of(exchange: Exchange, form: Form) -> list | str:
    """The prompt as a column's value."""
    if form is Form.MESSAGES:
        return as_messages(exchange.prompt)
    return "\n\n".join(message.content for message in exchange.prompt) + "\n\n"


def said_of(completion: str, form: Form) -> list | str:
    """A completion as a column's value."""
    return as_messages((Message("assistant", completion),)) if form is Form.MESSAGES else completion


def _first_prompt(child: Child) -> tuple[Message, ...] | None:
    """The prompt of the order's first attempt that was no repair."""
    firsts = (told.attempt for told in child.attempts if told.attempt.repair is None)
    return next((first.candidate.prompt for first in firsts if first.candidate is not None), None)
