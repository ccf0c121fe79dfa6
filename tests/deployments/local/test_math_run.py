"""A whole math run through the real queue and conductor in this process: a scripted model, one gate, the verifier."""

import json
from pathlib import Path

import msgspec
import pytest

from actors.corpus.chunker import Chunker
from actors.corpus.reader import read
from actors.ledger.sqlite import MemoryLedger
from deployments.config.load import load_text, resolve
from schemas.config import RunConfig
from schemas.corpus import Document, Passage
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Rejoined
from schemas.orders import EndReason
from schemas.recovery import Modes, Repairs
from schemas.samples import Completion, FinishReason, GenerationRequest
from schemas.verdicts import PROVENANCE, VERIFIER, Passed, Rejected
from tests.doubles.math_runs import run_math

PROBLEMS = [
    {"id": "rolls", "question": "A baker has 96 rolls and sells 71. How many are left?", "answer": "96-71=25\n#### 25"},
    {"id": "root", "question": "What is the diagonal of a square with side 2?", "answer": "2\\sqrt{2}"},
    {"id": "hard", "question": "How many zeros?", "answer": 7},
]
CONFIG = """
corpus: {paths: [problems.jsonl], text_field: question, answer_field: answer}
task: {kind: math, samples_per_passage: 1}
pools:
  generator: {engine: {kind: custom, factory: "tests.doubles.engines:instant"}}
gates:
  verifier: {timeout_s: 20, processes: 1}
recovery: {policy: naive_resample, max_attempts: 3}
"""


class Solver:
    """Solves each problem by its script, one solution an attempt, the last one again when it runs out."""

    def __init__(self, script: dict[str, list[str]]) -> None:
        self._script = script
        self.requests: list[GenerationRequest] = []

    async def generate(self, request: GenerationRequest) -> Completion:
        self.requests.append(request)
        solutions = self._script[request.messages[-1].content]
        text = solutions.pop(0) if len(solutions) > 1 else solutions[0]
        return Completion(request.id, text, FinishReason.STOP, prompt_tokens=30, completion_tokens=12)


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    (tmp_path / "problems.jsonl").write_text("".join(json.dumps(problem) + "\n" for problem in PROBLEMS))
    return resolve(load_text(CONFIG), tmp_path)


def problems(config: RunConfig) -> list[Passage]:
    chunker = Chunker(config.corpus.chunking)
    documents = [found for found in read(config.corpus) if isinstance(found, Document)]
    return [passage for document in documents for passage in chunker.passages(document)]


async def conducted(config: RunConfig, solver: Solver) -> MemoryLedger:
    """The ledger of a run."""
    ledger = MemoryLedger()
    await run_math(config, problems(config), solver, ledger)
    return ledger


async def test_wrong_solutions_are_resampled_until_one_is_verified_or_attempts_run_out(config: RunConfig) -> None:
    """One problem is recovered, one is right at once in another form (the library says so), one is never solved."""
    solver = Solver(
        {
            PROBLEMS[0]["question"]: ["96+71=167\n#### 167", "about twenty-five", "96-71=25\n#### 25"],
            PROBLEMS[1]["question"]: ["By Pythagoras.\nSo \\boxed{\\sqrt{8}}."],
            PROBLEMS[2]["question"]: ["#### 6"],
        }
    )
    ledger = await conducted(config, solver)
    accepted = [record for record in ledger.kept if isinstance(record, AcceptedEnd)]
    (dead,) = (record for record in ledger.kept if isinstance(record, DeadLetteredEnd))
    rejoined = [record.attempt for record in ledger.kept if isinstance(record, Rejoined)]

    answers = {record.attempt.candidate.draft.answer for record in accepted if record.attempt.candidate.draft}  # type: ignore[union-attr]
    assert answers == {"96-71=25\n#### 25", "By Pythagoras.\nSo \\boxed{\\sqrt{8}}."}
    for record in accepted:
        assert [(type(verdict), verdict.gate) for verdict in record.attempt.verdicts] == [
            (Passed, PROVENANCE),
            (Passed, VERIFIER),
        ]
    assert (dead.end.reason, dead.end.gates) == (EndReason.REJECTED, (VERIFIER,))
    modes = [attempt.diagnosis.mode for attempt in rejoined if attempt.diagnosis]
    assert sorted(mode for mode in modes) == ["malformed", "wrong_answer", "wrong_answer", "wrong_answer"]
    kinds = {attempt.choice.repair.kind for attempt in rejoined if attempt.choice and attempt.choice.repair}
    assert kinds == {Repairs.RESAMPLE}
    wrong = next(attempt for attempt in rejoined if attempt.diagnosis and attempt.diagnosis.mode == Modes.WRONG_ANSWER)
    assert isinstance(wrong.verdicts[-1], Rejected)


async def test_no_request_holds_a_reference_answer(config: RunConfig) -> None:
    """The model sees the problem alone, in every attempt."""
    solver = Solver({problem["question"]: ["#### 0"] for problem in PROBLEMS})
    await conducted(config, solver)
    assert len(solver.requests) == 9
    for request in solver.requests:
        assert [said.content for said in request.messages[1:]] == [request.messages[-1].content]
        assert request.messages[-1].content in {problem["question"] for problem in PROBLEMS}


async def test_several_solutions_of_one_problem_are_no_duplicates(config: RunConfig) -> None:
    """The same question is asked on purpose: each solution is a sample of its own."""
    task = msgspec.structs.replace(config.task, samples_per_passage=3)
    right = ["#### 25", "\\boxed{2\\sqrt{2}}", "A: 7"]
    solver = Solver({problem["question"]: [said] for problem, said in zip(PROBLEMS, right, strict=True)})
    ledger = await conducted(msgspec.structs.replace(config, task=task), solver)
    assert sum(isinstance(record, AcceptedEnd) for record in ledger.kept) == 9


def test_a_problem_has_its_exact_place_and_its_answer(config: RunConfig) -> None:
    """The passage is the question at its span of the record; the answer travels beside it, a number as text."""
    rolls, root, hard = problems(config)
    assert (rolls.text, rolls.reference) == (PROBLEMS[0]["question"], "96-71=25\n#### 25")
    assert (rolls.provenance.start, rolls.provenance.end) == (0, len(rolls.text))
    assert root.provenance.uri.endswith("problems.jsonl#record=1")
    assert (root.reference, hard.reference) == ("2\\sqrt{2}", "7")
    assert Passage.of(rolls.text, rolls.provenance).id != rolls.id
