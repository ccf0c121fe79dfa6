"""Reads a completion of grounded question answering: labelled lines, or one JSON object.

Law: reading never raises; what it cannot read for certain is malformed, with the reason. It forgives looks (bold
labels, numbering, case, fences, thoughts, remarks before and behind), never content: a field missing, empty, given
twice or cut off.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from actors.tasks.prompts import WORD_JOINER
from actors.tasks.remarks import without_remarks
from actors.text.completions import (
    Figure,
    Pairs,
    Unreadable,
    after_thoughts,
    control_in,
    json_objects,
    without_code_fence,
    without_control,
)
from schemas.samples import Draft, FinishReason, Malformed, MalformedReason, answered

FIELDS = ("question", "answer", "quote")
REQUIRED = ("question", "answer")

_LABEL = re.compile(
    r"""[ \t]*+(?:(?:[-*•]|\d++[.)]|\#{1,6})[ \t]++)?
    (?:(?P<bold>\*\*|__)(?P<marked>question|answer|quote)[ \t]*+\d*+[ \t]*+
        (?P<closed>[:：][ \t]*+(?P=bold)|(?P=bold)[ \t]*+[:：]|[:：])
    |(?P<plain>question|answer|quote)[ \t]*+\d*+[ \t]*+[:：])
    (?P<rest>.*)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_MISSING = {"question": MalformedReason.NO_QUESTION, "answer": MalformedReason.NO_ANSWER}
CUT_OFF = Malformed(MalformedReason.CUT_OFF, "cut off at the token limit")

_WRAPPER = re.compile(r"\A\s*\{\s*\"samples\"\s*:\s*(?=\[)", re.IGNORECASE)
"""The beginning of the object around several drafts, without which each is read even if the last one is cut off."""
BAD_JSON = Malformed(MalformedReason.BAD_JSON, "the JSON does not parse")

Field = tuple[str, str]
"""A field's name and its text."""


class LabelledLines(Struct):
    """What stands behind one label."""

    name: str
    lines: list[str]
    bold: str = ""
    """A bold mark opened before the label and not closed behind it."""

    def text(self) -> str:
        joined = "\n".join(self.lines).strip()
        return joined.removesuffix(self.bold).rstrip() if self.bold else joined


def parse(text: str, finish: FinishReason, *, passage: str = "", longest: Mapping[str, int] = {}) -> Draft | Malformed:
    """The draft that a completion holds, or why it holds none. Special tokens and control characters that the passage
    itself holds are text. `longest`: the most characters of each field of a JSON object, where a schema bounds them; a
    field of just that length was cut off there."""
    is_cut = finish is FinishReason.LENGTH
    said = reply_in(text, finish, passage=passage)
    if isinstance(said, Malformed):
        return said
    labelled = [] if said.startswith("{") else labelled_lines(said, _begun)
    if labelled:
        return _from_lines([(each.name, each.text()) for each in labelled], passage, is_cut=is_cut)
    if "{" in said:
        return _from_json(said, passage, longest, is_cut=is_cut)
    return CUT_OFF if is_cut else Malformed(MalformedReason.NO_LABEL, "no line is labelled 'Question:' or 'Answer:'")


def parse_several(
    text: str, finish: FinishReason, *, count: int, passage: str = "", longest: Mapping[str, int] = {}
) -> list[Draft | Malformed]:
    """The first `count` drafts that a completion holds, each read on its own; in place of one that is not there, why.
    A draft begins where the first label of all stands again. The limit cuts off the last draft alone."""
    is_cut = finish is FinishReason.LENGTH
    said = reply_in(text, finish, passage=passage)
    if isinstance(said, Malformed):
        return [said] * count
    labelled = [] if said.startswith(("{", "[")) else labelled_lines(said, _begun)
    if labelled:
        read = _each_of_lines([(each.name, each.text()) for each in labelled], passage, is_cut=is_cut)
    else:
        objects = json_objects(_WRAPPER.sub("", said), FIELDS)
        read = [_fields(each, passage, longest) for each in objects]
        if is_cut and read and read[-1] == BAD_JSON:
            read[-1] = CUT_OFF
    if not read and not is_cut:
        return [Malformed(MalformedReason.NO_LABEL, "nothing is labelled 'Question:' or 'Answer:'")] * count
    missing = CUT_OFF if is_cut else Malformed(MalformedReason.TOO_FEW, f"{len(read)} of {count} were written")
    return [*read, *[missing] * count][:count]


def _each_of_lines(fields: Sequence[Field], passage: str, *, is_cut: bool) -> list[Draft | Malformed]:
    first, _ = fields[0]
    begins = [at for at, (name, _) in enumerate(fields) if name == first]
    ends = [*begins[1:], len(fields)]
    return [
        _from_lines(fields[begin:end], passage, is_cut=is_cut and end == len(fields))
        for begin, end in zip(begins, ends, strict=True)
    ]


def reply_in(text: str, finish: FinishReason, *, passage: str) -> str | Malformed:
    """What a completion says behind its thoughts, without a code fence around it; or why it says nothing."""
    said = said_in(text, finish, passage=passage)
    return said if isinstance(said, Malformed) else without_code_fence(said).strip() or _nothing(finish)


def said_in(text: str, finish: FinishReason, *, passage: str) -> str | Malformed:
    """The same with its code fence, if it has one."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    said = after_thoughts(plain if WORD_JOINER in passage else plain.replace(WORD_JOINER, ""))
    if said is None:
        return unfinished_thoughts(finish)
    return without_control(said, source=passage) or _nothing(finish)


def _nothing(finish: FinishReason) -> Malformed:
    return CUT_OFF if finish is FinishReason.LENGTH else Malformed(MalformedReason.EMPTY, "the reply is empty")


def unfinished_thoughts(finish: FinishReason) -> Malformed:
    """Nothing but thoughts, to the end or to the limit."""
    cut = "cut off at the token limit while it was thinking"
    return Malformed(
        MalformedReason.UNFINISHED_THOUGHTS, cut if finish is FinishReason.LENGTH else "the thinking never ended"
    )


def render(draft: Draft) -> str:
    """The labelled lines of a draft, as a model is asked to write them."""
    lines = f"Question: {draft.question}\nAnswer: {draft.answer}"
    return lines if draft.quote is None else f"Quote: {draft.quote}\n{lines}"


def labelled_lines(text: str, begun: Callable[[str], LabelledLines | None]) -> list[LabelledLines]:
    """The labelled lines, each with those that follow it. `begun`: what a line begins, if it has a label. A code fence
    that was opened before the first of them ends with the last of them."""
    fields: list[LabelledLines] = []
    in_fence = False
    for line in text.split("\n"):
        field = begun(line)
        is_fence = line.lstrip().startswith("```")
        if field is not None:
            fields.append(field)
        elif is_fence and not fields:
            in_fence = not in_fence
        elif is_fence and in_fence:
            break
        elif fields:
            fields[-1].lines.append(line)
    return fields


def _begun(line: str) -> LabelledLines | None:
    found = _LABEL.fullmatch(line)
    if found is None:
        return None
    bold = found["bold"] if found["closed"] in (":", "：") else ""
    return LabelledLines((found["marked"] or found["plain"]).lower(), [found["rest"]], bold or "")


def _from_lines(fields: Sequence[Field], passage: str, *, is_cut: bool) -> Draft | Malformed:
    """The first draft. What follows it is another one, or the same again, unless the limit cut it off: then it was
    whole before, if another began or a remark followed."""
    ends = next((at for at in range(1, len(fields)) if fields[at][0] in {name for name, _ in fields[:at]}), len(fields))
    name, text = fields[ends - 1]
    bare = without_remarks(text, passage=passage)
    if is_cut and ends == len(fields) and bare == text:
        return CUT_OFF
    first = [*fields[: ends - 1], (name, bare)]
    known = dict(first)
    if not is_cut and not _is_another(known, fields[ends:]):
        for repeated, again in fields[ends:]:
            if without_remarks(again, passage=passage) != known.get(repeated, again):
                return Malformed(MalformedReason.REPEATED, f"the {repeated} is given twice")
    draft = _draft(first, passage)
    cut_early = (
        is_cut and isinstance(draft, Malformed) and draft.reason in (*_MISSING.values(), MalformedReason.NO_QUOTE)
    )
    return CUT_OFF if cut_early else draft


def _is_another(first: Mapping[str, str], following: Sequence[Field]) -> bool:
    """Whether a whole draft is followed by others: the lines begin anew, and no later one has its question and another
    answer. Anything else that is said twice in different ways is one draft that contradicts itself."""
    if not all(first.get(name) for name in REQUIRED) or not following or following[0][0] != next(iter(first)):
        return False
    asked = None
    for name, text in following:
        asked = text if name == "question" else asked
        if name == "answer" and (asked is None or asked == first["question"]) and text != first["answer"]:
            return False
    return True


def _from_json(said: str, passage: str, longest: Mapping[str, int], *, is_cut: bool) -> Draft | Malformed:
    """The first JSON object with a field in it. Others must not answer its question otherwise, unless the limit cut
    them off."""
    read = [_fields(each, passage, longest) for each in json_objects(said, FIELDS)]
    if not read:
        return Malformed(MalformedReason.NO_LABEL, "no JSON object has a question or an answer")
    if is_cut:
        return CUT_OFF if read[0] == BAD_JSON else read[0]
    first = read[0]
    others = [each for each in read if isinstance(each, Draft) and each != first]
    if any(isinstance(first, Malformed) or each.question == first.question for each in others):
        return Malformed(MalformedReason.REPEATED, "the question is given twice")
    return first


def _fields(pairs: Pairs | Unreadable, passage: str, longest: Mapping[str, int]) -> Draft | Malformed:
    if isinstance(pairs, Unreadable):
        return BAD_JSON
    fields: list[Field] = []
    for key, value in pairs:
        name = key.strip().lower()
        if name not in FIELDS or (name == "quote" and value is None):
            continue
        if isinstance(value, bool):
            value = "true" if value else "false"
        if not isinstance(value, str | Figure):
            return Malformed(MalformedReason.NOT_TEXT, f"the {name} is no text")
        if len(value) == longest.get(name):
            return Malformed(MalformedReason.CUT_OFF, f"the {name} was cut off at the schema's {len(value)} characters")
        said = without_remarks(str(value).strip(), passage=passage)
        if any(known == name and text != said for known, text in fields):
            return Malformed(MalformedReason.REPEATED, f"the {name} is given twice")
        fields.append((name, said))
    return _draft(fields, passage)


def _draft(fields: Sequence[Field], passage: str) -> Draft | Malformed:
    """Fields whose names differ, or say the same, as a draft."""
    found: dict[str, str] = {}
    for name, text in fields:
        said = without_control(text, source=passage)
        if not said:
            return Malformed(_MISSING.get(name, MalformedReason.NO_QUOTE), f"the {name} is empty")
        control = control_in(said, source=passage)
        if control is not None:
            what = "a broken character" if "\ud800" <= control <= "\udfff" else f"control text: {control!r}"
            return Malformed(MalformedReason.CONTROL_TEXT, f"the {name} holds {what}")
        found[name] = said
    for name in REQUIRED:
        if name not in found:
            return Malformed(_MISSING[name], f"the {name} is missing")
    return answered(question=found["question"], answer=found["answer"], quote=found.get("quote"))
