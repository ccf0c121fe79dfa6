"""One call of a task in YAML alone: what is asked, and how the completion is read.

Law: a prompt depends on the lease, the fields of the calls before it and the configuration alone. A passage stands
fenced in it; what a model wrote, in this attempt or a rejected one, is broken up as a passage is.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from types import SimpleNamespace

from msgspec.structs import replace

from actors.tasks.code_reading import read_code, write_code
from actors.tasks.field_reading import checked_field, fields_form, read_fields, write_fields
from actors.tasks.json_field import JsonField, ValueCheck, value_of
from actors.tasks.one_call import sampled
from actors.tasks.prompts import fenced, neutralise, one_line
from actors.tasks.templates import PreviousDraft, TemplateNames, rendered, template_of
from actors.text.rows import row_in, row_text
from schemas.config_tasks import Form, Prompted, PromptedField, PromptedStep
from schemas.ids import PoolName
from schemas.orders import Lease
from schemas.recovery import Repair
from schemas.samples import Draft, FinishReason, Malformed, Message, Prompt

PARTS = ("name", "what", "max_characters")
"""What `ask` may show of each of `fields`."""


def ask_names(task: Prompted, earlier: Sequence[PromptedField] = (), columns: Collection[str] = ()) -> TemplateNames:
    """What the `ask` of a call may name behind calls that wrote these fields. `columns`: of the corpus's rows."""
    return TemplateNames(
        texts=("passage", *(each.name for each in earlier), *(f"row.{name}" for name in columns)),
        words=("repair", *task.vary),
        groups={"previous": [each.name for each in task.all_fields]} | ({"row": columns} if columns else {}),
        lists={"fields": PARTS},
    )


class PromptedCall:
    """A call whose template has no fault."""

    def __init__(
        self,
        task: Prompted,
        step: PromptedStep,
        columns: Sequence[str] = (),
        checks: Mapping[str, Sequence[ValueCheck]] = {},
    ) -> None:
        """`checks`: of the values of fields that are JSON, by the field."""
        self._columns = columns
        self.pool = None if step.pool is None else PoolName(step.pool)
        self.names = tuple(field.name for field in step.fields)
        """Of the fields that it writes."""
        self._fields = step.fields
        self._all_names = tuple(field.name for field in task.all_fields)
        self._how: Form = step.read or task.read
        self._sampling = step.sampling or task.sampling
        schemas = {field.name: field.schema for field in step.fields if field.schema is not None}
        self.json_fields = [JsonField(name, schema, checks.get(name, ())) for name, schema in schemas.items()]
        """Those that are to be read again as JSON."""
        self._form = fields_form(
            {field.name: field.max_characters for field in step.fields},
            max_tokens=self._sampling.max_tokens,
            schemas=schemas,
        )
        self._ask = template_of(step.ask)
        system = task.system if step.system is None else step.system
        self._first_turns = [] if system is None else [Message("system", system)]
        for each in task.examples:
            asked = self._asked(row_text(each.row) if columns else each.passage, each.fields, None)
            self._first_turns += [Message("user", asked), Message("assistant", self.written(each.fields))]

    def prompt(self, lease: Lease, earlier: Mapping[str, str]) -> Prompt:
        """The system's turn, the examples, and what is asked of the passage. `earlier`: the order's variables, and the
        fields of the calls before."""
        asked = Message("user", self._asked(lease.passage.text, earlier, lease.repair))
        return Prompt(
            messages=(*self._first_turns, asked),
            sampling=sampled(self._sampling, lease),
            stop=self._sampling.stop,
            json_schema=self._schema,
        )

    @property
    def _schema(self) -> str | None:
        """What the engine may hold the reply to. A field of JSON that is alone may be answered with the JSON alone."""
        if self._how == "json":
            return self._form.schema
        return self.json_fields[0].schema if len(self._fields) == len(self.json_fields) == 1 else None

    def read(self, lease: Lease, text: str, finish: FinishReason) -> Draft | Malformed:
        """Its fields, or why the text is malformed. Never raises, whatever the text."""
        if self._how == "code":
            return read_code(text, finish, self._form, passage=lease.passage.text)
        bounded = self._form.room if self._how == "json" else {}
        return read_fields(text, finish, self._form, passage=lease.passage.text, bounded=bounded)

    def again(self, asked: Prompt, said: str, field: JsonField, fault: Malformed) -> Prompt:
        """The same prompt and its reply without the thoughts, then a question for the one field that is wrong. Here the
        engine is given the schema, if it can use one."""
        ask = f"`{field.name}` cannot be used: {one_line(fault.detail)}. Write `{field.name}` again: its JSON alone."
        messages = (*asked.messages, Message("assistant", neutralise(said)), Message("user", ask))
        return replace(asked, messages=messages, json_schema=field.schema)

    def value(self, field: JsonField, said: str, lease: Lease) -> str | Malformed:
        """What was said of one field as JSON, or why it cannot be used."""
        text = field.read(said)
        if isinstance(text, Malformed):
            return text
        return checked_field(field.name, text, self._form.longest[field.name], passage=lease.passage.text)

    def written(self, fields: Mapping[str, str]) -> str:
        """Its fields as `read` reads them back. `fields`: perhaps those of other calls too."""
        own = {name: fields[name] for name in self.names}
        match self._how:
            case "code":
                return write_code(own)
            case "json":
                values = {field.name: value_of(own[field.name]) for field in self.json_fields}
                return json.dumps({**own, **values}, ensure_ascii=False)
            case "lines":
                return write_fields(own)

    def _asked(self, passage: str, earlier: Mapping[str, str], repair: Repair | None) -> str:
        draft = None if repair is None else repair.previous
        rejected = {} if draft is None else draft.fields
        return rendered(
            self._ask,
            {
                **{name: neutralise(text) for name, text in earlier.items() if name not in self.names},
                "passage": fenced(passage),
                "row": SimpleNamespace(**{n: neutralise(text) for n, text in row_in(passage, self._columns).items()}),
                "fields": self._fields,
                "previous": PreviousDraft(**{name: one_line(rejected.get(name, "")) for name in self._all_names}),
                "repair": "" if repair is None else repair.kind,
            },
        )
