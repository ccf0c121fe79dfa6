"""Splits texts at separators outside brackets, in linear time. The brackets are those of `typography`."""

import re

_OPENING = "([{⦃⌊⌈"
_CLOSING = ")]}⦄⌋⌉"
_PAIRS = {"{": "}", "⦃": "⦄"}
_BRACKET = re.compile(r"[(\[{⦃⌊⌈)\]}⦄⌋⌉]")


def separators(pattern: str) -> re.Pattern[str]:
    """A pattern for `split`."""
    return re.compile(rf"[(\[{{⦃⌊⌈)\]}}⦄⌋⌉]|(?P<separator>{pattern})")


def split(text: str, pattern: re.Pattern[str]) -> tuple[list[str], list[str]]:
    """The parts, stripped, and the separators between them. `pattern`: made by `separators`."""
    parts, found, start, depth = [], [], 0, 0
    for token in pattern.finditer(text):
        if token["separator"] is None:
            depth += 1 if token[0] in _OPENING else -1
        elif depth == 0:
            parts.append(text[start : token.start()].strip())
            found.append(token["separator"].strip())
            start = token.end()
    parts.append(text[start:].strip())
    return parts, found


def inside(text: str) -> tuple[str, str, str] | None:
    """Opening bracket, content and closing bracket, if one pair encloses the whole text; otherwise None."""
    if len(text) < 2 or text[0] not in "([{⦃" or text[-1] not in ")]}⦄":
        return None
    depth = 0
    for token in _BRACKET.finditer(text):
        depth += 1 if token[0] in _OPENING else -1
        if depth <= 0 and token.end() < len(text):
            return None
    opening, closing = text[0], text[-1]
    if depth or _PAIRS.get(opening, closing) != closing or (opening in "([" and closing not in ")]"):
        return None
    return opening, text[1:-1].strip(), closing
