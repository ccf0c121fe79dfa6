"""Reads a completion as fields whose names the user gave: a labelled line for each, or one JSON object.

Law: reading never raises; what it cannot read for certain is malformed, with the reason. It forgives looks (bold
labels, bullets, case, fences, thoughts, remarks behind), never content: a field missing, empty, too long, given twice
or cut off.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec import Struct

from actors.tasks.reading import BAD_JSON, CUT_OFF, LabelledLines, labelled_lines, reply_in
from actors.tasks.remarks import without_remarks
from actors.text.completions import (
    Figure,
    Pairs,
    Unreadable,
    as_json,
    control_in,
    json_objects,
    without_control,
)
from actors.text.json_room import shared
from schemas.samples import Draft, FinishReason, Malformed, MalformedReason

_LABEL = re.compile(
    r"""[ \t]*+(?:(?:[-*•]|\d{1,4}+[.)]|\#{1,6})[ \t]++)?+(?P<bold>\*\*|__)?+
    (?P<name>[a-z][a-z0-9_\ -]{0,49}+)(?P<closed>\*\*)?+[ \t]*+[:：][ \t]*+(?P<rest>.*)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_MISSING = {"question": MalformedReason.NO_QUESTION, "quote": MalformedReason.NO_QUOTE}


class FieldsForm(Struct, frozen=True):
    """The fields that are read. `longest`: the most characters of each, by name, in order; `room`: those that a schema
    allows, which is one more where the limit has the room for it; `schema` says so, as text."""

    longest: Mapping[str, int]
    room: Mapping[str, int]
    schema: str
    json: Collection[str] = ()
    """Those that are JSON themselves: objects and lists are texts of them."""


def fields_form(
    longest: Mapping[str, int], *, max_tokens: int, schemas: Mapping[str, Mapping[str, Any]] = {}
) -> FieldsForm:
    """The form of fields of these lengths, in characters, as one JSON object that fits the limit. `schemas`: of the
    fields that are JSON themselves."""
    fitting = shared(max_tokens, frame=len(json.dumps(dict.fromkeys(longest, ""))), weights=longest)
    room = {name: min(most + 1, fitting[name]) for name, most in longest.items()}
    texts = {name: {"type": "string", "minLength": 1, "maxLength": most} for name, most in room.items()}
    properties = {**texts, **schemas}
    schema = {"type": "object", "properties": properties, "required": list(longest), "additionalProperties": False}
    return FieldsForm(longest, room, json.dumps(schema), tuple(schemas))


def read_fields(
    text: str, finish: FinishReason, form: FieldsForm, *, passage: str = "", bounded: Mapping[str, int] = {}
) -> Draft | Malformed:
    """The draft that a completion holds, or why it holds none. Special tokens and control characters that the passage
    itself holds are text. `bounded`: the form's room, where a schema held the completion to it."""
    is_cut = finish is FinishReason.LENGTH
    said = reply_in(text, finish, passage=passage)
    if isinstance(said, Malformed):
        return said
    labelled = [] if said.startswith("{") else labelled_lines(said, lambda line: _begun(line, form))
    if labelled:
        return _from_lines([(each.name, each.text()) for each in labelled], form, passage, is_cut=is_cut)
    if "{" in said:
        return _from_json(said, form, passage, bounded, is_cut=is_cut)
    if len(form.json) == len(form.longest) == 1:
        return _draft(dict.fromkeys(form.json, said), form, passage)
    labels = ", ".join(f"'{name.capitalize()}:'" for name in form.longest)
    return CUT_OFF if is_cut else Malformed(MalformedReason.NO_LABEL, f"no line is labelled {labels}")


def write_fields(fields: Mapping[str, str]) -> str:
    """The labelled lines of these fields, as `read_fields` reads them."""
    return "\n".join(f"{name.capitalize()}: {text}" for name, text in fields.items())


def _field_of(label: str, form: FieldsForm) -> str:
    """The field that a label names, perhaps with a number behind it; "" for none."""
    name = _name_of(label)
    return next((each for each in (name, name.rstrip("0123456789_")) if each in form.longest), "")


def _name_of(label: str) -> str:
    return label.strip(" _-").lower().replace(" ", "_").replace("-", "_")


def _begun(line: str, form: FieldsForm) -> LabelledLines | None:
    found = _LABEL.fullmatch(line)
    name = "" if found is None else _field_of(found["name"], form)
    if found is None or not name:
        return None
    bold, rest = found["bold"] or "", found["rest"]
    closed = found["closed"] or (bold == "__" and found["name"].rstrip().endswith("__"))
    if not bold or closed:
        return LabelledLines(name, [rest])
    return (
        LabelledLines(name, [rest.removeprefix(bold)]) if rest.startswith(bold) else LabelledLines(name, [rest], bold)
    )


def _from_lines(
    fields: Sequence[tuple[str, str]], form: FieldsForm, passage: str, *, is_cut: bool
) -> Draft | Malformed:
    """The first draft. What follows a whole one is another, or the same again; a draft that is not whole and says a
    field twice contradicts itself."""
    ends = next((at for at in range(1, len(fields)) if fields[at][0] in {name for name, _ in fields[:at]}), len(fields))
    name, text = fields[ends - 1]
    bare = without_remarks(text, passage=passage, blocks=False)
    if is_cut and ends == len(fields) and bare == text:
        return CUT_OFF
    first = dict([*fields[: ends - 1], (name, bare)])
    following = fields[ends:]
    another = len(first) == len(form.longest) and bool(following) and following[0][0] == next(iter(first))
    if not is_cut and not another:
        twice = next((repeated for repeated, again in following if first.get(repeated, again) != again), None)
        if twice is not None:
            return Malformed(MalformedReason.REPEATED, f"the {twice} is given twice")
    draft = _draft(first, form, passage)
    return CUT_OFF if is_cut and isinstance(draft, Malformed) and len(first) < len(form.longest) else draft


def _from_json(
    said: str, form: FieldsForm, passage: str, bounded: Mapping[str, int], *, is_cut: bool
) -> Draft | Malformed:
    """The first JSON object with a field in it."""
    first = next(iter(json_objects(said, tuple(form.longest))), None)
    if len(form.json) == len(form.longest) == 1 and not isinstance(first, Pairs) and not is_cut:
        return _draft(dict.fromkeys(form.json, said), form, passage)
    if first is None:
        return Malformed(MalformedReason.NO_LABEL, f"no JSON object has any of {', '.join(form.longest)}")
    if isinstance(first, Unreadable):
        return CUT_OFF if is_cut else BAD_JSON
    return _from_pairs(first, form, passage, bounded)


def _from_pairs(pairs: Pairs, form: FieldsForm, passage: str, bounded: Mapping[str, int]) -> Draft | Malformed:
    fields: dict[str, str] = {}
    for key, value in pairs:
        name = _name_of(key)
        if name not in form.longest:
            continue
        if name in form.json and isinstance(value, Pairs | list):
            value = as_json(value)
        if isinstance(value, bool):
            value = "true" if value else "false"
        if not isinstance(value, str | Figure):
            return Malformed(MalformedReason.NOT_TEXT, f"the {name} is no text")
        if name not in form.json and len(value) == bounded.get(name) and len(value) <= form.longest[name]:
            return Malformed(MalformedReason.CUT_OFF, f"the {name} was cut off at the schema's {len(value)} characters")
        bare = str(value).strip()
        said = bare if name in form.json else without_remarks(bare, passage=passage, blocks=False)
        if fields.setdefault(name, said) != said:
            return Malformed(MalformedReason.REPEATED, f"the {name} is given twice")
    return _draft(fields, form, passage)


def checked_field(name: str, said: str, longest: int, *, passage: str) -> str | Malformed:
    """A field's text, or why it cannot be one: it is empty, holds control text or is too long."""
    if not said:
        return Malformed(_MISSING.get(name, MalformedReason.NO_ANSWER), f"the {name} is empty")
    control = control_in(said, source=passage)
    if control is not None:
        what = "a broken character" if "\ud800" <= control <= "\udfff" else f"control text: {control!r}"
        return Malformed(MalformedReason.CONTROL_TEXT, f"the {name} holds {what}")
    if len(said) > longest:
        return Malformed(MalformedReason.TOO_LONG, f"the {name} has {len(said):,} characters; at most {longest:,}")
    return said


def _draft(fields: Mapping[str, str], form: FieldsForm, passage: str) -> Draft | Malformed:
    """The fields in the form's order, each within its bounds."""
    found: dict[str, str] = {}
    for name, longest in form.longest.items():
        if name not in fields:
            return Malformed(_MISSING.get(name, MalformedReason.NO_ANSWER), f"the {name} is missing")
        said = checked_field(name, without_control(fields[name], source=passage), longest, passage=passage)
        if isinstance(said, Malformed):
            return said
        found[name] = said
    return Draft(found)
