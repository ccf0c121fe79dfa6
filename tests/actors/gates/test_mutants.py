"""Mutants: what is changed, what never is, and that a program's mutants are always the same."""

import ast
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.gates.mutants import mutants
from schemas.code import Mutant

CLAMP = '''import math


def clamp(value: int, low: int = 0, high: int = 10) -> int:
    """Between 1 and 2 "bounds"."""
    # größer als alles: ž
    if value < low and not math.isnan(value):
        return low
    total = 0
    for each in range(3):
        total += each
    return min(value, high)
'''
MOST = 100


def texts(program: str, most: int = MOST) -> set[tuple[str, str]]:
    """What stands there, and what stands in its place."""
    return {(program[each.start : each.end], each.text) for each in mutants(program, most)}


def test_every_kind_of_change() -> None:
    assert texts(CLAMP) == {
        ("value < low", "(value <= low)"),
        ("value < low and not math.isnan(value)", "(value < low or not math.isnan(value))"),
        ("value < low and not math.isnan(value)", "(not (value < low and (not math.isnan(value))))"),
        ("not math.isnan(value)", "(math.isnan(value))"),
        ("return low", "return None"),
        ("0", "(1)"),
        ("0", "(-1)"),
        ("3", "(4)"),
        ("3", "(2)"),
        ("total += each", "total -= each"),
        ("total += each", "pass"),
        ("return min(value, high)", "return None"),
        ("min", "max"),
        ("value", "low"),
        ("low", "high"),
        ("high", "value"),
    }


@pytest.mark.parametrize(
    ("body", "old", "new"),
    [
        ("return a + b * 2", "b * 2", "(b // 2)"),
        ("return a == b", "a == b", "(a != b)"),
        ("return a < b < 3", "a < b < 3", "(a < b <= 3)"),
        ("return a in b", "a in b", "(a not in b)"),
        ("return [x for x in a if x > 1]", "x > 1", "(not x > 1)"),
        ("return 'a' if a else ''", "''", "'x'"),
        ("return 'a' if a else ''", "'a'", "''"),
        ("return sorted(a, reverse=True)", "True", "False"),
        ("return sorted(a, reverse=True)", "sorted", "list"),
        ("a.append(b)\n    return a", "a.append(b)", "pass"),
        ("if a: raise ValueError\n    return b", "raise ValueError", "pass"),
        ("while a: a -= 1\n    return b", "a -= 1", "a += 1"),
        ("return 'é' + (a -\n        b)", "a -\n        b", "(a + b)"),
        ("return 0.5 * a", "0.5", "(1.5)"),
        ("return [a for _ in a]", "a", "b"),
    ],
)
def test_a_change_at_its_place(body: str, old: str, new: str) -> None:
    """Also behind letters of several bytes and over several lines."""
    assert (old, new) in texts(f"def f(a, b):\n    {body}\n")


def test_what_computes_nothing_stays() -> None:
    """Docstrings, annotations, decorators, patterns, f-strings, and all that is outside of functions."""
    program = (
        "LIMIT = 3\n\n@cache(maxsize=4)\ndef f(a: list[5] = None) -> tuple[6]:\n    'Takes 7.'\n    b: dict[8] = a\n"
        "    match a:\n        case 9: pass\n    return f'{a + 10}'\n"
    )
    assert texts(program) == {("return f'{a + 10}'", "return None")}


def test_each_is_python_on_its_lines_and_differs_from_all_others() -> None:
    found = mutants(CLAMP, MOST)
    made = [each.of(CLAMP) for each in found]
    assert len({ast.unparse(ast.parse(each)) for each in [CLAMP, *made]}) == len(made) + 1
    for each, program in zip(found, made, strict=True):
        assert program.split("\n")[each.line(CLAMP) :] == CLAMP.split("\n")[each.line(CLAMP) :]


def test_a_few_are_of_many_kinds_and_always_the_same() -> None:
    """Chosen by the content, and shown from the first line to the last."""
    few = mutants(CLAMP, 6)
    assert few == mutants(CLAMP, 6) and len(few) == 6 and set(few) < set(mutants(CLAMP, MOST))
    assert [each.start for each in few] == sorted(each.start for each in few)
    assert {each.text for each in few} >= {"(value <= low)", "return None"}


@pytest.mark.parametrize(
    "program",
    [
        "",
        "def f(:",
        "x = 1",
        "def f():\n    pass",
        "def f(a):\n    return a\r",
        "def f():\n    return " + "(" * 500,
        "\0",
    ],
)
def test_there_may_be_none(program: str) -> None:
    assert mutants(program, MOST) == ()


@pytest.mark.parametrize("nested", ["-" * 3_000 + "1", "[" * 150 + "]" * 150, "not " * 900 + "a", "a" + ".b" * 1_500])
def test_nothing_is_raised_for_deep_ones(nested: str) -> None:
    mutants(f"def f(a):\n    return {nested}\n", MOST)


@pytest.mark.parametrize("long", ["a < " * 1_500 + "a", "a < b and " * 600 + "a", "1 + " * 140 + "a"])
def test_a_long_expression_is_not_written_anew_for_each_of_its_parts(long: str) -> None:
    """Which takes half a minute for the first; it takes half a second of a slow core at most."""
    began = time.process_time()
    mutants(f"def f(a, b):\n    return {long}\n", 12)
    assert time.process_time() - began < 5


@given(st.text(alphabet="abé \n:=<>+-*()[]'\"#1.,\\ifdertun\t\f", max_size=60))
def test_any_text_is_read_without_an_error(body: str) -> None:
    """And a mutant of what is Python is Python."""
    program = f"def f(a, b):\n    if a < b:\n        return 'é', {body}\n"
    for each in mutants(program, 20):
        assert isinstance(each, Mutant)
        ast.parse(each.of(program))
