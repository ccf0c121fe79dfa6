"""A task and a gate of a user's own, in two files: the example of docs/tasks/own.md, from the YAML to the exports."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

import gleaner
from deployments.build.tasks import own_task
from deployments.cli import app
from deployments.config.load import load
from deployments.run import RunEnd
from examples.summaries.task import Summary
from schemas.config import Corpus, CustomEngine, Pool, Replicas, RunConfig
from schemas.config_tasks import CustomTask
from schemas.errors import ConfigError
from schemas.orders import Lease
from schemas.samples import Draft, FinishReason, Malformed

EXAMPLE = Path(__file__).parents[3] / "examples" / "summaries.yaml"
INSTANT = CustomEngine(factory="tests.doubles.engines:instant")


def example(folder: Path) -> RunConfig:
    """The example on a small corpus, with an engine that answers at once."""
    texts = [" ".join([f"Town {number} was founded by a fisher in 1{number:03d}."] * 6) for number in range(12)]
    lines = [json.dumps({"id": f"d{number}", "text": text}) for number, text in enumerate(texts)]
    (folder / "corpus.jsonl").write_text("\n".join(lines))
    pool = Pool(engine=INSTANT, replicas=Replicas(num_cpus=0.1))
    corpus = Corpus(paths=(str(folder / "corpus.jsonl"),))
    return replace(load(EXAMPLE), corpus=corpus, pools={"generator": pool})


async def test_a_preview_shows_the_users_fields_and_gate(tmp_path: Path) -> None:
    """What a user looks at first: the prompt that the task wrote, its draft, and what the gate said."""
    life = (await gleaner.preview(example(tmp_path), samples=1))[0]
    attempt = life.attempts[0]
    assert attempt.candidate is not None and attempt.candidate.draft is not None
    assert list(attempt.candidate.draft.fields) == ["summary"]
    assert "Summarise the passage" in attempt.candidate.prompt[-1].content
    assert [said.gate for said in attempt.verdicts] == ["provenance", "length"]


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.usefixtures("ray_session")
def test_a_whole_run_of_ones_own_task(tmp_path: Path) -> None:
    """No code of ours knows what a summary is, and the folder is proved, shown and exported all the same."""
    config = example(tmp_path)
    result = gleaner.run(config, tmp_path / "run").wait()
    counts = result.manifest.counts
    assert result.end is RunEnd.COMPLETE and counts.issued == 12 and counts.accepted > 6
    assert gleaner.verify(tmp_path / "run").ok
    samples = list(gleaner.samples(tmp_path / "run", config=config))
    assert {sample.messages[-1].content for sample in samples} == {sample.draft.fields["summary"] for sample in samples}
    rows = [row for path in (tmp_path / "run" / "dataset").glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    assert len(rows) == counts.accepted
    assert {row["question"] for row in rows} == {None}
    assert "length" in rows[0]["scores"]
    assert gleaner.export(tmp_path / "run", "sft", tmp_path / "sft", config=config).splits[0].rows == counts.accepted
    assert samples[0].draft.fields["summary"][:20] in (tmp_path / "run" / "report.html").read_text()


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("nowhere.at_all:Task", "cannot be imported"),
        ("examples.summaries.task:Sumary", "cannot be imported"),
        ("builtins:print", "is no task: it has no attempt"),
        ("actors.tasks.math:MathTask", "cannot be made"),
        (
            "tests.deployments.build.test_own_task:Crowded",
            "its `together` is 65; it must be a whole number from 1 to 64",
        ),
    ],
)
def test_a_task_that_cannot_be_used_is_refused_in_one_line(task: str, said: str) -> None:
    """Before any model is loaded."""
    with pytest.raises(ConfigError, match=said):
        own_task(CustomTask(task=task))


class Crowded(Summary):
    """More samples of one completion than a passage has."""

    together = 65


class Hopeless(Summary):
    """It takes everything for a summary, and falls over what was cut off."""

    def read(self, lease: Lease, text: str, finish: FinishReason) -> Draft | Malformed:
        if finish is FinishReason.LENGTH:
            raise ValueError("cut off")
        return Draft({"summary": text})


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["examples.summaries.task:Summary"], 0, "15 checks, nothing failed"),
        (["examples.summaries.task:Summary", "--config", str(EXAMPLE)], 0, "15 checks, nothing failed"),
        (["examples.summaries.task:Summary", "--config", str(EXAMPLE.with_name("math.yaml"))], 2, "this run's is not"),
        (["examples.summaries.task:Summary", "--reply", "nowhere.txt"], 2, "--reply nowhere.txt: "),
        (
            ["tests.deployments.build.test_own_task:Hopeless"],
            2,
            "of a completion that is empty it makes a draft",
        ),
        (["actors.tasks.one_call:OneCall"], 2, "cannot be made"),
    ],
)
def test_the_check_of_a_task(arguments: list[str], code: int, says: str) -> None:
    """The same command as for a gate: what it is says which; exit code 2 where a check failed."""
    done = CliRunner().invoke(app, ["check", *arguments])
    assert done.exit_code == code, done.output
    assert says in " ".join((done.output + done.stderr).split())


def test_the_check_of_a_task_as_json() -> None:
    """As of a gate: what was checked, and a finding for each check."""
    done = CliRunner().invoke(app, ["check", "examples.summaries.task:Summary", "--json"])
    told = json.loads(done.stdout)
    assert told["checked"] == "examples.summaries.task:Summary"
    assert {each["outcome"] for each in told["findings"]} == {"passed"}
