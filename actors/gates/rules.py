"""Rules as expressions over a sample: `words(answer) <= 80 and not contains(lower(answer), "as an ai")`.

Law: an expression can use only what is listed here: no attribute, no index, and no call but those of `NAMES`. Types and
names are checked when it is read, so a bad rule never gets a sample. The work of one evaluation is limited.
"""

import ast
import math
import operator
import warnings
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal

from msgspec import Struct

from actors.gates.fields import NUMBERS, TEXTS
from actors.gates.patterns import BadPattern, Pattern
from actors.gates.rule_values import impossible_value

LONGEST_RULE = 1_000
"""In characters."""
MOST_NODES = 200
MOST_WORK = 5_000_000
"""The most characters that one evaluation may read; a text that is read twice counts twice."""
LARGEST = 1e15
"""The largest number in a rule."""

Kind = Literal["text", "number", "truth", "list"]
Value = str | float | bool


class BadRule(ValueError):
    """An expression that cannot be read, with the place of the fault."""


class RuleFailed(Exception):
    """An expression without a result for one sample: it divides by zero, or its texts are too long."""


class Sample(Struct):
    """The sample on which an expression is evaluated. `scores`: of the gates that have judged it already."""

    fields: Mapping[str, Any]
    scores: Mapping[str, float] = {}
    work: int = 0

    def read(self, *texts: str) -> None:
        """Counts the work of reading texts. Raises RuleFailed when it is too much."""
        self.work += sum(map(len, texts))
        if self.work > MOST_WORK:
            raise RuleFailed(f"its texts are too long: more than {MOST_WORK:,} characters to go through")


Evaluate = Callable[[Sample], Any]


class SampleRule(Struct, frozen=True):
    """A rule that was read. `scores`: names of the gates whose scores it needs."""

    evaluate: Evaluate
    scores: frozenset[str]

    def score(self, sample: Sample) -> float:
        """The score in [0, 1]; true is 1, false is 0. Raises RuleFailed."""
        try:
            found = float(self.evaluate(sample))
        except ZeroDivisionError:
            raise RuleFailed("it divides by zero") from None
        except OverflowError:
            raise RuleFailed("a number grows too large") from None
        if not 0 <= found <= 1:  # a NaN fails this too
            raise RuleFailed(f"it comes to {found:g}, and a score is in [0, 1]")
        return found


class _Typed(Struct, frozen=True):
    kind: Kind
    evaluate: Evaluate


class _Function(Struct, frozen=True):
    takes: tuple[Kind, ...]
    gives: Kind
    call: Callable[..., Any]


FUNCTIONS: dict[str, _Function] = {
    "len": _Function(("text",), "number", len),
    "words": _Function(("text",), "number", lambda text: len(text.split())),
    "lower": _Function(("text",), "text", str.lower),
    "contains": _Function(("text", "text"), "truth", lambda text, part: part in text),
    "startswith": _Function(("text", "text"), "truth", str.startswith),
    "endswith": _Function(("text", "text"), "truth", str.endswith),
    "count": _Function(("text", "text"), "number", lambda text, part: text.count(part)),
    "min": _Function(("number", "number"), "number", min),
    "max": _Function(("number", "number"), "number", max),
}
"""Also `matches(text, "pattern")` and `score("gate")`, whose pattern and gate must be written out in quotes."""
NAMES = (*FUNCTIONS, "matches", "score")

_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def read_rule(
    text: str,
    texts: Collection[str] | None = TEXTS,
    *,
    kinds: Mapping[str, Kind] | None = None,
    values: Mapping[str, Collection[str]] = {},
) -> SampleRule:
    """The rule of an expression. `texts`: the names it may use; None: any, for the fields of a user's own task.
    `kinds`: the only names it may use, each with what it is. `values`: all texts that a name can have, where they are
    known. Raises BadRule."""
    if len(text) > LONGEST_RULE:
        raise BadRule(f"an expression of {len(text):,} characters, at most {LONGEST_RULE:,} are read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of `"\\d"`, which is what a pattern means
            tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        where = f" at character {error.offset}" if error.offset else ""
        raise BadRule(f"no expression{where}: {error.msg}") from None
    except (ValueError, MemoryError, RecursionError):
        raise BadRule("no expression, or one that is nested too deeply") from None
    if sum(1 for _ in ast.walk(tree)) > MOST_NODES:
        raise BadRule("too long: split it over several gates")
    reader = _RuleReader(texts, kinds)
    read = reader.node(tree.body)
    impossible = impossible_value(tree, values)
    if impossible is not None:
        raise _bad(*impossible)
    if read.kind in ("text", "list"):
        raise BadRule(f"comes to a {read.kind}; it must come to true or false, or to a score in [0, 1]")
    return SampleRule(read.evaluate, frozenset(reader.scores))


class _RuleReader:
    """From syntax to functions, each with the kind of its value."""

    def __init__(self, texts: Collection[str] | None, kinds: Mapping[str, Kind] | None) -> None:
        self._texts = texts
        self._kinds = kinds
        self.scores: set[str] = set()

    def node(self, node: ast.expr) -> _Typed:
        match node:
            case ast.Constant():
                return _constant(node)
            case ast.Name():
                return _name(node, self._texts) if self._kinds is None else _of_kind(node, self._kinds)
            case ast.BoolOp():
                return self._boolean(node)
            case ast.UnaryOp():
                return self._unary(node)
            case ast.BinOp():
                return self._arithmetic(node)
            case ast.Compare():
                return self._comparison(node)
            case ast.IfExp():
                return self._choice(node)
            case ast.Call():
                return self._call(node)
        raise _bad(node, "cannot stand in a rule; there are names, texts, numbers, comparisons, and or not, + - * / %")

    def _of(self, node: ast.expr, kind: Kind) -> Evaluate:
        read = self.node(node)
        if read.kind != kind:
            raise _bad(node, f"is a {read.kind}, where a {kind} must stand")
        return read.evaluate

    def _boolean(self, node: ast.BoolOp) -> _Typed:
        parts = [self._of(value, "truth") for value in node.values]
        every = all if isinstance(node.op, ast.And) else any
        return _Typed("truth", lambda sample: every(part(sample) for part in parts))

    def _unary(self, node: ast.UnaryOp) -> _Typed:
        match node.op:
            case ast.Not():
                truth = self._of(node.operand, "truth")
                return _Typed("truth", lambda sample: not truth(sample))
            case ast.USub():
                number = self._of(node.operand, "number")
                return _Typed("number", lambda sample: -number(sample))
        raise _bad(node, "cannot stand in a rule")

    def _arithmetic(self, node: ast.BinOp) -> _Typed:
        operation = _ARITHMETIC.get(type(node.op))
        if operation is None:
            raise _bad(node, "cannot stand in a rule; numbers know + - * / %")
        left, right = self._of(node.left, "number"), self._of(node.right, "number")
        return _Typed("number", lambda sample: operation(float(left(sample)), float(right(sample))))

    def _comparison(self, node: ast.Compare) -> _Typed:
        terms = [self.node(each) for each in (node.left, *node.comparators)]
        pairs: list[tuple[Evaluate, Callable[[Any, Any], bool], Evaluate]] = []
        for sign, left, right, place in zip(node.ops, terms, terms[1:], node.comparators, strict=False):
            if left.kind != right.kind:
                raise _bad(place, f"a {left.kind} is compared with a {right.kind}")
            if isinstance(sign, ast.In | ast.NotIn) and left.kind == "text":
                pairs.append((left.evaluate, _within if isinstance(sign, ast.In) else _without, right.evaluate))
                continue
            compare = _COMPARISONS.get(type(sign))
            if compare is None or (left.kind != "number" and not isinstance(sign, ast.Eq | ast.NotEq)):
                raise _bad(place, f"a {left.kind} is not compared in this way")
            pairs.append((left.evaluate, compare, right.evaluate))
        return _Typed("truth", lambda sample: all(_compared(sample, *pair) for pair in pairs))

    def _choice(self, node: ast.IfExp) -> _Typed:
        test, then, other = self._of(node.test, "truth"), self.node(node.body), self.node(node.orelse)
        if then.kind != other.kind:
            raise _bad(node.orelse, f"is a {other.kind}, and what stands before `if` a {then.kind}")
        return _Typed(then.kind, lambda sample: (then if test(sample) else other).evaluate(sample))

    def _call(self, node: ast.Call) -> _Typed:
        if not isinstance(node.func, ast.Name) or node.func.id not in NAMES or node.keywords:
            raise _bad(node, f"only these are called: {', '.join(NAMES)}")
        name = node.func.id
        if name == "score":
            return self._score(node)
        if name == "matches":
            return self._matches(node)
        function = FUNCTIONS[name]
        if len(node.args) != len(function.takes):
            raise _bad(node, f"{name} takes {len(function.takes)}: {', '.join(function.takes)}")
        if name == "len" and (listed := self.node(node.args[0])).kind == "list":
            return _Typed("number", lambda sample: len(listed.evaluate(sample)))
        values = [self._of(value, kind) for value, kind in zip(node.args, function.takes, strict=True)]

        def called(sample: Sample) -> Any:
            given = [value(sample) for value in values]
            sample.read(*(each for each in given if isinstance(each, str)))
            return function.call(*given)

        return _Typed(function.gives, called)

    def _score(self, node: ast.Call) -> _Typed:
        gate = _written(node, 0, "score takes the name of a gate, in quotes")
        if len(node.args) != 1:
            raise _bad(node, "score takes the name of one gate, in quotes")
        self.scores.add(gate)

        def told(sample: Sample) -> float:
            if gate not in sample.scores:
                raise RuleFailed(f"the gate {gate} gave this sample no score")
            return sample.scores[gate]

        return _Typed("number", told)

    def _matches(self, node: ast.Call) -> _Typed:
        if len(node.args) != 2:
            raise _bad(node, "matches takes a text and a pattern in quotes")
        text, written = self._of(node.args[0], "text"), _written(node, 1, "the pattern must be written out, in quotes")
        try:
            pattern = Pattern(written)
        except BadPattern as bad:
            raise _bad(node.args[1], f"no pattern: {bad}") from None

        def matched(sample: Sample) -> bool:
            searched = text(sample)
            sample.read(searched)
            return pattern.is_in(searched)

        return _Typed("truth", matched)


def _constant(node: ast.Constant) -> _Typed:
    value = node.value
    match value:
        case bool():
            return _Typed("truth", lambda sample: value)
        case str():
            return _Typed("text", lambda sample: value)
        case int() | float() if math.isfinite(value) and abs(value) <= LARGEST:
            return _Typed("number", lambda sample: value)
    raise _bad(node, "is no text, no number up to 1e15, and neither True nor False")


def _name(node: ast.Name, texts: Collection[str] | None) -> _Typed:
    name = node.id
    if name in NUMBERS:
        return _Typed("number", lambda sample: sample.fields[name])
    if texts is not None and name not in texts:
        known = ", ".join((*texts, *NUMBERS))
        raise _bad(node, f"'{name}' is unknown; a rule may name {known}, and call {', '.join(NAMES)}")

    def text(sample: Sample) -> Value:
        if name not in sample.fields:
            raise RuleFailed(f"the draft has no field '{name}'")
        return sample.fields[name]

    return _Typed("text", text)


def _of_kind(node: ast.Name, kinds: Mapping[str, Kind]) -> _Typed:
    name = node.id
    if name not in kinds:
        raise _bad(node, f"'{name}' is unknown; a check may name {', '.join(kinds)}, and call {', '.join(NAMES)}")

    def value(sample: Sample) -> Any:
        if name not in sample.fields:
            raise RuleFailed(f"there is no '{name}'")
        return sample.fields[name]

    return _Typed(kinds[name], value)


def _written(node: ast.Call, place: int, otherwise: str) -> str:
    match node.args[place : place + 1]:
        case [ast.Constant(value=str(text))]:
            return text
    raise _bad(node, otherwise)


def _compared(sample: Sample, left: Evaluate, compare: Callable[[Any, Any], bool], right: Evaluate) -> bool:
    one, other = left(sample), right(sample)
    sample.read(*(each for each in (one, other) if isinstance(each, str)))
    return compare(one, other)


def _within(part: str, text: str) -> bool:
    return part in text


def _without(part: str, text: str) -> bool:
    return part not in text


def _bad(node: ast.expr, why: str) -> BadRule:
    return BadRule(f"{why} (character {node.col_offset + 1})")
