"""The example of functions with tests: real source code, right exercises, and faults that are what they are called."""

import json
import sys
from collections import Counter
from pathlib import Path
from random import Random
from types import ModuleType

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from actors.gates.code import cases_in
from actors.gates.mutants import mutants
from actors.tasks.code import CodeTask
from deployments.build.tasks import build_task
from deployments.cli import app
from deployments.config.load import load
from deployments.terminal.preview import passages_of
from examples.code.exercises import EXERCISES, Exercise
from examples.code.writer import FAULTS, said, spoilt
from schemas.config import RunConfig
from schemas.recovery import Repair, Repairs
from schemas.samples import Draft, FinishReason
from tests.doubles.code_writers import problem_of
from tests.doubles.passages import lease_of
from tests.test_architecture import ROOT


@pytest.fixture(scope="module")
def config() -> RunConfig:
    return load(ROOT / "examples" / "code.yaml")


@pytest.fixture(scope="module")
def task(config: RunConfig) -> CodeTask:
    built = build_task(config)
    assert isinstance(built, CodeTask)
    return built


def passes(code: str, tests: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """In this process: the exercises are ours."""
    solution = ModuleType("solution")
    monkeypatch.setitem(sys.modules, "solution", solution)
    try:
        exec(code, solution.__dict__)
        exec(tests, {})
    except Exception:  # noqa: BLE001  an exercise's, whatever it is
        return False
    return True


def test_the_corpus_is_real_source_code(config: RunConfig) -> None:
    """One passage a file, whole, most of them with functions to ask about."""
    passages = list(passages_of(config, 100))
    assert len(passages) >= 20 and len({passage.provenance.uri for passage in passages}) == len(passages)
    assert sum("def " in passage.text for passage in passages) >= 20


@pytest.mark.parametrize("form", EXERCISES)
@pytest.mark.parametrize(("a", "b"), [(2, 3), (9, 9), (2, 9), (9, 3), (5, 6)])
def test_each_exercise_is_right_and_well_tested(form: str, a: int, b: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the gate's own measure."""
    exercise = EXERCISES[form](a, b)
    assert passes(exercise.code, exercise.tests, monkeypatch) and cases_in(exercise.tests) >= 3
    made = mutants(exercise.code, 12)
    survived = [each for each in made if passes(each.of(exercise.code), exercise.tests, monkeypatch)]
    assert len(made) >= 5 and len(survived) <= 0.2 * len(made), survived


@pytest.mark.parametrize("form", EXERCISES)
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in ("none", "endless")])
def test_each_fault_is_one(form: str, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = EXERCISES[form](4, 5)
    wrong: Exercise = spoilt(right, fault)
    assert wrong != right
    if fault == "simple":
        assert len(mutants(wrong.code, 12)) < 5
    assert passes(wrong.code, wrong.tests, monkeypatch) == (fault in ("simple", "weak_tests"))


def test_the_stand_in_writes_what_is_read(task: CodeTask) -> None:
    """Drafts and mended ones, the same by the same seed, with faults about as often as they are said to come."""
    lease = lease_of("def first(items):\n    return items[0]")
    prompt = task.prompt(lease).messages[-1].content
    right = Counter[bool]()
    for seed in range(200):
        draft = task.read(lease, said(prompt, Random(seed)), FinishReason.STOP)
        assert isinstance(draft, Draft) and said(prompt, Random(seed)) == said(prompt, Random(seed))
        for kind, kept in ((Repairs.EDIT_CODE, "tests"), (Repairs.EDIT_TESTS, "answer")):
            mended = replace(lease, repair=Repair(kind, 0.3, previous=draft))
            asked = task.prompt(mended).messages[-1].content
            again = task.read(mended, said(asked, Random(seed)), FinishReason.STOP)
            assert isinstance(again, Draft) and again.fields[kept] == draft.fields[kept]
            right[again.fields != draft.fields] += 1
    assert right[True] > 100


@pytest.mark.parametrize("problems", ["", ", problems: code"])
def test_what_a_run_will_take_is_known_before(tmp_path: Path, problems: str) -> None:
    """`gleaner plan` asks of a sample that nobody wrote, tests included."""
    (tmp_path / "corpus.jsonl").write_text(json.dumps({**problem_of("right"), "text": "Halve a number."}))
    config = (ROOT / "examples" / "code.yaml").read_text().split("corpus:")[1].split("task:")
    run = tmp_path / "run.yaml"
    run.write_text(f"corpus: {{paths: [corpus.jsonl]{problems}}}\ntask:{config[1]}")
    result = CliRunner().invoke(app, ["plan", str(run), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["corpus"]["passages"] == 1
