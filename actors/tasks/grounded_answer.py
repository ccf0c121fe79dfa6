"""One question and its answer, stated by the passage: how it is asked for, read, and shown to a student.

Law: the prompt of an attempt depends on the lease and the configuration alone, so that whoever makes the attempt again
asks the same.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from actors.protocols import AskModel
from actors.tasks.one_call import OneCall, reply_of, sampled, with_words
from actors.tasks.prompt_sets import prompt_set
from actors.tasks.reading import parse, parse_several
from actors.text.json_room import shared
from schemas.config import GroundedAnswer
from schemas.orders import Lease
from schemas.recovery import FORM_REPAIRS, Repair, Repairs
from schemas.samples import Draft, FinishReason, Made, Malformed, MalformedReason, Message, Prompt

WEIGHTS = {"question": 2, "answer": 3}
WEIGHTS_WITH_QUOTE = {"quote": 3, **WEIGHTS}
"""How the room of a JSON reply is shared. The quote comes first: it is written before the answer that rests on it."""


SECOND_DRAFT = "\nQuestion:"
"""Where labelled lines begin once more."""
QUOTING = frozenset({Repairs.QUOTE_THEN_ANSWER})


class DraftForm(Struct, frozen=True):
    """One JSON object. `longest`: the most characters of each field; `schema` says so, as text."""

    longest: Mapping[str, int]
    schema: str


AROUND = len('{"samples": []}, ')
"""Characters of an object around several drafts, counted for each of them."""


def form_of(weights: Mapping[str, int], *, max_tokens: int, around: int = 0) -> DraftForm:
    """An object of these fields that fits the limit. `around`: characters that stand around it."""
    frame = len(json.dumps(dict.fromkeys(weights, ""))) + around
    longest = shared(max_tokens, frame=frame, weights=weights)
    properties = {name: {"type": "string", "minLength": 1, "maxLength": most} for name, most in longest.items()}
    return DraftForm(longest, json.dumps(_object(properties)))


def schema_of_samples(one: DraftForm, count: int) -> str:
    """The schema of an object of so many drafts, as text."""
    samples = {"type": "array", "items": json.loads(one.schema), "minItems": count, "maxItems": count}
    return json.dumps(_object({"samples": samples}))


def _object(properties: Mapping[str, object]) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


class GroundedAnswerTask(OneCall):
    """The `Task` of grounded question answering."""

    def __init__(self, config: GroundedAnswer) -> None:
        self._config = config
        self._prompts = prompt_set(config)
        self.form_repairs = () if config.prompts == "embedded" else FORM_REPAIRS
        limit = config.sampling.max_tokens
        self._form = form_of(WEIGHTS, max_tokens=limit)
        self._form_with_quote = form_of(WEIGHTS_WITH_QUOTE, max_tokens=limit)
        self._form_of_several = form_of(WEIGHTS, max_tokens=limit, around=AROUND)
        self.together = config.samples_per_call

    def prompt(self, lease: Lease) -> Prompt:
        """The passage, and what is asked of it; a repair asks otherwise."""
        in_json = self._in_json(lease.repair)
        return Prompt(
            messages=self._prompts.messages(lease.passage.text, lease.repair, in_json=in_json),
            sampling=sampled(self._config.sampling, lease),
            stop=self._stops(lease),
            json_schema=self._form_for(lease.repair).schema if in_json else None,
        )

    async def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
        """One draft of one call, unless the task's own stop text ended the completion before its draft: thoughts or a
        remark came first, and the draft's own line looked like a second one. Then the same is asked without it."""
        if lease.beside:
            for made in await self._several(lease, ask):
                yield made
            return
        prompt = with_words(self.prompt(lease), lease)
        completion = await ask(prompt)
        read = self.read(lease, reply_of(completion), completion.finish)
        if prompt.stop != self._config.sampling.stop and _ended_early(read, completion.finish):
            completion = await ask(replace(prompt, stop=self._config.sampling.stop))
            read = self.read(lease, reply_of(completion), completion.finish)
        yield Made(lease.order.id, read)

    async def _several(self, lease: Lease, ask: AskModel) -> list[Made]:
        """A draft for each order, of one completion that may be as many times as long as one draft's."""
        config, passage, count = self._config, lease.passage.text, len(lease.orders)
        in_json, one = self._in_json(None), sampled(config.sampling, lease)
        limit = count * config.sampling.max_tokens + config.sampling.thinking_tokens
        prompt = Prompt(
            messages=self._prompts.messages_of_several(passage, count, in_json=in_json),
            sampling=replace(one, max_tokens=limit),
            stop=self._stops_of_several(passage, count),
            json_schema=schema_of_samples(self._form_of_several, count) if in_json else None,
        )
        completion = await ask(prompt)
        longest = self._form_of_several.longest if in_json else {}
        reply = reply_of(completion)
        drafts = parse_several(reply, completion.finish, count=count, passage=passage, longest=longest)
        return [Made(order.id, draft) for order, draft in zip(lease.orders, drafts, strict=True)]

    def _stops_of_several(self, passage: str, count: int) -> tuple[str, ...]:
        """The configuration's, and where a draft begins that nobody asked for."""
        one_more, stop = f"\nQuestion {count + 1}:", self._config.sampling.stop
        thinks = self._config.sampling.thinking_tokens or one_more in passage
        return stop if thinks or self._in_json(None) else (*stop, one_more)

    def read(self, lease: Lease, text: str, finish: FinishReason) -> Draft | Malformed:
        """The draft, or why the text is malformed. Never raises, whatever the text."""
        longest = self._form_for(lease.repair).longest if self._in_json(lease.repair) else {}
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

    def _stops(self, lease: Lease) -> tuple[str, ...]:
        """The configuration's, and where a second draft begins, so that the first one ends the completion. Only a model
        that was shown drafts as earlier turns, and does not think first, begins with its own; one that quotes first may
        label in any order; and a passage that has such a line itself may be quoted."""
        config, stop = self._config, self._config.sampling.stop
        if config.sampling.thinking_tokens:
            return stop
        quoting = lease.repair is not None and lease.repair.kind in QUOTING
        shown = self._prompts.examples and config.prompts != "embedded" and not self._in_json(lease.repair)
        return (*stop, SECOND_DRAFT) if shown and not quoting and SECOND_DRAFT not in lease.passage.text else stop

    def _in_json(self, repair: Repair | None) -> bool:
        """By the configuration, and where a reply that was no JSON, or JSON unasked for, is held to the schema."""
        return self._config.output == "json" or (repair is not None and repair.kind == Repairs.HOLD_TO_SCHEMA)

    def _form_for(self, repair: Repair | None) -> DraftForm:
        quoting = repair is not None and repair.kind in QUOTING
        return self._form_with_quote if quoting else self._form


def _ended_early(read: Draft | Malformed, finish: FinishReason) -> bool:
    """Whether a completion ended before anything of a draft was written."""
    nothing = (MalformedReason.EMPTY, MalformedReason.NO_LABEL, MalformedReason.UNFINISHED_THOUGHTS)
    return isinstance(read, Malformed) and finish is FinishReason.STOP and read.reason in nothing
