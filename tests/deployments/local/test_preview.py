"""`gleaner preview`: whole lives from the run's own parts, in this process, and nothing written."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deployments.cli import app
from deployments.config.load import load
from deployments.terminal.preview import preview_lives
from schemas.orders import Order

PARAGRAPH = (
    "The harbour of {town} was founded in 11{year:02d}. It holds {year} ships, and its bell was cast in Oriel Bay."
)


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """A small corpus of twelve documents, engines that answer at once, a judge that rejects four of ten."""
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(12):
        (docs / f"{number:02d}.txt").write_text(PARAGRAPH.format(town=f"Town {number}", year=number + 10))
    engine = '{kind: custom, factory: "tests.doubles.engines:instant", options: {rejected: 0.4, malformed: 0.1}}'
    gate = f"{{form: classifier, engine: {engine}}}"
    path = tmp_path / "run.yaml"
    path.write_text(
        "corpus: {paths: [./docs]}\n"
        "task: {kind: grounded_answer, samples_per_passage: 3}\n"
        f"pools: {{generator: {{engine: {engine}}}}}\n"
        f"gates: {{faithfulness: {gate}, reward: {gate}}}\n"
    )
    return path


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def gleaner(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_five_samples_with_prompts_verdicts_and_repairs(configuration: Path) -> None:
    """What a person looks at before spending hours of GPU time."""
    before = files(configuration.parent)
    result = gleaner("preview", configuration, "-n", "5")
    assert result.exit_code == 0, result.stderr
    assert files(configuration.parent) == before
    assert "sample 5 of 5" in result.stdout and "sample 6" not in result.stdout
    for word in ("Passage: <<<", "system", "faithfulness", "passed", "rejected", "Diagnosis", "Repair", "End"):
        assert word in result.stdout
    assert "nothing was written" in " ".join(result.stdout.split())


def test_json_is_the_same_lives_whole(configuration: Path) -> None:
    """For a script: one document, each life with its end."""
    lives = json.loads(gleaner("preview", configuration, "-n", "8", "--json").stdout)
    assert len(lives) == 8
    assert all((life["accepted_at"] is None) != (life["end"] is None) for life in lives)
    assert any(len(life["attempts"]) > 1 for life in lives)


def test_bad_first_calls_are_told_with_the_key_that_mends_them(configuration: Path) -> None:
    """Six samples whose completions nobody can read: said below them; for a script on stderr, beside its document."""
    text = configuration.read_text()
    configuration.write_text(text.replace("malformed: 0.1", "malformed: 1.0"))
    seen = "6 of the first 6 completions of generator could not be read"
    shown = " ".join(gleaner("preview", configuration, "-n", "6").stdout.split())
    assert seen in shown and "task.examples" in shown
    told = gleaner("preview", configuration, "-n", "6", "--json")
    assert len(json.loads(told.stdout)) == 6 and seen in " ".join(told.stderr.split())
    configuration.write_text(text)
    assert "of the first" not in gleaner("preview", configuration, "-n", "6").stdout


async def test_a_preview_makes_what_the_run_would(configuration: Path) -> None:
    """The same orders as the run's first, with the same first attempt: a preview is not another run."""
    config = load(configuration)
    lives = await preview_lives(config, samples=4)
    again = await preview_lives(config, samples=4)
    assert [life.order for life in lives] == [Order.fresh(life.passage.id, "grounded_answer", 0) for life in lives]
    texts = [[attempt.candidate and attempt.candidate.text for attempt in life.attempts] for life in lives]
    assert texts == [[attempt.candidate and attempt.candidate.text for attempt in life.attempts] for life in again]


async def test_a_corpus_smaller_than_the_preview(configuration: Path) -> None:
    """Fifty samples asked of twelve documents: twelve lives."""
    assert len(await preview_lives(load(configuration), samples=50)) == 12


def test_a_corpus_without_a_passage(configuration: Path) -> None:
    """Only documents that cannot be used: said, not hung."""
    for path in (configuration.parent / "docs").iterdir():
        path.write_bytes(b"\x00\x00")
    result = gleaner("preview", configuration)
    assert result.exit_code == 2
    assert "no passage" in result.stderr.splitlines()[-1]
