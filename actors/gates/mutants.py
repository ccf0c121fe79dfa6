"""Mutants of a function: small changes that its tests should notice.

Law: pure; the same program gives the same mutants, whatever was judged before. Each is an edit of the program as it
stands, so that lines keep their numbers, and no two have the same syntax tree. Whether one behaves like the program
itself cannot be known from its text, so a few may pass all tests.
"""

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from itertools import chain, zip_longest

from actors.text.syntax import UNPARSED, parsed
from schemas.code import Mutant

_COMPARED: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_COMPUTED: Mapping[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
_CALLED = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list"}
_REMOVED = (ast.AugAssign, ast.Raise, ast.Continue, ast.Break)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SKIPPED = frozenset({"annotation", "returns", "decorator_list", "pattern", "type_params"})
"""Fields of nodes that compute nothing, or whose syntax is not that of expressions."""

LONGEST_CHANGED = 500
"""Characters of what a mutant changes. A longer expression is written anew for each of its parts, which adds up."""

_Parameters = tuple[str, ...]
_Edit = tuple[ast.expr | ast.stmt, ast.expr | ast.stmt | str]
"""A node, and what is put in its place."""


def mutants(program: str, most: int) -> tuple[Mutant, ...]:
    """At most `most` mutants, of as many kinds as there are, in the order of the program. None of a text that is no
    Python."""
    try:
        tree = parsed(program)
        original = ast.unparse(tree)
    except UNPARSED:
        return ()
    if "\r" in program:  # which ends a line for Python alone
        return ()
    places, nodes = _Places(program), list(_computing(tree))
    kinds = [
        sorted(places.mutants(edit for node, parameters in nodes for edit in kind(node, parameters)), key=_rank)
        for kind in KINDS
    ]
    found: dict[str, Mutant] = {}
    for mutant in filter(None, chain.from_iterable(zip_longest(*kinds))):
        if len(found) == most:
            break
        meaning = _unparsed(mutant.of(program))
        if meaning not in (None, original):
            found.setdefault(meaning or "", mutant)
    return tuple(sorted(found.values(), key=lambda each: (each.start, each.end, each.text)))


def _rank(mutant: Mutant) -> str:
    """An order that follows from the content and prefers no place."""
    return sha256(f"{mutant.start} {mutant.end} {mutant.text}".encode("utf-8", "surrogatepass")).hexdigest()


def _unparsed(program: str) -> str | None:
    try:
        return ast.unparse(parsed(program))
    except UNPARSED:
        return None


class _Places:
    """From the lines and bytes of a syntax tree to characters."""

    def __init__(self, program: str) -> None:
        self._lines = [line.encode("utf-8", "surrogatepass") for line in program.split("\n")]
        self._starts = [0]
        for line in program.split("\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)

    def mutants(self, edits: Iterable[_Edit]) -> set[Mutant]:
        """The edits of the program that put something in a node's place; an expression in brackets."""
        return {self._mutant(*edit) for edit in edits if self._length(edit[0]) <= LONGEST_CHANGED}

    def _mutant(self, node: ast.expr | ast.stmt, new: ast.expr | ast.stmt | str) -> Mutant:
        start, end = self._span(node)
        if isinstance(new, str):
            return Mutant(start, end, new)
        text = ast.unparse(new)
        return Mutant(start, end, f"({text})" if isinstance(new, ast.expr) else text)

    def _length(self, node: ast.expr | ast.stmt) -> int:
        start, end = self._span(node)
        return end - start

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None and node.end_col_offset is not None  # every parsed node has both
        return self._at(node.lineno, node.col_offset), self._at(node.end_lineno, node.end_col_offset)

    def _at(self, line: int, offset: int) -> int:
        return self._starts[line - 1] + len(self._lines[line - 1][:offset].decode("utf-8", "surrogatepass"))


def _computing(tree: ast.Module) -> Iterator[tuple[ast.AST, _Parameters]]:
    """The nodes of what functions compute, each with the parameters of its function: no annotations, decorators,
    docstrings, patterns or f-strings (whose parts have no place of their own)."""
    waiting: list[tuple[ast.AST, _Parameters | None]] = [(tree, None)]
    while waiting:
        node, parameters = waiting.pop()
        if isinstance(node, ast.JoinedStr) or _is_text(node):
            continue
        if parameters is not None:
            yield node, parameters
        for name, value in ast.iter_fields(node):
            if name not in _SKIPPED:
                inside = _parameters(node) if isinstance(node, _FUNCTIONS) and name == "body" else parameters
                children = value if isinstance(value, list) else [value]
                waiting += [(child, inside) for child in children if isinstance(child, ast.AST)]


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> _Parameters:
    given = function.args
    return tuple(each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs))


def _is_text(node: ast.AST) -> bool:
    """A docstring, or another value that is thrown away."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _comparisons(node: ast.AST, parameters: _Parameters) -> Iterator[_Edit]:
    """`<` for `<=`, `==` for `!=`, …: boundaries and their opposites."""
    if isinstance(node, ast.Compare):
        for at, operator in enumerate(node.ops):
            ops = [*node.ops[:at], _COMPARED[type(operator)](), *node.ops[at + 1 :]]
            yield node, ast.Compare(node.left, ops, node.comparators)


def _arithmetic(node: ast.AST, parameters: _Parameters) -> Iterator[_Edit]:
    if isinstance(node, ast.BinOp) and type(node.op) in _COMPUTED:
        yield node, ast.BinOp(node.left, _COMPUTED[type(node.op)](), node.right)
    if isinstance(node, ast.AugAssign) and type(node.op) in _COMPUTED:
        yield node, ast.AugAssign(node.target, _COMPUTED[type(node.op)](), node.value)


def _booleans(node: ast.AST, parameters: _Parameters) -> Iterator[_Edit]:
    """`and` for `or`, a `not` left out, true for false."""
    if isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield node, ast.BoolOp(other, node.values)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node, node.operand
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield node, repr(not node.value)


def _constants(node: ast.AST, parameters: _Parameters) -> Iterator[_Edit]:
    """A number one larger or smaller, a text that is empty, an empty one that is not."""
    if not isinstance(node, ast.Constant) or isinstance(node.value, bool):
        return
    match node.value:
        case int() | float() as value:
            yield node, f"({value + 1!r})"
            yield node, f"({value - 1!r})"
        case str() as text:
            yield node, "''" if text else "'x'"


def _conditions(node: ast.AST, parameters: _Parameters) -> Iterator[_Edit]:
    """The opposite of what a branch, a loop or a filter depends on."""
    tests = [node.test] if isinstance(node, ast.If | ast.While | ast.IfExp) else getattr(node, "ifs", [])
    for test in tests:
        yield test, ast.UnaryOp(ast.Not(), test)


def _statements(node: ast.AST, parameters: _Parameters) -> Iterator[_Edit]:
    """A step left out."""
    if isinstance(node, _REMOVED) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        yield node, "pass"


def _returns(node: ast.AST, parameters: _Parameters) -> Iterator[_Edit]:
    if isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield node, "return None"


def _arguments(node: ast.AST, parameters: _Parameters) -> Iterator[_Edit]:
    """The next parameter in place of one."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in parameters and len(parameters) > 1:
        yield node, parameters[(parameters.index(node.id) + 1) % len(parameters)]


def _calls(node: ast.AST, parameters: _Parameters) -> Iterator[_Edit]:
    """The largest for the smallest, any for all, no order."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLED:
        yield node.func, _CALLED[node.func.id]


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


KINDS: tuple[Callable[[ast.AST, _Parameters], Iterator[_Edit]], ...] = (
    _comparisons, _arithmetic, _returns, _constants, _conditions, _booleans, _statements, _calls, _arguments,
)  # fmt: skip
"""In the order in which they take turns: those that tests of a few plain cases miss most come first."""
