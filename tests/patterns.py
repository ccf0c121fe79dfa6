"""Every regular expression of the product, found in its modules and sources, and what each of them may be made of."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

from msgspec import Struct

from tests.test_architecture import files, module_of, nodes

PRODUCT = ("actors", "deployments", "schemas")
CALLS = frozenset({"compile", "match", "search", "fullmatch", "sub", "subn", "split", "findall", "finditer"})
COMMON = ("a", "1", " ", "\n", "!")
LONGEST_ALPHABET = 24
_CATEGORIES = {
    _constants.CATEGORY_DIGIT: "1",
    _constants.CATEGORY_SPACE: " \n",
    _constants.CATEGORY_WORD: "a_",
    _constants.CATEGORY_NOT_DIGIT: "a",
    _constants.CATEGORY_NOT_SPACE: "a",
    _constants.CATEGORY_NOT_WORD: "!",
}


class Made(Struct, frozen=True):
    """A call of `re` inside a function: of a literal pattern, or (None) of one that is put together. `way`: the name of
    the call."""

    module: str
    line: int
    way: str
    literal: str | None


def modules_with_patterns() -> list[Path]:
    """Sources that import `re`: nothing else makes a pattern."""
    return [path for path in files(*PRODUCT) if any(_imports_re(node) for node in nodes(path))]


def _imports_re(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == "re"
    return isinstance(node, ast.Import) and any(alias.name == "re" for alias in node.names)


def kept() -> Iterator[tuple[str, re.Pattern[Any]]]:
    """Patterns that modules and their classes hold, in whatever tuples and tables, by name."""
    for path in modules_with_patterns():
        module = module_of(path)
        elsewhere = {alias.asname or alias.name for node in nodes(path) if isinstance(node, ast.ImportFrom)
                     for alias in node.names}  # fmt: skip
        for name, value in vars(importlib.import_module(module)).items():
            if isinstance(value, type) and value.__module__ == module:
                for member, held in vars(value).items():
                    yield from _inside(f"{module}.{name}.{member}", held)
            elif name not in elsewhere:
                yield from _inside(f"{module}.{name}", value)


def _inside(name: str, value: object) -> Iterator[tuple[str, re.Pattern[Any]]]:
    if isinstance(value, re.Pattern):
        yield name, value
    elif isinstance(value, Struct):
        for field in value.__struct_fields__:
            yield from _inside(f"{name}.{field}", getattr(value, field))
    elif isinstance(value, dict):
        for key, held in value.items():
            yield from _inside(f"{name}[{key!r:.30}]", key)
            yield from _inside(f"{name}[{key!r:.30}]", held)
    elif isinstance(value, tuple | list | set | frozenset):
        for at, held in enumerate(value):
            yield from _inside(f"{name}[{at}]", held)


def made_in_functions(path: Path) -> Iterator[Made]:
    """Calls of `re` with their pattern, wherever a function makes one. `re.escape` makes none."""
    functions = [node for node in nodes(path) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)]
    calls = {id(call): call for function in functions for call in ast.walk(function) if isinstance(call, ast.Call)}
    for call in calls.values():
        match call.func:
            case ast.Attribute(ast.Name("re"), way) if way in CALLS:
                given = call.args[0]
                literal = str(given.value) if isinstance(given, ast.Constant) else None
                yield Made(module_of(path), call.lineno, way, literal)
            case _:
                pass


def ways() -> dict[str, frozenset[str]]:
    """How the product uses each name that a module gives to something: the methods that it calls. Empty, where it hands
    the thing itself on."""
    called: dict[str, set[str]] = {}
    handed_on: set[str] = set()
    for path in modules_with_patterns():
        here, names = module_of(path), dict[str, str]()
        for node in nodes(path):
            if isinstance(node, ast.ImportFrom):
                names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        of_methods = {id(node.value): node.attr for node in nodes(path) if isinstance(node, ast.Attribute)}
        for node in nodes(path):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                name = names.get(node.id, f"{here}.{node.id}")
                method = of_methods.get(id(node))
                if method in CALLS:
                    called.setdefault(name, set()).add(method)
                elif method != "pattern":
                    handed_on.add(name)
    return {name: frozenset(methods) for name, methods in called.items() if name not in handed_on}


def in_types(path: Path) -> Iterator[tuple[str, str]]:
    """Patterns that the types of fields hold: msgspec searches for them."""
    for node in nodes(path):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Meta":
            for given in node.keywords:
                if given.arg == "pattern" and isinstance(given.value, ast.Constant):
                    yield f"{module_of(path)}:{node.lineno}", str(given.value.value)


def alphabet(pattern: re.Pattern[Any]) -> list[str]:
    """Single letters that the pattern knows: its literals, one of each range and class, and a few of any kind."""
    found: dict[str, None] = {}
    for letter in _letters(_parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)):
        found.setdefault(letter)
    return [*dict.fromkeys((*COMMON, *list(found)[:LONGEST_ALPHABET]))]


def words(pattern: re.Pattern[Any]) -> list[str]:
    """Runs of two and more literals that stand together in the pattern."""
    return [*dict.fromkeys(_words(_parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)))]


def _letters(node: Any) -> Iterator[str]:
    match node:
        case (_constants.LITERAL | _constants.NOT_LITERAL, int() as code):
            yield chr(code)
        case (_constants.RANGE, (low, _)):
            yield chr(low)
        case (_constants.CATEGORY, category):
            yield from _CATEGORIES[category]
        case tuple() | list() | _parser.SubPattern():
            for part in node:  # type: ignore[union-attr]
                yield from _letters(part)


def _words(node: Any) -> Iterator[str]:
    run = ""
    for part in [*node, None] if isinstance(node, tuple | list | _parser.SubPattern) else []:
        if isinstance(part, tuple) and part[0] is _constants.LITERAL:
            run += chr(part[1])
            continue
        if len(run) > 1:
            yield run
        run = ""
        yield from _words(part)
