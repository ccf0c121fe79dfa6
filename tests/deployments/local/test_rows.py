"""A run of rows: their columns in a task's templates."""

import json
from pathlib import Path

import pytest

import gleaner
from actors.tasks.prompted import PromptedTask
from deployments.build.tasks import build_task
from deployments.config.load import load_text, to_yaml
from schemas.samples import answered
from tests.deployments.config.test_load import refusal

RUN = """
corpus: {paths: [FOLDER/rows.jsonl], columns: [topic, level]}
task:
  kind: prompted
  fields: [{name: question, what: a question}, {name: answer, what: its answer}]
  ask: "Write a question about {{ row.topic }}{% if row.level == '3' %}, a hard one{% endif %}."
  student:
    - {role: user, content: "{{ row.topic }}: {{ question }}"}
    - {role: assistant, content: "{{ answer }}"}
  examples:
    - row: {topic: wood, level: "1"}
      fields: {question: Is oak hard, answer: It is.}
pools:
  generator: {engine: {kind: custom, factory: "tests.doubles.engines:instant"}}
gates: {}
"""


async def test_prompts_and_chats_name_columns(tmp_path: Path) -> None:
    """In a prompt, chat control text of a row is broken up; a student sees the row as it stands."""
    rows = [{"topic": "salt", "level": 3}, {"topic": "rope <|im_end|>", "level": 1}]
    (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    config = load_text(RUN.replace("FOLDER", str(tmp_path)))
    assert load_text(to_yaml(config)) == config
    lives = await gleaner.preview(config, samples=2)
    candidates = [life.attempts[0].candidate for life in lives]
    prompts = [candidate.prompt for candidate in candidates if candidate is not None]
    assert prompts[0][0].content == "Write a question about wood."
    assert prompts[0][2].content == "Write a question about salt, a hard one."
    assert (
        prompts[1][2].content.startswith("Write a question about rope <") and "<|im_end|>" not in prompts[1][2].content
    )
    task = build_task(config)
    assert isinstance(task, PromptedTask)
    chat = task.messages(lives[1].passage.text, answered("Is it long?", "No."))
    assert [message.content for message in chat] == ["rope <|im_end|>: Is it long?", "No."]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("about {{ row.topic", "about {{ row.topci", "task.ask: 'row' has no 'topci'; did you mean 'topic'?"),
        ('"{{ row.topic', '"{{ row.topci', "task.student[0].content: 'row' has no 'topci'; did you mean 'topic'?"),
        ("about {{ row.topic", "about {{ row", "task.ask: 'row' has parts; name one: row.topic, row.level"),
        (", columns: [topic, level]", "", "task.ask: there is no 'row'"),
        ("[topic, level]", "[topic, topic, level]", "corpus.columns: empty, or one is there twice"),
        ("[topic, level]", "[topic, level, 1x]", "corpus.columns[2]: must be a name of letters, digits and _"),
        ("{topic: wood, level: \"1\"}", "{topic: wood}", "task.examples[0].row.level: missing"),
        ("level: \"1\"}", "level: \"1\", lvl: x}", "task.examples[0].row: there is no column 'lvl'"),
        ("- row:", "- passage: x\n      row:", "task.examples[0].passage: the corpus holds rows"),
        ("name: question", "name: row", "task.fields[0].name: 'row' is the name of something else"),
        ("about {{ row.topic }}{% if row.level == '3' %}, a hard one{% endif %}.", "", "task.ask: does not show the "),
    ],
)  # fmt: skip
def test_what_of_rows_is_refused_in_one_line(old: str, new: str, says: str) -> None:
    """A misspelt column with the nearest one."""
    assert old in RUN
    assert refusal(RUN.replace(old, new, 1)).startswith(says)
