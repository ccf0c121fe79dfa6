"""Python text as a syntax tree.

Law: one thread makes a tree at a time. CPython before 3.13 counts a tree's depth for all threads together, and raises
SystemError where two of them make trees at once (python/cpython#106905).
"""

import ast
import threading

UNPARSED = (SyntaxError, ValueError, MemoryError, RecursionError)
"""What `parsed` raises for a text that is no Python, or that is too deep for it."""
_ALONE = threading.Lock()


def parsed(program: str) -> ast.Module:
    """The tree of a program. Raises one of `UNPARSED`."""
    with _ALONE:
        return ast.parse(program)
