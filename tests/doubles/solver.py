"""SolverEngine: solves problems from their answer key, right or wrong as drawn. For whole math runs, never for a claim
about quality."""

import json
from pathlib import Path
from random import Random

from actors.text.final_answer import reference_answer
from schemas.ids import content_id
from schemas.samples import Completion, FinishReason, GenerationRequest
from tests.doubles.engines import InstantEngine, InstantOptions


class SolverEngine(InstantEngine):
    """Knows the answers of a file of problems; a share `wrong` of its solutions ends in another one."""

    def __init__(self, key: Path, *, wrong: float) -> None:
        super().__init__(InstantOptions())
        records = [json.loads(line) for line in key.read_text("utf-8").splitlines()]
        self._answers = {record["question"]: reference_answer(str(record["answer"])) for record in records}
        self._wrong = wrong

    async def generate(self, request: GenerationRequest) -> Completion:
        """A solution of two steps; the same request gives the same one."""
        question = request.messages[-1].content
        draw = Random(content_id(question, request.sampling.seed))
        answer = self._answers[question]
        said = f"{answer} + 1" if draw.random() < self._wrong else answer
        text = f"Think of it.\nIt is {said}.\nSo \\boxed{{{said}}}."
        return Completion(request.id, text, FinishReason.STOP, prompt_tokens=40, completion_tokens=20)


def solver(*, key: str, wrong: float) -> SolverEngine:
    """Factory for a configuration's `engine: {kind: custom, factory: "tests.doubles.solver:solver"}`."""
    return SolverEngine(Path(key), wrong=float(wrong))
