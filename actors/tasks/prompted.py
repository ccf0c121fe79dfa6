"""A task that a configuration writes whole: its fields, the template that asks for them, and a student's chat.

Law: the prompt of an attempt depends on the lease and the configuration alone. A passage stands fenced in a prompt and
as it is in a student's chat; a rejected draft's fields stand on one line each, broken up as a passage is.
"""

import json
from collections.abc import Collection, Mapping, Sequence

from jinja2 import Template

from actors.tasks.field_reading import fields_form, read_fields, write_fields
from actors.tasks.one_call import OneCall, sampled
from actors.tasks.prompts import fenced, one_line
from actors.tasks.templates import PreviousDraft, TemplateNames, template_of
from schemas.config_tasks import Prompted, PromptedField
from schemas.orders import Lease
from schemas.recovery import Repair, RepairKind, Repairs
from schemas.samples import Draft, FinishReason, Malformed, Message, Prompt, Texts, texts_of

PARTS = ("name", "what", "max_characters")
"""What `ask` may show of each of `fields`."""


def ask_names(fields: Sequence[PromptedField]) -> TemplateNames:
    """What `ask` may name."""
    return TemplateNames(("passage",), ("repair",), {"previous": [each.name for each in fields]}, {"fields": PARTS})


def student_names(fields: Sequence[PromptedField]) -> TemplateNames:
    """What a student's turn may name."""
    return TemplateNames(("passage", *(each.name for each in fields)), (), {}, {})


class PromptedTask(OneCall):
    """The `Task` of a configuration whose templates have no fault. `repairs`: those that it has words or names for."""

    def __init__(self, config: Prompted, *, repairs: Collection[RepairKind] = ()) -> None:
        self.repairs = (Repairs.LOWER_TEMPERATURE, *repairs)
        self._config = config
        self._names = tuple(field.name for field in config.fields)
        longest = {field.name: field.max_characters for field in config.fields}
        self._form = fields_form(longest, max_tokens=config.sampling.max_tokens)
        self._ask = template_of(config.ask)
        self._turns = tuple(template_of(turn.content) for turn in config.student)
        self._first_turns = tuple(self._opening())

    def prompt(self, lease: Lease) -> Prompt:
        """The system's turn, the examples, and what is asked of the passage."""
        asked = Message("user", self._asked(lease.passage.text, lease.repair))
        return Prompt(
            messages=(*self._first_turns, asked),
            sampling=sampled(self._config.sampling, lease),
            stop=self._config.sampling.stop,
            json_schema=self._form.schema if self._config.read == "json" else None,
        )

    def read(self, lease: Lease, text: str, finish: FinishReason) -> Draft | Malformed:
        """The fields, or why the text is malformed. Never raises, whatever the text."""
        bounded = self._form.room if self._config.read == "json" else {}
        return read_fields(text, finish, self._form, passage=lease.passage.text, bounded=bounded)

    def messages(self, passage: str, draft: Draft) -> Sequence[Message]:
        """The chat that the configuration's `student` makes of them."""
        texts = {"passage": passage, **dict.fromkeys(self._names, ""), **draft.fields}
        turns = zip(self._config.student, self._turns, strict=True)
        return tuple(Message(turn.role, _rendered(template, texts)) for turn, template in turns)

    def claim(self, draft: Draft) -> Texts:
        """The fields that `claim` lists."""
        return _listed(draft, self._config.claim)

    def shown(self, draft: Draft) -> Texts:
        """The fields that `shown` lists."""
        return _listed(draft, self._config.shown)

    def key(self, draft: Draft) -> Texts | None:
        """The fields that `key` lists; None where the list is empty."""
        return _listed(draft, self._config.key) or None

    def written(self, draft: Draft) -> str:
        """As `read` reads it back."""
        return self._written(draft.fields)

    def specimen(self) -> str:
        """A reply as it should be: the first example's, or one whose fields say what they are."""
        shown = self._config.examples[0].fields if self._config.examples else {}
        whats = {
            field.name: (field.what.strip() or field.name)[: field.max_characters] for field in self._config.fields
        }
        return self._written({**whats, **shown})

    def _opening(self) -> list[Message]:
        turns = [] if self._config.system is None else [Message("system", self._config.system)]
        for each in self._config.examples:
            ordered = {name: each.fields[name] for name in self._names}
            turns += [Message("user", self._asked(each.passage, None)), Message("assistant", self._written(ordered))]
        return turns

    def _asked(self, passage: str, repair: Repair | None) -> str:
        draft = None if repair is None else repair.previous
        fields = {} if draft is None else draft.fields
        previous = PreviousDraft(**{name: one_line(fields.get(name, "")) for name in self._names})
        named = {"passage": fenced(passage), "fields": self._config.fields, "previous": previous}
        return _rendered(self._ask, {**named, "repair": "" if repair is None else repair.kind})

    def _written(self, fields: Mapping[str, str]) -> str:
        return json.dumps(fields, ensure_ascii=False) if self._config.read == "json" else write_fields(fields)


def _listed(draft: Draft, names: Collection[str] | None) -> Texts:
    if names is None:
        return texts_of(draft)
    return texts_of(Draft({name: text for name, text in draft.fields.items() if name in names}))


def _rendered(template: Template, named: Mapping[str, object]) -> str:
    """Without the empty lines at its ends that conditions leave."""
    return template.render(named).strip("\n")
