"""A model that writes functions with tests, each passage's first one with the fault that the passage names."""

import re

from schemas.samples import GenerationRequest
from tests.doubles.writers import Writer

CLAMP = "def clamp(value, low, high):\n    if value < low:\n        return low\n    return min(value, high)"
TESTS = (
    "from solution import clamp\n\nassert clamp(1, 2, 5) == 2\nassert clamp(9, 2, 5) == 5\nassert clamp(3, 2, 5) == 3\n"
    "assert clamp(2, 2, 5) == 2"
)
QUESTION = "Write clamp(value, low, high): the value, but at least low and at most high."
CODE = {
    "right": CLAMP,
    "syntax_error": CLAMP.replace("low:", "low"),
    "wrong_name": CLAMP.replace("min(value", "mini(value"),
    "runtime_error": CLAMP.replace("low, high):", "low, high=1 / 0):"),
    "timeout": CLAMP.replace("    if value", "    while True:\n        value += 1\n    if value"),
    "test_failed": CLAMP.replace("min(", "max("),
    "too_simple": "import statistics\n\n\ndef clamp(*given):\n    return statistics.median(given)",
    "stubborn": CLAMP.replace("return low", "return high"),
}
"""The function that is written first; any other passage gets the right one. `stubborn` is never mended."""
FIRST_TESTS = {
    "wrong_test": TESTS.replace("== 5\n", "== 6\n", 1),
    "tests_broken": TESTS.replace("assert clamp(1", "asert clamp(1"),
    "tests_too_weak": TESTS.replace("clamp(1, 2, 5) == 2", "clamp(5, 2, 5) == 5")
    .replace("9, 2", "4, 2")
    .replace("== 5\n", "!= 9\n"),
    "endless": f"{TESTS}\nwhile True:\n    pass",
}
"""The tests that are written first. Those of `endless` are never judged."""
HIDDEN = "-77001"
"""In the tests of problems, and nowhere else."""
FAULTS = (*CODE, *FIRST_TESTS)


def specification_of(fault: str) -> str:
    """A passage."""
    return f"Clamping, case {fault}: a value that is too small becomes low, one that is too large becomes high."


def problem_of(fault: str) -> dict[str, str]:
    """A record of HumanEval's shape."""
    return {
        "task_id": fault,
        "prompt": f'def clamp(value, low, high):\n    """In case {fault}: at least low, at most high."""\n',
        "test": f"def check(candidate):\n    assert candidate({HIDDEN}, 2, 5) == 2\n    assert candidate(3, 2, 5) == 3",
        "canonical_solution": "    ...",
        "entry_point": "clamp",
    }


def block(code: str) -> str:
    """As a reply has it."""
    return f"```python\n{code}\n```"


class CodeWriter(Writer):
    """Writes, and mends the half that it is asked for."""

    def text(self, request: GenerationRequest) -> str:
        return written(request.messages[1].content)


def written(asked: str) -> str:
    """The reply to a prompt."""
    found = re.search(r"case (\w+):", asked)
    assert found is not None
    fault = found[1]
    code, tests = CODE.get(fault, CLAMP), FIRST_TESTS.get(fault, TESTS)
    if "def clamp" in asked.partition("\n")[0]:  # a problem
        return block(CLAMP if "is wrong" in asked else code)
    if fault == "stubborn":
        return (
            f"Question: {QUESTION}\n{block(code)}\n{block(tests)}" if "again" not in asked else block(f"{code}  # no")
        )
    if "Write the function again" in asked:
        return block(CLAMP)
    if "Write the tests again" in asked:
        return block(TESTS)
    if "something else than" in asked:
        code, tests = CLAMP, TESTS
    return f"Question: {QUESTION}\n{block(code)}\n{block(tests)}"


WRITERS: list[CodeWriter] = []
"""The last one is the run's. (A configuration's engine is made by a function without arguments.)"""


def writer() -> CodeWriter:
    return WRITERS[-1]
