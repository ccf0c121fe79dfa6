"""Reads a completion of grounded question answering: labelled lines, or one JSON object.

Law: reading never raises; what it cannot read for certain is malformed, with the reason. It forgives looks (bold
labels, numbering, case, fences, a thinking block, a preamble), never content: a field missing, empty, twice or cut off.
"""

import json
import re

from msgspec import Struct

from actors.completions import without_code_fence, without_thinking
from schemas.samples import Draft, FinishReason

FIELDS = ("question", "answer", "quote")
REQUIRED = ("question", "answer")

_LABEL = re.compile(
    r"""[ \t]*(?:(?:[-*•]|\d+[.)]|\#{1,6})[ \t]+)?
    (?:(?P<bold>\*\*|__)(?P<marked>question|answer|quote)[ \t]*\d*[ \t]*(?P<closed>:[ \t]*(?P=bold)|(?P=bold)[ \t]*:|:)
    |(?P<plain>question|answer|quote)[ \t]*\d*[ \t]*:)
    (?P<rest>.*)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_THOUGHTS_END = "</think>"


class Malformed(Struct, frozen=True):
    """A completion that is no draft, and why."""

    reason: str


class _Field(Struct):
    name: str
    lines: list[str]
    bold: str = ""
    """A bold mark opened before the label and not closed behind it."""

    def text(self) -> str:
        joined = "\n".join(self.lines).strip()
        return joined.removesuffix(self.bold).rstrip() if self.bold else joined


def parse(text: str, finish: FinishReason) -> Draft | Malformed:
    """The draft that a completion holds, or why it holds none."""
    if finish is FinishReason.LENGTH:
        return Malformed("cut off at the token limit")
    said = _after_thoughts(text.replace("\r\n", "\n"))
    if said is None:
        return Malformed("the thinking never ended")
    said = without_code_fence(said).strip()
    if not said:
        return Malformed("the reply is empty")
    if said.startswith("{"):
        return _from_json(said)
    fields = _labelled(said)
    if fields:
        return _draft([(field.name, field.text()) for field in fields])
    if "{" in said:
        return _from_json(said[said.index("{") : said.rfind("}") + 1])
    return Malformed("no line is labelled 'Question:' or 'Answer:'")


def render(draft: Draft) -> str:
    """The labelled lines of a draft, as a model is asked to write them."""
    lines = f"Question: {draft.question}\nAnswer: {draft.answer}"
    return lines if draft.quote is None else f"Quote: {draft.quote}\n{lines}"


def _after_thoughts(text: str) -> str | None:
    """Without the thinking, also where the chat template opened the block itself and only its end is in the text."""
    said = without_thinking(text)
    if said is not text or _THOUGHTS_END not in text:
        return said
    rest = text.split(_THOUGHTS_END, 1)[1]
    return rest if _labelled(rest) or rest.lstrip().startswith(("{", "```")) else text


def _labelled(text: str) -> list[_Field]:
    fields: list[_Field] = []
    for line in text.split("\n"):
        found = _LABEL.fullmatch(line)
        if found is not None:
            bold = found["bold"] if found["closed"] == ":" else ""
            fields.append(_Field((found["marked"] or found["plain"]).lower(), [found["rest"]], bold or ""))
        elif fields:
            fields[-1].lines.append(line)
    return fields


def _from_json(text: str) -> Draft | Malformed:
    try:
        pairs = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return Malformed("the JSON does not parse")
    if not isinstance(pairs, _Pairs):
        return Malformed("the JSON is no object")
    fields: list[tuple[str, str]] = []
    for key, value in pairs:
        name = key.strip().lower()
        if name not in FIELDS or (name == "quote" and value is None):
            continue
        if isinstance(value, bool) or not isinstance(value, str | int):
            return Malformed(f"the {name} is no text")
        fields.append((name, str(value).strip()))
    return _draft(fields)


class _Pairs(list[tuple[str, object]]):
    """A JSON object with its repeated keys."""


def _draft(fields: list[tuple[str, str]]) -> Draft | Malformed:
    found: dict[str, str] = {}
    for name, text in fields:
        if name in found:
            return Malformed(f"the {name} is given twice")
        if not text:
            return Malformed(f"the {name} is empty")
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            return Malformed(f"the {name} holds a broken character")
        found[name] = text
    for name in REQUIRED:
        if name not in found:
            return Malformed(f"the {name} is missing")
    return Draft(question=found["question"], answer=found["answer"], quote=found.get("quote"))
