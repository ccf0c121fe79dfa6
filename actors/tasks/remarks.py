"""What a model says behind its answer: an offer, a label of another block, a separator. It is no part of the answer.

Law: decided by structure, and by words that speak of the conversation; a paragraph that the passage itself holds is
never a remark, nor is anything inside a code fence. Where in doubt, it is answer: a gate judges what is left.
"""

import re
from collections.abc import Iterator

_OFFER = re.compile(
    r"""[*_>\s]*(?:(?:please|just|and|but|so|of\ course|certainly|sure|great|thanks?)[,.!]*\s+)?(?:
    let\ me\ know\b
    | (?:do\ not|don['’]t)\ hesitate\ to\ (?:ask|let|reach)\b
    | feel\ free\ to\ (?:ask|let|reach|adjust|modify|request)\b
    | (?:i\ )?hope\ (?:this|that|it|these)\ (?:all\ )?(?:helps?|is|meets?|answers?|works?|clarifies|satisf(?:y|ies))\b
    | (?:(?:i\ am|i['’]m|i['’]ll\ be|i['’]d\ be|i\ would\ be|always)\ )?(?:happy|glad)\ to
      \ (?:help|assist|provide|clarify)\b
    | (?:would\ you\ like|do\ you\ want|do\ you\ need)\ (?:me|another|more|any|a\ different)\b
    | (?:shall|should)\ i\ (?:also|write|generate|create|provide|make|continue)\b
    | i\ can\ (?:also\ )?(?:help|provide|write|generate|create|make|give)\b[^\n]{0,120}?\b(?:you|another|more)\b
    | is\ there\ anything\ (?:else|more)\ (?:i|you)\b
    | if\ (?:you|there['’]s|there\ is)\b[^\n]{0,200}?\b(?:let\ me|just\ ask|feel\ free|i\ can|i['’]ll|i['’]d|tell\ me)\b
    | you['’]re\ welcome\b | thank\ you\ for\ (?:asking|using)\b
    | this\ (?:question|answer|pair)\b[^\n]{0,80}?\b(?:the|your)\ (?:given\ |provided\ )?(?:passage|text\ provided)\b
    )""",
    re.VERBOSE | re.IGNORECASE,
)
"""Words to whoever asked, at a line's beginning: offers, wishes, thanks, what the answer is meant to be."""
_BLOCK = re.compile(
    r"""[ \t]*(?:[-*•>][ \t]+|\#{1,6}[ \t]+)?[*_]{0,3}(?:
    note|notes|explanation|reasoning|rationale|justification|source|sources|reference|references|evidence|context
    |passage|confidence|difficulty|category|topic|type|verdict|user|human|assistant|system|instruction|instructions
    |input|output|response|task|example|(?:question|answer)[ ]type|follow-up(?:[ ]question)?|next[ ]question
    )[ \t]*+[*_]{0,3}[ \t]*+[:：]""",
    re.VERBOSE | re.IGNORECASE,
)
_SEPARATOR = re.compile(r"[ \t]*(?:-{3,}|\*{3,}|_{3,}|={3,}|~{3,}|(?:[-*_][ \t]){2,40}[-*_])[ \t]*")


def without_remarks(text: str, *, passage: str = "", blocks: bool = True) -> str:
    """The text up to the first remark behind it. `blocks`: labelled blocks and separators end it too (in a worked
    solution they part its steps). A text that begins with a remark is left as it is."""
    known = " ".join(passage.split())
    first = len(text) - len(text.lstrip())
    for start, line, after_blank in _lines(text):
        if start <= first:
            continue
        if _SEPARATOR.fullmatch(line):
            ends = blocks
        elif " ".join(line.split()) in known:
            ends = False
        else:
            ends = _OFFER.match(line) is not None or (blocks and after_blank and _is_block(line, known))
        if ends:
            return text[:start].rstrip()
    return text


def _is_block(line: str, known: str) -> bool:
    """Whether a labelled block begins that is not the passage's own."""
    found = _BLOCK.match(line)
    if found is None:
        return False
    said = " ".join(line[found.end() :].strip(" \t*_").split())
    return not said or said not in known


def _lines(text: str) -> Iterator[tuple[int, str, bool]]:
    """Each line outside of code fences with its place, and whether a blank line stands before it."""
    start, after_blank, in_fence = 0, False, False
    for line in text.split("\n"):
        if line.lstrip().startswith("```"):
            in_fence = not in_fence
        elif not in_fence and line.strip():
            yield start, line, after_blank
        after_blank = not line.strip()
        start += len(line) + 1
