"""`gleaner init`: every combination of answers gives a configuration that loads, and nothing is replaced unsaid."""

import json
import os
from itertools import product
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deployments.build.tasks import build_task
from deployments.cli import app
from deployments.config.load import load
from deployments.config.rules import check_models
from deployments.terminal.beginning import Answers, FromOptions, answers_of, configuration
from schemas.config_engines import HttpEngine, TransformersEngine, VllmEngine
from schemas.errors import ModelError

MAKES = ("questions", "rewriting", "preference", "math")
ENGINES = {"here": TransformersEngine, "vllm": VllmEngine, "server": HttpEngine}


def gleaner(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["init", *arguments])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with documents, in which the command is given."""
    (tmp_path / "my documents").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("make", "engine", "gpu"), list(product(MAKES, ENGINES, (False, True))))
def test_every_combination_loads(folder: Path, make: str, engine: str, gpu: bool) -> None:
    """Whatever is chosen, a run can begin with it: the task is built, the model asked for, as many samples wanted."""
    file = folder / "runs of mine" / "one.yaml"
    given = FromOptions("my documents", make, engine, "Qwen/Qwen3-0.6B", "250", "out")
    text = configuration(file, answers_of(given, file, None), gpu=gpu)
    file.parent.mkdir()
    file.write_text(text)
    config = load(file)
    assert isinstance(config.pools["generator"].engine, ENGINES[engine])
    assert config.pools["generator"].engine.model == "Qwen/Qwen3-0.6B"  # type: ignore[union-attr]
    assert config.pools["generator"].replicas.num_gpus == (1 if gpu and engine != "server" else 0)
    assert config.stop.accepted == 250 and config.name == "one" and config.gates
    assert config.corpus.paths == ("../my documents",)
    assert build_task(config) is not None
    assert "docs/configuration.md" in text and text.count("#") >= 8
    if make == "questions":
        assert "prompts: instruct " in text  # a small model copies what it is shown


def test_options_alone_are_enough(folder: Path) -> None:
    """From a script: one JSON document that names the file, and what comes next."""
    told = gleaner("a.yaml", "--documents", "my documents", "--model", "./models/x", "--engine", "here", "--json")
    said = json.loads(told.stdout)
    assert (told.exit_code, said["file"], said["replaced"], len(said["next"])) == (0, "a.yaml", False, 3)
    with pytest.raises(ModelError, match="models"):  # it is a folder of this one, and not there yet
        check_models(load(folder / "a.yaml"))


def test_a_person_is_asked_what_no_option_says() -> None:
    """Five questions, each with what is usual; an answer that there is not gets the nearest."""
    typed = {"Documents": "docs", "What to": "rewriting", "What runs": "vllm", "Model": "org/m", "How many": "5"}
    questions: list[str] = []

    def prompt(question: str, default: str | None) -> str:
        questions.append(question)
        return next((answer for begin, answer in typed.items() if question.startswith(begin)), default or "")

    answers = answers_of(FromOptions(None, None, None, None, None, None), Path("mine.yaml"), prompt)
    assert answers == Answers("docs", "rewriting", "vllm", "org/m", "http://127.0.0.1:8000/v1", 5, "runs/mine")
    assert len(questions) == 6
    some = answers_of(FromOptions("docs", "math", "here", None, "5", "out"), Path("mine.yaml"), prompt)
    assert (some.model, len(questions)) == ("org/m", 7)


def test_a_file_that_is_there_stays_unless_it_is_said(folder: Path) -> None:
    """A day's work is not lost to a command given twice; with --overwrite it is said what was done."""
    (folder / "run.yaml").write_text("a day's work")
    refused = gleaner("--documents", "my documents", "--model", "org/m")
    assert refused.exit_code == 2 and "there already; nothing was written" in refused.stderr
    assert (folder / "run.yaml").read_text() == "a day's work"
    replaced = gleaner("--documents", "my documents", "--model", "org/m", "--overwrite")
    assert replaced.exit_code == 0 and "gleaner: replaced run.yaml" in replaced.stderr
    assert load(folder / "run.yaml").pools


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--documents", "nowhere", "--model", "org/m"), "--documents nowhere: there is nothing there"),
        (("--documents", "my documents"), "--model: not given, and there is no terminal to ask at"),
        (("--model", "org/m"), "--documents: not given"),
        (("--documents", "my documents", "--model", " "), "--model: give a model's folder"),
        (
            ("--documents", "my documents", "--model", "m", "--base-url", "http://me:secret@host/v1"),
            "base_url",
        ),
    ],
)
def test_what_cannot_be_meant_is_one_line(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    """Before anything is written."""
    refused = gleaner(*arguments)
    assert refused.exit_code == 2 and said in refused.stderr and len(refused.stderr.splitlines()) == 1
    assert os.listdir(folder) == ["my documents"]


def test_documents_elsewhere_and_odd_names(folder: Path) -> None:
    """An address stays as it is; a name with signs that YAML reads otherwise is a name."""
    odd = folder / "a, b: [c] #d"
    odd.mkdir()
    for documents in ("s3://bucket/docs", "a, b: [c] #d", str(odd)):
        assert gleaner("--documents", documents, "--model", "org/m", "--overwrite").exit_code == 0
        (path,) = load(folder / "run.yaml").corpus.paths
        assert path == documents or (folder / path).samefile(odd)
