"""A stand-in for a model that writes functions with tests: five forms of exercise by rule, with faults on purpose at
rates that stand here. It shows how a run of `kind: code` goes on any machine, and says nothing about any model."""

import re
from random import Random

from examples.code.exercises import EXERCISES, Exercise
from schemas.errors import EngineError, ErrorKind
from schemas.samples import Classification, ClassificationRequest, Completion, FinishReason, GenerationRequest

FAULTS = {
    "none": 50, "syntax": 7, "name": 7, "crash": 7, "wrong": 8, "endless": 3, "simple": 4,
    "wrong_test": 6, "broken_tests": 4, "weak_tests": 4,
}  # fmt: skip
"""How many of a hundred first replies have each fault."""
MENDED = 0.8
"""The part of the edits that mend what they are asked for; the others write the fault again."""
_NAME = re.compile(rf"\b(?P<form>{'|'.join(EXERCISES)})_(?P<a>\d+)_(?P<b>\d+)\b")


class RuleCoder:
    """Writes an exercise by the seed; mends the half that it is asked for."""

    async def start(self) -> None:
        """Nothing to load."""

    async def check(self) -> None:
        """Rules cannot break."""

    async def close(self) -> None:
        """Nothing to free."""

    async def classify(self, request: ClassificationRequest) -> Classification:
        raise EngineError(ErrorKind.PERMANENT, "a writer of functions is no classifier")

    async def generate(self, request: GenerationRequest) -> Completion:
        prompt = request.messages[-1].content
        text = said(prompt, Random(request.sampling.seed))
        return Completion(request.id, text, FinishReason.STOP, len(prompt.split()), len(text.split()))


def said(prompt: str, random: Random) -> str:
    """What is written for a prompt of the task."""
    asked = prompt.rpartition(">>>")[2]
    known = _NAME.search(asked)
    if known is not None and "again" in asked:
        exercise = EXERCISES[known["form"]](int(known["a"]), int(known["b"]))
        is_mended = random.random() < MENDED
        if "Write the tests again" in asked:
            return block(exercise.tests if is_mended else spoilt(exercise, "wrong_test").tests)
        return block(exercise.code if is_mended else spoilt(exercise, "wrong").code)
    form = random.choice(list(EXERCISES))
    exercise = EXERCISES[form](random.randint(2, 9), random.randint(3, 9))
    (fault,) = random.choices(list(FAULTS), list(FAULTS.values()))
    exercise = spoilt(exercise, fault)
    return f"Question: {exercise.question}\n{block(exercise.code)}\n{block(exercise.tests)}"


def spoilt(exercise: Exercise, fault: str) -> Exercise:
    """The exercise with a fault of this kind."""
    question, code, tests = exercise.question, exercise.code, exercise.tests
    head, _, body = code.partition("\n")
    lines = tests.split("\n")
    match fault:
        case "syntax":
            code = code.replace(":\n", "\n", 1)
        case "name":
            code = f"{head}\n    unknown_thing()\n{body}"
        case "crash":
            code = f"{head}\n    [][0]\n{body}"
        case "wrong":
            code = re.sub(r"return (.+)$", r"return [\1]", code)
        case "endless":
            code = f"{head}\n    while True:\n        pass\n{body}"
        case "simple":
            code = f"{head}\n    return 0"
            tests = f"{lines[0]}\n\n" + "\n".join(f"{line.rpartition(' == ')[0]} == 0" for line in lines[2:])
        case "wrong_test":
            tests = f"{lines[0]}\n\n{lines[2]} + [1]\n" + "\n".join(lines[3:])
        case "broken_tests":
            tests = tests.replace("assert", "asert", 1)
        case "weak_tests":
            tests = "\n".join([*lines[:2], *(f"{line.rpartition(' == ')[0]} is not None" for line in lines[2:])])
    return Exercise(question, code, tests)


def block(code: str) -> str:
    """As a reply has it."""
    return f"```python\n{code}\n```"
