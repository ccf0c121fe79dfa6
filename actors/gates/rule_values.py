"""Values in an expression: a text that is compared with a name must be one that the name can have.

Law: a comparison is a fault only where every value of its name is known; `difficulty == "hrad"` is never true.
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches

MOST_SHOWN = 8
"""Values that a fault lists, where none is near."""


def impossible_value(tree: ast.Expression, values: Mapping[str, Collection[str]]) -> tuple[ast.expr, str] | None:
    """The first text that its name cannot equal, with what is wrong. `values`: all that each of the names can have."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            for name, text in _equated(node):
                known = values.get(name)
                if known is not None and text.value not in known:
                    return text, f"'{name}' is never {str(text.value)[:80]!r}{_instead(str(text.value), known)}"
    return None


def _equated(node: ast.Compare) -> Iterator[tuple[str, ast.Constant]]:
    """Each name with the text that it is held to equal, or not to."""
    terms = [node.left, *node.comparators]
    for sign, left, right in zip(node.ops, terms, terms[1:], strict=False):
        if not isinstance(sign, ast.Eq | ast.NotEq):
            continue
        match (left, right):
            case (ast.Name(id=name), ast.Constant(value=str()) as text):
                yield name, text
            case (ast.Constant(value=str()) as text, ast.Name(id=name)):
                yield name, text


def _instead(text: str, known: Collection[str]) -> str:
    near = get_close_matches(text, list(known), n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    more = ", …" if len(known) > MOST_SHOWN else ""
    return f"; it is one of {', '.join(map(repr, list(known)[:MOST_SHOWN]))}{more}"
