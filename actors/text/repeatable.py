"""Whether Python may give something else when it is executed again. Law: read from its text, so what hides the names is
not found; what is found is refused even where a seed would hold it."""

import ast

from msgspec import Struct

from actors.text.syntax import UNPARSED, parsed

_MODULES = frozenset({"random", "secrets", "time", "uuid"})
_READ = frozenset({"now", "today", "utcnow", "urandom", "getrandom"})


class Unrepeatable(Struct, frozen=True):
    """A name that stands for chance or for the clock, and its line, from 1."""

    name: str
    line: int


def unrepeatable(program: str) -> Unrepeatable | None:
    """The first such name, from the outermost statement to the innermost; None too for what is no Python."""
    try:
        nodes = ast.walk(parsed(program))
        return next((found for node in nodes if (found := _found(node)) is not None), None)
    except UNPARSED:
        return None


def _found(node: ast.AST) -> Unrepeatable | None:
    match node:
        case ast.Import(names=names):
            modules = [each.name.partition(".")[0] for each in names]
        case ast.ImportFrom(module=str(module), names=names, level=0):
            modules = [module.partition(".")[0], *(each.name for each in names if each.name in _READ)]
        case ast.Attribute(attr=name):
            modules = [name] if name in _READ else []
        case _:
            return None
    name = next((each for each in modules if each in _MODULES or each in _READ), None)
    return None if name is None else Unrepeatable(name, node.lineno)
