"""A task in YAML alone, from its configuration to what a run leaves (docs/tasks/prompted.md)."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

import gleaner
from deployments.build.tasks import build_task
from deployments.cli import app
from deployments.config.load import load, to_yaml
from deployments.run import RunEnd
from schemas.config import Corpus, CustomEngine, Pool, Recovery, Replicas, RunConfig
from schemas.config_gates import RuleGate
from schemas.config_tasks import Prompted
from schemas.recovery import Repairs
from tests.doubles.prompted import QUESTIONS

EXAMPLE = Path(__file__).parents[3] / "examples" / "prompted.yaml"
INSTANT = CustomEngine(factory="tests.doubles.engines:instant")
PLAINER = Recovery(
    max_attempts=2,
    own_repairs={"plainer": ""},
    repairs=dict.fromkeys(("unknown", "response_quality", "domain_mismatch"), ("plainer",)),
)


def config_of(folder: Path) -> RunConfig:
    """Questions of a small corpus, with an engine that answers at once and a rule that half of the answers break."""
    texts = [" ".join([f"Town {number} was founded by a fisher in 1{number:03d}."] * 6) for number in range(12)]
    lines = [json.dumps({"id": f"d{number}", "text": text}) for number, text in enumerate(texts)]
    (folder / "corpus.jsonl").write_text("\n".join(lines))
    return replace(
        load(EXAMPLE),
        task=replace(QUESTIONS, vary={"who": ("a pilot", "a cook")}, examples=()),
        corpus=Corpus(paths=(str(folder / "corpus.jsonl"),)),
        pools={"generator": Pool(engine=INSTANT, replicas=Replicas(num_cpus=0.1))},
        gates={"low": RuleGate(check="matches(answer, 'It states [0-7].*')")},
        recovery=PLAINER,
    )


async def test_a_preview_shows_every_prompt_and_what_repairs_say(tmp_path: Path) -> None:
    """The template's words, the rule's rejection, and the next attempt with the repair that the template knows."""
    lives = await gleaner.preview(config_of(tmp_path), samples=12)
    assert any(len(life.attempts) == 1 and life.accepted_at for life in lives)
    life = next(life for life in lives if len(life.attempts) == 2)
    first, second = (attempt.candidate for attempt in life.attempts)
    assert first is not None and second is not None and first.draft is not None
    assert list(first.draft.fields) == ["who", "question", "answer"]
    assert "Answer: its answer" in first.prompt[-1].content and "Use plain words" not in first.prompt[-1].content
    assert f"Write something else than:\nQuestion: {first.draft.question}" in second.prompt[-1].content
    assert second.prompt[-1].content.endswith("Use plain words.")


def test_the_command_shows_the_rendered_prompt(tmp_path: Path) -> None:
    """What a user looks at before spending hours of GPU time."""
    (tmp_path / "run.yaml").write_text(to_yaml(config_of(tmp_path)))
    done = CliRunner().invoke(app, ["preview", str(tmp_path / "run.yaml"), "-n", "1"])
    assert done.exit_code == 0, done.output
    assert "Question: a question about the passage" in done.output and "Passage: <<< Town 0" in done.output


def test_a_prompted_task_knows_the_repairs_that_the_run_brings_or_lists(tmp_path: Path) -> None:
    """The template sees their names."""
    recovery = replace(PLAINER, repairs={**PLAINER.repairs, "near_duplicate": ("regenerate_question", "plainer")})
    task = build_task(replace(config_of(tmp_path), recovery=recovery))
    assert getattr(task, "repairs", None) == (Repairs.LOWER_TEMPERATURE, "plainer", "regenerate_question")


def test_a_misspelt_name_ends_the_command_with_one_line(tmp_path: Path) -> None:
    """Exit code 2, before anything is asked."""
    config = config_of(tmp_path)
    (tmp_path / "run.yaml").write_text(to_yaml(config).replace("previous", "previus"))
    done = CliRunner().invoke(app, ["preview", str(tmp_path / "run.yaml")])
    assert done.exit_code == 2
    assert "task.ask: there is no 'previus'; did you mean 'previous'?" in " ".join(done.output.split())


@pytest.mark.parametrize(("said", "code"), [("15 checks, nothing failed", 0), ("15 checks, 1 check failed", 2)])
def test_the_runs_task_is_checked_by_its_place(tmp_path: Path, said: str, code: int) -> None:
    """A task without code keeps to what every task must; one whose last turn may be empty does not."""
    config = config_of(tmp_path)
    assert isinstance(config.task, Prompted)
    if code:
        silent = replace(config.task.student[1], content="{% if question == 'x' %}{{ answer }}{% endif %}")
        config = replace(config, task=replace(config.task, student=(config.task.student[0], silent)))
    (tmp_path / "run.yaml").write_text(to_yaml(config))
    done = CliRunner().invoke(app, ["check", "task", "--config", str(tmp_path / "run.yaml")])
    assert done.exit_code == code, done.output
    assert said in " ".join(done.output.split())


def test_the_example_is_checked_with_a_reply_of_its_own_form() -> None:
    """Nobody writes one down: the configuration's example is one. No check is left out for want of a draft."""
    done = CliRunner().invoke(app, ["check", "task", "--config", str(EXAMPLE), "--json"])
    assert done.exit_code == 0, done.output
    assert {each["outcome"] for each in json.loads(done.stdout)["findings"]} == {"passed"}


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.usefixtures("ray_session")
def test_a_whole_run_of_a_task_in_yaml_alone(tmp_path: Path) -> None:
    """The folder is proved, shown and exported as any other, and needs no configuration beside its own."""
    config = config_of(tmp_path)
    result = gleaner.run(config, tmp_path / "run").wait()
    counts = result.manifest.counts
    assert result.end is RunEnd.COMPLETE and counts.issued == 12 and 0 < counts.accepted <= 12
    assert gleaner.verify(tmp_path / "run").ok
    samples = list(gleaner.samples(tmp_path / "run"))
    assert {sample.messages[-1].content for sample in samples} == {sample.draft.fields["answer"] for sample in samples}
    rows = [row for path in (tmp_path / "run" / "dataset").glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    assert len(rows) == counts.accepted
    assert {row["vary"]["who"] for row in rows} == {"a pilot", "a cook"}
    assert gleaner.export(tmp_path / "run", "sft", tmp_path / "sft").splits[0].rows == counts.accepted
    exported = [row for path in (tmp_path / "sft").rglob("*.parquet") for row in pq.read_table(path).to_pylist()]
    assert {row["origin"]["vary"]["who"] for row in exported} == {"a pilot", "a cook"}
    assert "`question`, `answer`" in (tmp_path / "run" / "README.md").read_text()
