r"""Finds a solution's final answer. Law: the answer is a slice of the solution; nothing is computed or repaired.

It looks in this order: a last line `#### 42`; the last `\boxed{…}` (several in a row, as in `\boxed{1} and \boxed{2}`,
are one answer); the last `####` line, `A: 42`, `Final Answer: 42`, `The answer is 42.` or `<answer>42</answer>`.
Without any of them it takes the last number of the text, which is a guess: code that needs a marked answer checks
`FinalAnswer.marked`. The time is linear in the length of any text.
"""

import re
from collections import deque
from collections.abc import Callable

from schemas.solutions import AnswerForm, FinalAnswer

Span = tuple[int, int]

_HASHES = re.compile(r"^[ \t]*+####[ \t]*+(?P<answer>[^\n#][^\n]*+)$", re.MULTILINE)
_HEADING = re.compile(
    r"(?:step|part|case|solution|explanation|verification|check|conclusion|summary|(?:final )?answer)\b",
    re.IGNORECASE,
)
_VALUE_BEGINS = re.compile(r"[-+−$\\(\[{<.\d*]|[A-Z]$")
_BOX = re.compile(r"(?P<box>\\(?:boxed|fbox)[ \t]*+(?:(?P<brace>\{)|(?P<bare>[^\s{}\\$.,]++)))|\\.|[{}]", re.DOTALL)
_BETWEEN_BOXES = re.compile(r"[$\s]*+[,;]?+[$\s]*+(?:(?:and|or)\b)?+[$\s]*+")
_IS = r"\b(?:(?:final|correct)[ ])?answer[ ](?:is|was|will[ ]be|equals)\b[ ]?+:?+[ \t]*+[*_]*+"
_PHRASE = re.compile(
    rf"""<answer>
    |^[ \t]*+(?:[^\w\s]{{1,8}}[ \t]{{0,3}}){{0,3}}
     (?:(?:final[ ])?answer[ \t]*+[*_]*+(?:[ \t]*+[:=]|$)|(?-i:A)[ \t]*+:)[ \t]*+[*_]*+[ \t]*+(?:the[ ]{_IS})?
    |{_IS}""",
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_VISIBLE = re.compile(r"\S")
_SENTENCE_END = re.compile(r"(?<![.!?])[.!?]{1,8}(?=[*_$\"”’)]{0,8}(?:\s|$))|</answer>", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.])[-−]?(?:\d{1,3}(?:,\d{3})++|\d++)(?:\.\d++)?(?:/\d++(?![\w]))?|(?<![\w.])[-−]?\.\d++")
_DIGIT = re.compile(r"\d")
_AROUND = " \t\r\n*_`"
_QUOTES = "\"'“”‘’"
_WRAPPED = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"))


def final_answer(solution: str) -> FinalAnswer | None:
    """The final answer; None when there is neither a mark nor a number."""
    for find in _FORMS:
        found = find(solution)
        if found is not None:
            start, end = _bare(solution, *found[1])
            if start < end:
                return FinalAnswer(solution[start:end], start, end, found[0])
    return None


def reference_answer(reference: str) -> str:
    """The answer that a reference gives: the marked one (as in a worked solution), else the whole text.

    All of its boxes count, and all `####` lines at its end, because no part of a reference may be left out.
    """
    found = final_answer(reference)
    if found is None or not found.marked:
        return reference.strip()
    if found.form is AnswerForm.PHRASE:
        return found.text
    parts = _boxes(reference) if found.form is AnswerForm.BOXED else _last_hashes(reference)
    texts = [reference[slice(*_bare(reference, *part))] for part in parts]
    return ", ".join(dict.fromkeys(text for text in texts if text)) or found.text


def _last_line(solution: str) -> tuple[AnswerForm, Span] | None:
    found = _last(_HASHES, solution) if "####" in solution else None
    last = found is not None and not _VISIBLE.search(solution, found.end())
    return (AnswerForm.HASHES, found.span("answer")) if found is not None and last else None


def _last_hashes(solution: str) -> list[Span]:
    """The `####` lines that follow each other at the end of the text; none when it does not end in one."""
    spans: list[Span] = []
    end = None
    for found in _HASHES.finditer(solution):
        if end is None or _VISIBLE.search(solution, end, found.start()):
            spans = []
        spans.append(found.span("answer"))
        end = found.end()
    return spans if end is not None and not _VISIBLE.search(solution, end) else []


def _boxed(solution: str) -> tuple[AnswerForm, Span] | None:
    boxes = _boxes(solution, outside=True)
    if not boxes:
        return None
    first = len(boxes) - 1
    while first and _BETWEEN_BOXES.fullmatch(solution, boxes[first - 1][1], boxes[first][0]):
        first -= 1
    texts = {solution[slice(*span)] for span in boxes[first:]}
    return AnswerForm.BOXED, _boxes(solution)[-1] if len(texts) == 1 else (boxes[first][0], boxes[-1][1])


def _boxes(solution: str, *, outside: bool = False) -> list[Span]:
    r"""The content of each box (or, with `outside`, each whole `\boxed{…}`); none when a box is never closed."""
    if "\\boxed" not in solution and "\\fbox" not in solution:
        return []
    spans: list[Span] = []
    open_braces: list[Span | None] = []
    for found in _BOX.finditer(solution):
        if found["brace"]:
            open_braces.append((found.start(), found.end()))
        elif bare := found["bare"]:
            if len(bare) == 1 or any(letter.isdigit() for letter in bare):  # `\boxed as asked` is not a box
                spans.append(found.span() if outside else found.span("bare"))
        elif found[0] == "{":
            open_braces.append(None)
        elif found[0] == "}" and open_braces:
            box = open_braces.pop()
            if box is not None:
                _keep(spans, (box[0], found.end()) if outside else (box[1], found.start()))
    return [] if any(open_braces) else spans


def _keep(spans: list[Span], box: Span) -> None:
    """Adds a box and removes the boxes inside it."""
    while spans and spans[-1][0] > box[0]:
        spans.pop()
    spans.append(box)


def _sentence(solution: str) -> tuple[AnswerForm, Span] | None:
    """The last `####` line, or the answer of a phrase. A line that is a heading is not an answer."""
    phrase = _phrase(solution)
    hashes = deque(_HASHES.finditer(solution), maxlen=1)
    for found in hashes:
        text = found["answer"].strip()
        before_phrase = phrase is not None and found.end() <= phrase[0]
        if not _HEADING.match(text.lstrip("*_ \t")) and (not before_phrase or _VALUE_BEGINS.match(text)):
            return AnswerForm.HASHES, found.span("answer")
    return None if phrase is None else (AnswerForm.PHRASE, phrase)


def _phrase(solution: str) -> Span | None:
    """The text after the last phrase that has text after it: on its line, else on the next line that is not blank."""
    for found in reversed(deque(_PHRASE.finditer(solution), maxlen=2)):
        visible = _VISIBLE.search(solution, found.end())
        if visible is not None:
            line_end = solution.find("\n", visible.start())
            end = len(solution) if line_end < 0 else line_end
            sentence = _SENTENCE_END.search(solution, visible.start(), end)
            return visible.start(), end if sentence is None else sentence.start()
    return None


def _last_number(solution: str) -> tuple[AnswerForm, Span] | None:
    found = _last(_NUMBER, solution) if _DIGIT.search(solution) else None
    return None if found is None else (AnswerForm.LAST_NUMBER, found.span())


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return next(iter(deque(pattern.finditer(text), maxlen=1)), None)


def _bare(text: str, start: int, end: int) -> Span:
    """The span without white space, emphasis, quotation marks, a final stop and math delimiters around it."""
    while True:
        before = start, end
        while start < end and text[start] in _AROUND:
            start += 1
        while start < end and (text[end - 1] in _AROUND or text[end - 1] in ".,;:"):
            end -= 1
        if end - start > 1 and text[start] in _QUOTES and text[end - 1] in _QUOTES:
            start, end = start + 1, end - 1
        for opening, closing in _WRAPPED:
            if text.startswith(opening, start) and text.endswith(closing, start + len(opening), end):
                inside = text[start + len(opening) : end - len(closing)]
                if opening not in inside and closing not in inside:
                    start, end = start + len(opening), end - len(closing)
                    break
        if (start, end) == before:
            return start, end


_FORMS: tuple[Callable[[str], tuple[AnswerForm, Span] | None], ...] = (_last_line, _boxed, _sentence, _last_number)
