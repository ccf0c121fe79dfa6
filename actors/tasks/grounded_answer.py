"""One question and its answer, stated by the passage: how it is asked for, read, and shown to a student.

Law: the prompt of an attempt depends on the lease and the configuration alone, so that whoever makes the attempt again
asks the same.
"""

import json
from collections.abc import Sequence

from actors.tasks.one_call import OneCall, sampled
from actors.tasks.prompt_sets import prompt_set
from actors.tasks.reading import parse
from schemas.config import GroundedAnswer
from schemas.orders import Lease
from schemas.recovery import Repair, Repairs
from schemas.samples import Draft, FinishReason, Malformed, Message, Prompt


def _schema(*names: str) -> str:
    properties = {name: {"type": "string", "minLength": 1} for name in names}
    fields = {"type": "object", "properties": properties, "required": list(names), "additionalProperties": False}
    return json.dumps(fields)


SCHEMA = _schema("question", "answer")
SCHEMA_WITH_QUOTE = _schema("quote", "question", "answer")
"""The quote comes first: it is written before the answer that rests on it."""


class GroundedAnswerTask(OneCall):
    """The `Task` of grounded question answering."""

    def __init__(self, config: GroundedAnswer) -> None:
        self._config = config
        self._prompts = prompt_set(config)

    def prompt(self, lease: Lease) -> Prompt:
        """The passage, and what is asked of it; a repair asks otherwise."""
        in_json = self._config.output == "json"
        return Prompt(
            messages=self._prompts.messages(lease.passage.text, lease.repair, in_json=in_json),
            sampling=sampled(self._config.sampling, lease),
            json_schema=_schema_for(lease.repair) if in_json else None,
        )

    def read(self, lease: Lease, text: str, finish: FinishReason) -> Draft | Malformed:
        """The draft, or why the text is malformed. Never raises, whatever the text."""
        return parse(text, finish, passage=lease.passage.text)

    def messages(self, passage: str, draft: Draft) -> Sequence[Message]:
        """What a student is trained on: the passage as it stands and the question, then the answer."""
        asked = f"{passage}\n\n{draft.question}"
        return (Message("user", asked), Message("assistant", draft.answer))

    def written(self, draft: Draft) -> str:
        """As `parse` reads it back."""
        if self._config.output == "json":
            return json.dumps({"question": draft.question, "answer": draft.answer}, ensure_ascii=False)
        return super().written(draft)


def _schema_for(repair: Repair | None) -> str:
    quoting = repair is not None and repair.kind == Repairs.QUOTE_THEN_ANSWER
    return SCHEMA_WITH_QUOTE if quoting else SCHEMA
