"""Reads a completion as one field of code between fences, whatever language they name.

Law: as `field_reading`. Words around the fence are forgiven; no fence, an open one or a second one is not.
"""

import re
from collections.abc import Mapping

from actors.tasks.field_reading import FieldsForm, checked_field
from actors.tasks.reading import CUT_OFF, said_in
from schemas.samples import Draft, FinishReason, Malformed, MalformedReason

_OPENS = re.compile(r"[ \t]{0,3}(?P<fence>`{3,}|~{3,})[^`\n]*")


def read_code(text: str, finish: FinishReason, form: FieldsForm, *, passage: str = "") -> Draft | Malformed:
    """The draft whose only field is the code of a completion, or why there is none. Its lines keep their indents."""
    said = said_in(text, finish, passage=passage)
    if isinstance(said, Malformed):
        return said
    ((name, longest),) = form.longest.items()
    blocks, is_open = fenced_blocks(said)
    if finish is FinishReason.LENGTH and (is_open or not blocks):
        return CUT_OFF
    if is_open:
        return Malformed(MalformedReason.NO_ANSWER, f"the {name} is code whose fence is never closed")
    if not blocks:
        return Malformed(MalformedReason.NO_LABEL, f"the {name} is missing: there is no code between ``` fences")
    if len(set(blocks)) > 1:
        return Malformed(MalformedReason.REPEATED, f"the {name} is given twice: there are {len(blocks)} blocks of code")
    code = checked_field(name, blocks[0], longest, passage=passage)
    return code if isinstance(code, Malformed) else Draft({name: code})


def write_code(fields: Mapping[str, str]) -> str:
    """The only field between fences, as `read_code` reads it: the fence is longer than any in the code."""
    (code,) = fields.values()
    longest = max((len(found) for found in re.findall(r"`{3,}", code)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{code}\n{fence}"


def fenced_blocks(text: str) -> tuple[list[str], bool]:
    """What stands between fences, and whether the last of them is not closed. A fence is closed by a line of as many
    of its marks, or more."""
    blocks: list[str] = []
    inside: list[str] | None = None
    mark = ""
    for line in text.split("\n"):
        opened = _OPENS.fullmatch(line)
        if inside is None:
            if opened is not None:
                inside, mark = [], opened["fence"]
        elif line.strip().startswith(mark) and not line.strip().strip(mark[0]):
            blocks.append("\n".join(inside).strip("\n"))
            inside = None
        else:
            inside.append(line)
    return blocks, inside is not None
