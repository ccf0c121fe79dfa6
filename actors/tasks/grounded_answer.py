"""One question and its answer, stated by the passage: how it is asked for, read, and shown to a student.

Law: the prompt of an attempt depends on the lease and the configuration alone, so that whoever makes the attempt again
asks the same.
"""

import json
from collections.abc import Mapping, Sequence

from msgspec import Struct

from actors.tasks.one_call import OneCall, sampled
from actors.tasks.prompt_sets import prompt_set
from actors.tasks.reading import parse
from actors.text.json_room import shared
from schemas.config import GroundedAnswer
from schemas.orders import Lease
from schemas.recovery import Repair, Repairs
from schemas.samples import Draft, FinishReason, Malformed, Message, Prompt

WEIGHTS = {"question": 2, "answer": 3}
WEIGHTS_WITH_QUOTE = {"quote": 3, **WEIGHTS}
"""How the room of a JSON reply is shared. The quote comes first: it is written before the answer that rests on it."""


class DraftForm(Struct, frozen=True):
    """One JSON object. `longest`: the most characters of each field; `schema` says so, as text."""

    longest: Mapping[str, int]
    schema: str


def form_of(weights: Mapping[str, int], *, max_tokens: int) -> DraftForm:
    """An object of these fields that fits the limit."""
    longest = shared(max_tokens, frame=len(json.dumps(dict.fromkeys(weights, ""))), weights=weights)
    properties = {name: {"type": "string", "minLength": 1, "maxLength": most} for name, most in longest.items()}
    fields = {"type": "object", "properties": properties, "required": list(weights), "additionalProperties": False}
    return DraftForm(longest, json.dumps(fields))


class GroundedAnswerTask(OneCall):
    """The `Task` of grounded question answering."""

    def __init__(self, config: GroundedAnswer) -> None:
        self._config = config
        self._prompts = prompt_set(config)
        limit = config.sampling.max_tokens
        self._form = form_of(WEIGHTS, max_tokens=limit)
        self._form_with_quote = form_of(WEIGHTS_WITH_QUOTE, max_tokens=limit)

    def prompt(self, lease: Lease) -> Prompt:
        """The passage, and what is asked of it; a repair asks otherwise."""
        in_json = self._config.output == "json"
        return Prompt(
            messages=self._prompts.messages(lease.passage.text, lease.repair, in_json=in_json),
            sampling=sampled(self._config.sampling, lease),
            json_schema=self._form_for(lease.repair).schema if in_json else None,
        )

    def read(self, lease: Lease, text: str, finish: FinishReason) -> Draft | Malformed:
        """The draft, or why the text is malformed. Never raises, whatever the text."""
        longest = self._form_for(lease.repair).longest if self._config.output == "json" else {}
        return parse(text, finish, passage=lease.passage.text, longest=longest)

    def messages(self, passage: str, draft: Draft) -> Sequence[Message]:
        """What a student is trained on: the passage as it stands and the question, then the answer."""
        asked = f"{passage}\n\n{draft.question}"
        return (Message("user", asked), Message("assistant", draft.answer))

    def written(self, draft: Draft) -> str:
        """As `parse` reads it back."""
        if self._config.output == "json":
            return json.dumps({"question": draft.question, "answer": draft.answer}, ensure_ascii=False)
        return super().written(draft)

    def _form_for(self, repair: Repair | None) -> DraftForm:
        quoting = repair is not None and repair.kind == Repairs.QUOTE_THEN_ANSWER
        return self._form_with_quote if quoting else self._form
