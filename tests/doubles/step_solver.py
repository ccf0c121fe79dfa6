"""StepSolver: a seeded solver whose every step may go wrong or be mended, so that the true Q of each prefix is known.

It goes on from whatever prefix it is given. For whole runs and for what credit finds, never for a claim about models.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from random import Random

from msgspec import Struct

from actors.text.final_answer import reference_answer
from schemas.ids import content_id
from schemas.samples import Completion, FinishReason, GenerationRequest
from tests.doubles.engines import InstantEngine, InstantOptions

GOOD, BAD = "fine", "off"


class StepWorld(Struct, frozen=True):
    """Solutions of `steps` steps and an answer. Chances of a step after a good one to be bad, and the reverse."""

    steps: int = 5
    breaks: float = 0.2
    mends: float = 0.0

    def q(self, prefix: str) -> float:
        """The true Q of a prefix of whole steps."""
        made = prefix.count("\n")
        return _q(self, made, prefix.splitlines()[-1].endswith(GOOD) if made else True)


@cache
def _q(world: StepWorld, made: int, good: bool) -> float:
    if made == world.steps:
        return float(good)
    stays_good = 1 - world.breaks if good else world.mends
    return stays_good * _q(world, made + 1, True) + (1 - stays_good) * _q(world, made + 1, False)


class StepSolver(InstantEngine):
    """`answers`: of each question."""

    def __init__(self, answers: Mapping[str, str], world: StepWorld) -> None:
        super().__init__(InstantOptions())
        self._answers = answers
        self._world = world
        self.requests: list[GenerationRequest] = []

    async def generate(self, request: GenerationRequest) -> Completion:
        """The rest of a solution behind the prefix; the same request gives the same one."""
        self.requests.append(request)
        last = request.messages[-1]
        prefix = last.content if last.role == "assistant" else ""
        question = request.messages[-2 if prefix else -1].content
        draw = Random(content_id(question, prefix, request.sampling.seed))
        text = self._rest(draw, self._answers[question], prefix)
        tokens = len(question.split()) + len(prefix.split())
        return Completion(request.id, text, FinishReason.STOP, tokens, len(text.split()))

    def _rest(self, draw: Random, answer: str, prefix: str) -> str:
        good = prefix.splitlines()[-1].endswith(GOOD) if prefix else True
        lines = []
        for step in range(prefix.count("\n") + 1, self._world.steps + 1):
            good = draw.random() >= self._world.breaks if good else draw.random() < self._world.mends
            lines.append(f"Step {step}, by way {draw.randrange(3)}: {GOOD if good else BAD}\n")
        return "".join(lines) + f"#### {answer if good else f'{answer}0'}"


def step_solver(*, key: str, steps: int = 5, breaks: float = 0.2, mends: float = 0.0) -> StepSolver:
    """Factory for a configuration's `engine: {kind: custom, factory: "tests.doubles.step_solver:step_solver"}`."""
    records = [json.loads(line) for line in Path(key).read_text("utf-8").splitlines()]
    answers = {record["question"]: reference_answer(str(record["answer"])) for record in records}
    return StepSolver(answers, StepWorld(steps, breaks, mends))
