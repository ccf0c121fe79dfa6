"""The draft that `gleaner check` shows a gate: made up of the task's own fields, or a file's (docs/gates.md)."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deployments.cli import app
from deployments.config.load import load, load_text
from deployments.terminal.checked_draft import given_sample, made_up_sample
from schemas.config import RunConfig
from schemas.errors import UserError

EXAMPLES = Path(__file__).parents[3] / "examples"
ENGINE = '{kind: custom, factory: "tests.doubles.engines:instant"}'
SCHEMA = "{type: object, properties: {name: {type: string}}, required: [name]}"
RUN = f"""
name: orders
corpus: {{paths: [unused]}}
task:
  kind: prompted
  fields:
    - {{name: record, what: the order, schema: {SCHEMA}}}
    - {{name: title, what: a title of a few words}}
  vary: {{level: [easy, hard]}}
  ask: "{{{{ passage }}}} {{{{ level }}}}: record and title."
  student:
    - {{role: user, content: "{{{{ passage }}}}"}}
    - {{role: assistant, content: "{{{{ record }}}}"}}
pools: {{generator: {{engine: {ENGINE}}}}}
gates:
  own: {{form: rule, check: 'words(title) < 9 and len(record) > 1 and level != "hard"'}}
recovery: {{policy: rules}}
"""
SUMMARIES = EXAMPLES / "summaries.yaml"
DRAFT = {"record": '{"name": "Ash"}', "title": "An order", "level": "easy"}


def run_of(folder: Path) -> Path:
    path = folder / "run.yaml"
    path.write_text(RUN)
    return path


def checked(gate: str, config: Path, *more: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code, and each check's outcome with its detail."""
    done = CliRunner().invoke(app, ["check", gate, "--config", str(config), "--json", *more])
    found = json.loads(done.stdout)["findings"]
    return done.exit_code, {each["check"]: (each["outcome"], each["detail"]) for each in found}


def test_a_right_rule_over_ones_own_fields_fails_nothing(tmp_path: Path) -> None:
    """A field of JSON without an example too, of which nobody knows a good value."""
    code, found = checked("own", run_of(tmp_path))
    assert code == 0 and found["it judges a plain sample"] == ("passed", "")


@pytest.mark.parametrize("example", ["prompted", "steps", "preference", "rewriting", "exercises"])
async def test_a_made_up_draft_has_what_the_task_names(example: str) -> None:
    """Of every example in YAML alone."""
    config = load(EXAMPLES / f"{example}.yaml")
    sample = await made_up_sample(config)
    task = config.task
    assert {*sample.draft.fields} == {*(field.name for field in task.all_fields), *task.vary}  # type: ignore[union-attr]
    assert all(sample.draft.fields.values()) and sample.claimed


def test_the_gate_of_executions_is_checked_on_a_query(tmp_path: Path) -> None:
    """In a sandbox as in the run, over a script that makes a database."""
    table = tmp_path / "table.json"
    table.write_text('{"In which year": "SELECT founded FROM town WHERE founded < 1700"}')
    second = f'{{factory: "examples.engines.table:TableEngine", options: {{table: {table}}}, kind: custom}}'
    run = (EXAMPLES / "sql.yaml").read_text().replace("[./sql/schemas]", "[unused]")
    run = run.replace('{kind: custom, factory: "examples.sql.writer:RuleWriter"}', second)
    (tmp_path / "run.yaml").write_text(run)
    _, found = checked("execution", tmp_path / "run.yaml")
    assert found["it judges a plain sample"][0] == "passed"


def test_a_file_has_the_draft(tmp_path: Path) -> None:
    """As rules name them: fields, and beside them the passage and its reference."""
    path = tmp_path / "draft.json"
    path.write_text(json.dumps({**DRAFT, "passage": "Ash was ordered.", "reference": "Ash"}))
    sample = given_sample(path, load(run_of(tmp_path)))
    assert sample.draft.fields == DRAFT and sample.passage.text == "Ash was ordered."
    assert sample.passage.reference == "Ash" and sample.claimed == tuple(
        (name.capitalize(), DRAFT[name]) for name in ("record", "title")
    )


def test_a_task_of_ones_own_is_told_of_the_file(tmp_path: Path) -> None:
    """Only its code knows its fields, so the made-up draft may lack them; the file of the author's has them."""
    text = SUMMARIES.read_text().replace("gates:\n", "gates:\n  own: {form: rule, check: 'words(sumary) < 9'}\n", 1)
    (tmp_path / "run.yaml").write_text(text)
    code, found = checked("own", tmp_path / "run.yaml")
    assert code == 2 and found["it judges a plain sample"][1].endswith("give one of yours: --draft FILE)")
    (tmp_path / "draft.json").write_text('{"sumary": "Ash was ordered."}')
    code, found = checked("own", tmp_path / "run.yaml", "--draft", str(tmp_path / "draft.json"))
    assert code == 0 and found["it judges a plain sample"] == ("passed", "")


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("{", "no JSON: Expecting property name"),
        ("[]", "must be a JSON object of fields"),
        ('{"record": {"name": "Ash"}}', "'record' must be a text; a field of JSON is written as one"),
        (json.dumps({**DRAFT, "titel": "x"}), "the task has no field 'titel'; did you mean 'title'?"),
        ('{"record": "{}", "level": "easy"}', "lacks 'title', which every sample of the task has"),
        (None, "No such file"),
        (" " * (1 << 20) + "{}", "at most 1,048,576 bytes"),
        ("[" * 100_000, "no JSON: "),
    ],
)
def test_a_file_that_is_no_draft_is_told_in_one_line(tmp_path: Path, said: str | None, fault: str) -> None:
    """The author's mistake: what, where, what to do."""
    path = tmp_path / "draft.json"
    if said is not None:
        path.write_text(said)
    with pytest.raises(UserError) as raised:
        given_sample(path, config())
    assert str(raised.value).startswith(f"--draft {path}: ") and fault in str(raised.value)
    assert "\n" not in str(raised.value)


def config() -> RunConfig:
    return load_text(RUN, "run.yaml")
