"""Problems whose answer is a function: exercises of `examples/code`, spoilt as there, and tests that nobody sees."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from random import Random

from examples.code.exercises import EXERCISES
from examples.code.writer import spoilt
from studies.executed.problems import Half, Problem, State

FUNCTIONS = 8
"""Of a passage; each order is about another one."""
NUMBERS = (range(2, 10), range(3, 10))
"""The two numbers that make an exercise one of its form."""
HIDDEN: Mapping[str, Sequence[str]] = {
    "band": [str(points) for points in range(22)],
    "count_between": [
        "[]",
        "list(range(25))",
        "list(range(1, 20, 2)) * 2",
        "[5, 5, 9]",
        *(f"[{n}]" for n in range(12)),
    ],
    "bonus": [f"{points}, {days}" for points in range(12) for days in (0, 1, 4)],
    "every": [f"list(range({length}))" for length in range(0, 40, 3)],
    "digits": ["''", f"'{','.join(map(str, range(22)))}'", "'9,9'", "'4,40'"],
}
"""What a function of each form is called with by tests that no gate and no writer sees."""


@lru_cache(maxsize=512)
def function(form: str, low: int, more: int) -> Problem:
    """The problem of an exercise. Its other meaning is the exercise of the next number under the same name."""
    exercise, taken = EXERCISES[form](low, more), EXERCISES[form](low + 1, more)
    name = f"{form}_{low}_{more}"
    code, tests = (text.replace(f"{form}_{low + 1}_{more}", name) for text in (taken.code, taken.tests))
    faulty = {State.SYNTAX: "syntax", State.NAME: "name", State.CRASH: "crash", State.ENDLESS: "endless"}
    answers = {state: spoilt(exercise, fault).code for state, fault in faulty.items()}
    partners = {State.RIGHT: exercise.tests, State.OTHER: tests, State.WEAK: spoilt(exercise, "weak_tests").tests}
    texts = {Half.ANSWER: {State.RIGHT: exercise.code, State.OTHER: code, **answers}, Half.PARTNER: partners}
    return Problem(name, texts, exercise.question)


_NAME = re.compile(rf"\b(?P<form>{'|'.join(EXERCISES)})_(?P<low>\d+)_(?P<more>\d+)\b")


def function_in(text: str) -> Problem | None:
    """The problem whose function is named first in a text; None where none is."""
    found = _NAME.search(text)
    return None if found is None else function(found["form"], int(found["low"]), int(found["more"]))


def hidden_tests(problem: Problem) -> str:
    """Tests of what the question asks for, against the right function, which stands in them under another name."""
    right = problem.texts[Half.ANSWER][State.RIGHT].replace(problem.name, "right")
    inputs = HIDDEN[problem.name.rsplit("_", 2)[0]]
    cases = [f"assert {problem.name}({given}) == right({given})" for given in inputs]
    return "\n".join((f"from solution import {problem.name}", right, *cases))


def specification(random: Random) -> str:
    """A passage of functions that are not written yet."""
    every = [(form, low, more) for form in EXERCISES for low in NUMBERS[0] for more in NUMBERS[1]]
    drawn = [function(*each) for each in random.sample(every, FUNCTIONS)]
    heads = [(problem.texts[Half.ANSWER][State.RIGHT].partition("\n")[0], problem.question) for problem in drawn]
    return "\n\n\n".join(f'{head}\n    """{question}"""' for head, question in heads)
