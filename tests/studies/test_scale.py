"""Plan 2's arms on texts of a real model: the plan's own code makes them, and TRL learns what it should."""

import json
import random
import subprocess
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from actors.gates.verifier import VerifierGate, WorkerLimits
from actors.gates.verifier_pool import VerifierPool
from schemas.errors import ConfigError
from studies.frame.__main__ import ROOT
from studies.frame.given import DATA
from studies.scale import cost, draws, problems
from studies.scale.lessons import ARMS, Learnt, Lesson, Lessons, ModelIds, Preferred, begins, needed
from studies.scale.policy import VERIFIER, Policy, Reply
from studies.scale.problems import WorkedProblem
from studies.scale.results import Exam, Results, arm_results, differences, table
from studies.scale.run import Run
from studies.scale.settings import Rates, Settings, tiny
from studies.stepwise import grid
from studies.stepwise.trainer import BASE, Taken

MODEL = ROOT / "examples" / "arithmetic" / "models" / "base-large"
PROBLEMS = ROOT / "examples" / "arithmetic" / "problems.jsonl"
SETTINGS = Settings(str(MODEL), str(PROBLEMS), engine="transformers", draws=16, kept_wrong=1)
GOOD = "Ada = 2\nBen = 2 + 3 = 5\n#### 5"
BAD_FIRST, BAD_SECOND = "Ada = 4\nBen = 4 + 3 = 7\n#### 7", "Ada = 2\nBen = 2 + 3 = 6\n#### 6"
END = 3
"""The id that ends a turn of the model."""


def of_lines(folder: Path, rows: Sequence[dict[str, str]], name: str = "problems.jsonl") -> Path:
    file = folder / name
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.fixture
def problem(tmp_path: Path) -> WorkedProblem:
    rows = [{"question": f"How many has Ben, {place}?", "answer": GOOD} for place in range(2)]
    return problems.read(str(of_lines(tmp_path, rows)), "", train=1, held_out=0).train[0]


class Scripted(Policy):
    """No model: from the beginning it says the bad solution three times of ten, and it never mends an error."""

    bad = BAD_SECOND

    def __enter__(self) -> "Scripted":
        pool = VerifierPool(WorkerLimits(VERIFIER.timeout_s, VERIFIER.memory_mib), processes=1)
        self._gate = VerifierGate(VERIFIER, pool)
        self._stack.callback(self._gate.close)
        return self

    def replies(self, asked: Sequence[tuple[WorkedProblem, str]], *, temperature: float, seed: int) -> list[Reply]:
        dice = random.Random(seed)
        found: list[Reply] = []
        for _, prefix in asked:
            errs = not GOOD.startswith(prefix) or (not prefix and dice.random() < 0.3)
            text = self.bad if errs else GOOD
            assert text.startswith(prefix)
            found.append(Reply(text[len(prefix) :], ended=True))
        return found


def lessons(problem: WorkedProblem, bad: str = BAD_SECOND) -> Lessons:
    with Scripted(MODEL, SETTINGS) as policy:
        policy.bad = bad
        held = draws.held_draws(policy, [problem], SETTINGS)
    return Lessons(SETTINGS, [problem], lambda: draws.read(held, [problem], SETTINGS))


def said(ids: list[int]) -> str:
    from transformers import AutoTokenizer

    return str(AutoTokenizer.from_pretrained(MODEL).decode([one for one in ids if one != END]))


def test_a_first_pit_is_a_pair_of_lines_behind_the_same_prompt(problem: WorkedProblem) -> None:
    """Neither line ends the turn, since its solution goes on; the prompt is the task's own, with the steps before."""
    (pair,) = lessons(problem).lesson(grid.PIT, MODEL).pairs
    assert (said(pair.chosen), said(pair.rejected)) == ("Ben = 2 + 3 = 5\n", "Ben = 2 + 3 = 6\n")
    assert END not in (*pair.chosen, *pair.rejected)
    assert pair.prompt == ModelIds(SETTINGS).prompt(problem, "Ada = 2\n")


def test_a_step_is_critical_where_rollouts_say_that_it_fell(problem: WorkedProblem) -> None:
    """Sixteen draws of the problem against the rollouts behind its first line; the chosen side alone is a row."""
    made = lessons(problem, BAD_FIRST)
    (pair,) = made.lesson(grid.CRITICAL, MODEL).pairs
    assert (said(pair.chosen), said(pair.rejected)) == ("Ada = 2\n", "Ada = 4\n")
    assert [said(one.completion) for one in made.lesson(grid.CHOSEN, MODEL).rows] == ["Ada = 2\n"]


def test_whole_solutions_end_their_turn(problem: WorkedProblem) -> None:
    made = lessons(problem)
    (pair,) = made.lesson(grid.WHOLE, MODEL).pairs
    assert (said(pair.chosen), said(pair.rejected)) == (GOOD, BAD_SECOND)
    assert pair.chosen[-1] == pair.rejected[-1] == END
    assert [said(one.completion) for one in made.lesson(grid.RFT, MODEL).rows] == [GOOD]


def test_what_is_compared_takes_the_same_steps(problem: WorkedProblem) -> None:
    made = lessons(problem)
    assert made.steps(grid.RFT) == made.steps(grid.LONGER)
    assert len({made.steps(arm) for arm in ARMS if begins(arm) == grid.RFT}) == 1


def test_an_arm_brings_what_it_rests_on() -> None:
    assert needed([grid.CRITICAL]) == [grid.SFT, grid.RFT, grid.CRITICAL]
    assert needed([grid.SFT]) == [grid.SFT]
    assert needed(ARMS) == list(ARMS)
    with pytest.raises(ConfigError, match="no arm 'dpo'"):
        needed(["dpo"])


def test_held_out_problems_are_never_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A problem of the test file that is in the training file too is left out, and calculator marks are no text."""
    rows = [{"question": f"{place}?", "answer": "1 + 1 = <<1+1=2>>2\n#### 2"} for place in range(4)]
    (tmp_path / "gsm8k").mkdir()
    of_lines(tmp_path, rows[:3], "gsm8k/train.jsonl")
    of_lines(tmp_path, rows[1:], "gsm8k/test.jsonl")
    monkeypatch.setenv(DATA, str(tmp_path))
    found = problems.read("gsm8k", "", train=0, held_out=0)
    assert [one.text for one in found.train] == ["0?", "1?", "2?"]
    assert [one.text for one in found.held_out] == ["3?"]
    assert found.train[0].worked == "1 + 1 = 2\n#### 2"


def test_a_missing_or_broken_file_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DATA, raising=False)
    with pytest.raises(ConfigError, match=DATA):
        problems.read("gsm8k", "", train=0, held_out=0)
    with pytest.raises(ConfigError, match=r"problems\.jsonl:1: not a JSON object"):
        problems.read(str(of_lines(tmp_path, [{"question": "?"}])), "", train=0, held_out=0)


def test_differences_are_paired_by_problem() -> None:
    """Arms that differ on one problem of a hundred are closer than their own errors say; of arms that err on the same
    problems nobody says that they are equal for sure."""
    base, sft = "1" * 50 + "0" * 50, "1" * 49 + "0" * 51
    (found,) = differences({BASE: Exam(base, base), grid.SFT: Exam(sft, base)})
    assert found.error is not None
    assert found.error.value == pytest.approx(-0.01)
    assert found.error.high - found.error.low < 0.05
    one = arm_results({grid.SFT: Exam(sft, base)}, {grid.SFT: Taken(1, 2, 3, 4)})[grid.SFT].error
    assert one.high - one.low > 0.15
    assert differences({BASE: Exam(base, base), grid.SFT: Exam(base, base)})[0].error is None


def test_the_page_has_the_hours_that_the_calculation_gives() -> None:
    page = (ROOT / "docs" / "studies" / "scale.md").read_text(encoding="utf-8")
    assert cost.table(cost.COLUMNS, Settings("", "")) in page
    assert all(f"`{arm}`" in page for arm in ARMS)


def lesson(arm: str, *, rows: list[Learnt] | None = None, pairs: list[Preferred] | None = None) -> Lesson:
    """Twelve steps that see three items each."""
    rates = Rates(likelihood=1e-2, pairs=1e-2)
    return Lesson(arm, str(MODEL), 12, 1e-2, rates, 3, 3, 96, 0, rows=rows or [], pairs=pairs or [])


def likelihood(model: str | Path, prompt: list[int], completion: list[int]) -> float:
    """Log-likelihood of the completion behind the prompt."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.no_grad():
        net = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
        logs = net(torch.tensor([[*prompt, *completion]])).logits[0].log_softmax(-1)
    at = torch.arange(len(prompt) - 1, len(prompt) + len(completion) - 1)
    return float(logs[at, torch.tensor(completion)].sum())


@pytest.mark.slow
def test_trl_learns_the_rows_and_the_pairs(problem: WorkedProblem, tmp_path: Path) -> None:
    """The folder that comes out prefers what was chosen, or finds likelier what was taught; it is a model with its
    tokenizer, says what it took, and a prompt is never learnt."""
    from studies.scale.learn import in_turn, learn

    ids = ModelIds(SETTINGS)
    prompt = ids.prompt(problem, "Ada = 2\n")
    wrong, right = ([*map(ord, f"Ben = 2 + 3 = {result}\n")] for result in (6, 5))
    pair = Preferred(prompt, ids.completion(wrong), ids.completion(right))
    row = Learnt(prompt, pair.chosen)
    made = {"pairs": lesson(grid.CRITICAL, pairs=[pair, pair]), "rows": lesson(grid.RFT, rows=[row, row])}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the trainers' own advice
        taken = {name: learn(one, tmp_path / name) for name, one in made.items()}
    before, sure = likelihood(MODEL, prompt, pair.chosen), likelihood(MODEL, prompt, pair.rejected)
    for name in made:
        after = likelihood(tmp_path / name, prompt, pair.chosen) - likelihood(tmp_path / name, prompt, pair.rejected)
        assert after > before - sure + 0.5
        assert ModelIds(replace(SETTINGS, model=str(tmp_path / name))).prompt(problem, "Ada = 2\n") == prompt
    size = len(pair.chosen)
    assert taken == {"pairs": Taken(2, 12, 36, 36 * 2 * size), "rows": Taken(2, 12, 36, 36 * size)}
    assert len(in_turn(made["rows"])) == 36


@pytest.mark.slow
def test_one_command_from_the_model_to_the_table(tmp_path: Path) -> None:
    """A real model of a small world on transformers, with every stage; the same command again makes nothing again, and
    another setting is refused. On vLLM and a pretrained model see the page."""
    output, settings = tmp_path / "run", tiny(Settings(str(MODEL), str(PROBLEMS), engine="transformers"))
    command = [sys.executable, "-m", "studies.scale", "--model", str(MODEL), "--problems", str(PROBLEMS)]
    command += ["--engine", "transformers", "--tiny", "--output", str(output), "--arms", grid.RFT]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = msgspec.json.decode((output / "results.json").read_bytes(), type=Results)
    assert list(found.arms) == [BASE, grid.SFT, grid.RFT]
    assert [one.taken and one.taken.steps for one in found.arms.values()] == [None, settings.least, settings.least]
    assert found.generated > 0
    assert table(found) in done.stdout
    made = {path: path.stat().st_mtime_ns for path in output.iterdir() if path.suffix == ".json"}
    assert Run(settings, output).made(needed([grid.RFT])) == found
    assert all(path.stat().st_mtime_ns == at for path, at in made.items())
    with pytest.raises(ConfigError, match="holds parts of another plan"):
        Run(replace(settings, seed=1), output)
