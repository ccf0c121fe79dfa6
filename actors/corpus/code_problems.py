"""Programming problems with hidden tests, in the two shapes that sets of them have: HumanEval's (`prompt`, `test`,
`entry_point`) and MBPP's (`text`, `test_list`, and `test_setup_code` or `test_imports`).

Law: the problem's text and its tests never mix. What becomes of a record follows from the record alone; of MBPP, whose
texts name no function, the name in the tests is added to the text, and nothing else of them.
"""

import ast
import builtins
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from actors.text.syntax import UNPARSED, parsed

FUNCTION_NAME = "{text}\n\nThe function's name is {name}."
HUMANEVAL = "from solution import {name}\n\n{test}\n\ncheck({name})\n"
MBPP = "from solution import {name}\n\n{before}{tests}\n"


class CodeProblem(Struct, frozen=True):
    """A problem, and the tests that a function must pass, which import it `from solution`."""

    text: str
    tests: str
    id: str | None = None


def code_problem(record: dict[str, Any]) -> CodeProblem | str:
    """The problem of a record, or why it is none."""
    name = record.get("task_id")
    named = None if name is None or isinstance(name, bool) or not isinstance(name, str | int) else str(name)
    if "entry_point" in record:
        return _humaneval(record, named)
    if "test_list" in record:
        return _mbpp(record, named)
    return f"no programming problem: it has neither 'entry_point' nor 'test_list', but {', '.join(list(record)[:10])}"


def _humaneval(record: dict[str, Any], name: str | None) -> CodeProblem | str:
    texts = [record.get(field) for field in ("prompt", "test", "entry_point")]
    prompt, test, entry = texts
    if not isinstance(prompt, str) or not isinstance(test, str) or not isinstance(entry, str):
        return "fields 'prompt', 'test' and 'entry_point' must be texts"
    if not prompt.strip() or not entry.isidentifier():
        return "field 'prompt' is empty, or 'entry_point' is no name of a function"
    return CodeProblem(prompt, HUMANEVAL.format(name=entry, test=test), name)


def _mbpp(record: dict[str, Any], name: str | None) -> CodeProblem | str:
    text, tests = record.get("text", record.get("prompt")), record["test_list"]
    if not isinstance(text, str) or not text.strip():
        return "field 'text' (or 'prompt') must be a text"
    if not _are_texts(tests) or not tests:
        return "field 'test_list' must be a list of texts"
    setup, imports = record.get("test_setup_code") or "", record.get("test_imports") or []
    if not isinstance(setup, str) or not _are_texts(imports):
        return "field 'test_setup_code' must be a text, and 'test_imports' a list of texts"
    function = _tested(tests, record.get("code"))
    if function is None:
        return "field 'test_list' calls no function"
    before = "".join(f"{line}\n" for line in (*imports, *([setup] if setup.strip() else ())))
    shown = FUNCTION_NAME.format(text=text.rstrip(), name=function)
    return CodeProblem(shown, MBPP.format(name=function, before=before, tests="\n".join(tests)), name)


def _are_texts(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(each, str) for each in value)


def _tested(tests: Sequence[str], code: object) -> str | None:
    """The function that the tests call: the first that the solution defines, else the first that is not Python's."""
    called = [name for test in tests for name in _called(test) if not hasattr(builtins, name)]
    defined = _defined(code) if isinstance(code, str) else frozenset()
    return next((name for name in called if name in defined), next(iter(called), None))


def _called(test: str) -> list[str]:
    """The names that a test calls, from the outermost call to the innermost."""
    try:
        nodes = ast.walk(parsed(test))
    except UNPARSED:
        return []
    return [node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]


def _defined(code: str) -> frozenset[str]:
    try:
        return frozenset(node.name for node in parsed(code).body if isinstance(node, ast.FunctionDef))
    except UNPARSED:
        return frozenset()
