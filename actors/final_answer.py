r"""Where a solution gives its final answer. Law: the answer is a slice of the solution; nothing is computed or mended.

Looked for in this order: a last line `#### 42`; the last `\boxed{…}`; the last `####` line; the last of `A: 42`,
`Answer: 42`, `The answer is 42.`; without any of them the last number of the text (documented as a guess: whoever needs
a marked answer looks at `FinalAnswer.marked`).
"""

import re
from collections import deque
from collections.abc import Callable

from schemas.solutions import AnswerForm, FinalAnswer

Span = tuple[int, int]

_HASHES = re.compile(r"^[ \t]*####[ \t]*(?P<answer>[^\n#][^\n]*)$", re.MULTILINE)
_BOXED = re.compile(r"\\(?:boxed|fbox)[ \t]*(?:\{|(?P<bare>[^\s{\\$.,]+))")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_IS = r"\b(?:(?:final|correct)[ ])?answer[ ](?:is|was|will[ ]be|equals)[ ]?:?[ \t]*[*_]*"
_PHRASE = re.compile(
    rf"""(?:^[ \t]*[*_]*(?:(?:final[ ])?answer[ \t]*[*_]*[ \t]*[:=]|(?-i:A)[ \t]*:)[ \t]*[*_]*[ \t]*(?:the[ ]{_IS})?
    |{_IS})
    (?=[ \t]*[^\s])""",
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_SENTENCE_END = re.compile(r"(?<![.!?])[.!?]{1,8}(?=[*_$\"”’)]*(?:\s|$))")
_NUMBER = re.compile(r"(?<![\w.])[-−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:/\d+(?![\w]))?|(?<![\w.])[-−]?\.\d+")
_AROUND = " \t\r*_`\"'“”‘’"
_WRAPPED = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"))


def final_answer(solution: str) -> FinalAnswer | None:
    """The final answer, or None when there is neither a mark nor a number."""
    for form, find in _FORMS:
        span = find(solution)
        if span is not None:
            start, end = _bare(solution, *span)
            if start < end:
                return FinalAnswer(solution[start:end], start, end, form)
    return None


def reference_answer(reference: str) -> str:
    """The answer that a reference gives: its marked one (as in a worked solution), else all of it."""
    found = final_answer(reference)
    return found.text if found is not None and found.marked else reference.strip()


def _last_line_hashes(solution: str) -> Span | None:
    span = _hashes(solution)
    return span if span is not None and not solution[span[1] :].strip() else None


def _hashes(solution: str) -> Span | None:
    found = _last(_HASHES, solution)
    return None if found is None else found.span("answer")


def _boxed(solution: str) -> Span | None:
    found = _last(_BOXED, solution)
    if found is None:
        return None
    if found["bare"] is not None:
        return found.span("bare")
    end = _closing(solution, found.end())
    return None if end is None else (found.end(), end)


def _closing(text: str, start: int) -> int | None:
    """Where the brace is closed that stands open before `start`; escaped braces do not count."""
    depth = 1
    for found in _BRACE.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if not depth:
            return found.start()
    return None


def _phrase(solution: str) -> Span | None:
    found = _last(_PHRASE, solution)
    if found is None:
        return None
    line_end = solution.find("\n", found.end())
    end = len(solution) if line_end < 0 else line_end
    sentence = _SENTENCE_END.search(solution, found.end(), end)
    return found.end(), end if sentence is None else sentence.start()


def _last_number(solution: str) -> Span | None:
    found = _last(_NUMBER, solution)
    return None if found is None else found.span()


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return next(iter(deque(pattern.finditer(text), maxlen=1)), None)


def _bare(text: str, start: int, end: int) -> Span:
    """The span without white space, emphasis, quotation marks, a final stop and math delimiters around it."""
    while True:
        before = start, end
        while start < end and text[start] in _AROUND + "\n":
            start += 1
        while start < end and (text[end - 1] in _AROUND + "\n" or text[end - 1] in ".,;:"):
            end -= 1
        for opening, closing in _WRAPPED:
            inside = text[start + len(opening) : end - len(closing)]
            wrapped = text.startswith(opening, start) and text.endswith(closing, start + len(opening), end)
            if wrapped and opening not in inside and closing not in inside:
                start, end = start + len(opening), end - len(closing)
                break
        if (start, end) == before:
            return start, end


_FORMS: tuple[tuple[AnswerForm, Callable[[str], Span | None]], ...] = (
    (AnswerForm.HASHES, _last_line_hashes),
    (AnswerForm.BOXED, _boxed),
    (AnswerForm.HASHES, _hashes),
    (AnswerForm.PHRASE, _phrase),
    (AnswerForm.LAST_NUMBER, _last_number),
)
