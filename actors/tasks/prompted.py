"""A task that a configuration writes whole: its fields, the prompts that ask for them, and a student's chat.

Law: a sample is made by its calls in order, each of which sees the fields of those before it. The first completion that
cannot be read ends the attempt. A draft holds the order's variables and all fields. A passage stands in a student's
chat as it is.
"""

import json
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from types import SimpleNamespace

from msgspec.structs import replace

from actors.protocols import AskModel
from actors.tasks.json_field import ValueCheck
from actors.tasks.one_call import OneCall, reply_of, with_words
from actors.tasks.prompted_call import PromptedCall
from actors.tasks.reading import reply_in
from actors.tasks.strata import Strata
from actors.tasks.templates import TemplateNames, rendered, template_of
from actors.text.completions import thoughts_apart
from actors.text.rows import row_in
from schemas.config_tasks import Prompted, PromptedField
from schemas.ids import derived_seed
from schemas.orders import Lease
from schemas.recovery import RepairKind, Repairs
from schemas.samples import Draft, Made, Malformed, Message, Prompt, Texts, rewritten, texts_of


def student_names(task: Prompted, columns: Collection[str] = ()) -> TemplateNames:
    """What a student's turn may name. `columns`: of the corpus's rows."""
    texts = ("passage", *(f"row.{name}" for name in columns), *(each.name for each in task.all_fields))
    return TemplateNames(texts, tuple(task.vary), {"row": columns} if columns else {}, {})


class PromptedTask(OneCall):
    """The `Task` of a configuration whose templates have no fault. `repairs`: those that it has words or names for;
    `columns`: of the corpus's rows; `checks`: of the values of fields that are JSON, by the field."""

    def __init__(
        self,
        config: Prompted,
        *,
        repairs: Collection[RepairKind] = (),
        columns: Sequence[str] = (),
        checks: Mapping[str, Sequence[ValueCheck]] = {},
    ) -> None:
        self._columns = columns
        self.repairs = (Repairs.LOWER_TEMPERATURE, *repairs)
        self._config = config
        self._names = tuple(field.name for field in config.all_fields)
        self._strata = Strata(config.vary, seed=0)
        self._calls = tuple(PromptedCall(config, step, columns, checks) for step in config.calls)
        self._turns = tuple(template_of(turn.content) for turn in config.student)

    async def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
        """One draft of all calls. A repair's words stand behind what each of them asks."""
        fields = self._drawn(lease)
        for number, call in enumerate(self._calls, start=1):
            read = await _called(call, lease, fields, ask)
            if isinstance(read, Malformed):
                told = read if len(self._calls) == 1 else replace(read, detail=f"step {number}: {read.detail}")
                yield Made(lease.order.id, told)
                return
            fields.update(read.fields)
        yield Made(lease.order.id, Draft(fields))

    def asked(self, lease: Lease, fields: Mapping[str, str]) -> Iterator[tuple[PromptedCall, Prompt]]:
        """Each call, and what it asks if the calls before it wrote these fields."""
        known = {**self._drawn(lease), **fields}
        for call in self._calls:
            yield call, with_words(call.prompt(lease, known), lease)

    def messages(self, passage: str, draft: Draft) -> Sequence[Message]:
        """The chat that the configuration's `student` makes of them."""
        known = dict.fromkeys((*self._names, *self._config.vary), "")
        row = SimpleNamespace(**row_in(passage, self._columns))
        texts = {"passage": passage, **known, **draft.fields, "row": row}
        turns = zip(self._config.student, self._turns, strict=True)
        return tuple(Message(turn.role, rendered(template, texts)) for turn, template in turns)

    def claim(self, draft: Draft) -> Texts:
        """The fields that `claim` lists."""
        return self._listed(draft, self._config.claim)

    def shown(self, draft: Draft) -> Texts:
        """The fields that `shown` lists."""
        return self._listed(draft, self._config.shown)

    def key(self, draft: Draft) -> Texts | None:
        """The fields that `key` lists; None where the list is empty."""
        return self._listed(draft, self._config.key) or None

    def written(self, draft: Draft) -> str:
        """What the last call is asked to write, as it is read back."""
        return self._calls[-1].written({**dict.fromkeys(self._names, ""), **draft.fields})

    def specimen(self) -> str:
        """A reply that every call reads: of the first example's fields, or of fields that say what they are; "" where
        only an example can say what a field of JSON is."""
        if not self._config.examples and any(call.json_fields for call in self._calls):
            return ""
        fields = self.specimen_fields()
        if len(self._calls) == 1:
            return self._calls[0].written(fields)
        return f"```\n{json.dumps(fields, ensure_ascii=False)}\n```"

    def specimen_fields(self) -> dict[str, str]:
        """A text for every variable and field: the first example's, or what each field says that it is; an empty value
        for one of JSON."""
        shown = self._config.examples[0].fields if self._config.examples else {}
        whats = {field.name: _what(field) for field in self._config.all_fields}
        return {**self._strata.of(0), **whats, **shown}

    def _drawn(self, lease: Lease) -> dict[str, str]:
        """The order's variables. For an order that was given none, such as a probe, they follow from its id."""
        return dict(lease.order.vary) or self._strata.of(derived_seed(lease.order.id))

    def _listed(self, draft: Draft, names: Collection[str] | None) -> Texts:
        """Of the fields that were written, all or those that are listed."""
        listed = self._names if names is None else names
        return texts_of(Draft({name: text for name, text in draft.fields.items() if name in listed}))


def _what(field: PromptedField) -> str:
    if field.schema is not None:
        return "[]" if field.schema.get("type") == "array" else "{}"
    return (field.what.strip() or field.name)[: field.max_characters]


async def _called(call: PromptedCall, lease: Lease, fields: Mapping[str, str], ask: AskModel) -> Draft | Malformed:
    """What one call writes. A field of JSON that cannot be used is asked for once more, alone, with the reason."""
    prompt = with_words(call.prompt(lease, fields), lease)
    completion = await ask(prompt, pool=call.pool)
    draft = call.read(lease, reply_of(completion), completion.finish)
    for field in call.json_fields:
        if isinstance(draft, Malformed):
            return draft
        value = call.value(field, draft.fields[field.name], lease)
        if isinstance(value, Malformed):
            _, said = thoughts_apart(completion.text)
            second = await ask(call.again(prompt, said.strip(), field, value), pool=call.pool)
            said = reply_in(reply_of(second), second.finish, passage=lease.passage.text)
            value = said if isinstance(said, Malformed) else call.value(field, said, lease)
        draft = value if isinstance(value, Malformed) else rewritten(draft, **{field.name: value})
    return draft
