"""A task in YAML alone: the configuration that has one, and what of it is refused before anything is asked."""

from pathlib import Path

import pytest
import yaml

from deployments.build.tasks import build_task
from deployments.config.identity import Difference
from deployments.config.load import differences, load_text, to_yaml
from schemas.config_base import Change
from schemas.config_tasks import Prompted, PromptedField
from tests.deployments.config.test_load import WHOLE, refusal

PAGE = Path(__file__).parents[3] / "docs" / "tasks" / "prompted.md"
TASK = """
task:
  kind: prompted
  fields:
    - {name: title, what: a title of a few words, max_characters: 80}
    - {name: summary, what: one sentence}
  ask: |
    {{ passage }}
    {% for field in fields %}
    {{ field.name }}: {{ field.what }}
    {% endfor %}
    {% if previous %}Write another one than: {{ previous.summary }}{% endif %}
  student:
    - {role: user, content: "{{ passage }}\\n\\nSummarise it."}
    - {role: assistant, content: "{{ summary }}"}
  examples:
    - passage: Oak is hard.
      fields: {title: Oak, summary: It is hard.}
  claim: [summary]
"""
RUN = WHOLE.replace("task: {kind: grounded_answer, samples_per_passage: 2}", TASK.strip())


def test_it_is_read_and_written_back() -> None:
    """Templates have lines; `run.yaml` of the folder holds them as they were."""
    config = load_text(RUN)
    assert isinstance(config.task, Prompted)
    assert config.task.fields[1] == PromptedField("summary", "one sentence", max_characters=2_000)
    assert (config.task.ask or "").splitlines()[1] == "{% for field in fields %}"
    assert load_text(to_yaml(config)) == config


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("{{ passage }}\n", "{{ pasage }}\n", "task.ask: there is no 'pasage'; did you mean 'passage'?"),
        ("field.what", "field.waht", "task.ask: 'field' has no 'waht'; did you mean 'what'?"),
        ("previous.summary", "previous.sumary", "task.ask: 'previous' has no 'sumary'; did you mean 'summary'?"),
        ("{{ passage }}\n", "It.\n", "task.ask: does not show the passage; put {{ passage }} in it"),
        ('"{{ summary }}"', '"{{ sumary }}"', "task.student[1].content: there is no 'sumary'; did you mean 'summary'?"),
        (
            '"{{ summary }}"',
            '"{{ passage }}"',
            "task.student[1].content: shows no field, so there is nothing to learn",
        ),
        (
            "role: assistant",
            "role: user",
            "task.student: must end with a turn of the assistant's, which is what a student learns to write",
        ),
        ("role: assistant", "role: asistant", "task.student[1].role: must be one of assistant, system, user, "),
        ("role: user", "role: system", None),
        ("role: assistant", "role: system", "task.student[1].role: the system's turn is the first"),
        ("claim: [summary]", "claim: [sumary]", "task.claim: there is no field 'sumary'; did you mean 'summary'?"),
        ("claim: [summary]", "claim: []", "task.claim: an empty list; leave it out for all fields"),
        ("claim: [summary]", "key: []", None),
        (
            "claim: [summary]",
            "key: []\n  samples_per_passage: auto",
            "task.samples_per_passage: auto goes by near-duplicates, and with task.key [] nothing repeats",
        ),
        ("title: Oak", "titel: Oak", "task.examples[0].fields: there is no field 'titel'; did you mean 'title'?"),
        (
            "title: Oak",
            'title: ""',
            "task.examples[0].fields.title: missing, or empty; an example shows every field",
        ),
        ("name: title", "name: Title", "task.fields[0].name: must be a name of lower-case letters, "),
        ("name: title", "name: passage", "task.fields[0].name: 'passage' is the name of something else; "),
        ("name: title", "name: not", "task.fields[0].name: 'not' is the name of something else; "),
        ("name: title", "name: summary", "task.fields: two are called 'summary'"),
        ("name: title", "nam: title", "task.fields[0].nam: unknown key; did you mean 'name'?"),
        ("claim: [summary]", "quotas: {}", "task.quotas: unknown key"),
        ("{{ passage }}\n", '{{ passage }} {% include "x" %}\n', "task.ask: line 1: Include is not for templates: "),
        ("one sentence", '"one\\u0007sentence"', "task.fields[1].what: "),
    ],
)
def test_what_is_refused_in_one_line(old: str, new: str, says: str | None) -> None:
    """With the place, and the nearest name where one was misspelt."""
    assert old in RUN
    text = RUN.replace(old, new, 1)
    if says is None:
        load_text(text)
    else:
        assert refusal(text).startswith(says)


STEPS = """
task:
  kind: prompted
  steps:
    - {fields: [{name: title, what: a title}], ask: "{{ passage }} Title:"}
    - fields: [{name: summary, what: one sentence}]
      ask: "{{ passage }} Its title is {{ title }}. {% if previous %}{{ previous.summary }}{% endif %}"
      read: json
      pool: generator
      sampling: {max_tokens: 60}
  student:
    - {role: assistant, content: "{{ title }}: {{ summary }}"}
"""
OF_STEPS = WHOLE.replace("task: {kind: grounded_answer, samples_per_passage: 2}", STEPS.strip())


@pytest.mark.parametrize(
    ("step", "task", "limit"),
    [
        ("pool: generator-large\n      sampling: {max_tokens: 512}", "", "task.steps[1].sampling.max_tokens (512)"),
        ("sampling: {thinking_tokens: 256}", "", "task.steps[1].sampling.max_tokens and thinking_tokens (512)"),
        ("pool: generator", "  sampling: {max_tokens: 512}\n", "task.sampling.max_tokens (512)"),
        ("pool: generator\n      sampling: {max_tokens: 512}", "", None),
    ],
)
def test_each_pool_has_room_for_the_longest_step_that_may_go_there(step: str, task: str, limit: str | None) -> None:
    """Each step's own limit counts, and only where its calls go; a step without a pool may be escalated."""
    text = OF_STEPS.replace("pool: generator\n      sampling: {max_tokens: 60}", step, 1)
    text = text.replace("  steps:", f"{task}  steps:", 1)
    if limit is None:
        assert load_text(text)
    else:
        rule = "pools.generator-large.engine.max_model_len: 512 leaves no room for a prompt beside "
        assert refusal(text) == rule + limit


def test_steps_are_read_and_written_back() -> None:
    """And rules of gates know the fields of all of them."""
    text = OF_STEPS.replace("gates:\n", "gates:\n  short: {form: rule, check: 'words(title + summary) < 9'}\n", 1)
    assert refusal(text).startswith("gates.short.check: is a text, where a number must stand")
    config = load_text(text.replace("title + summary", "title"))
    assert isinstance(config.task, Prompted)
    assert [field.name for field in config.task.all_fields] == ["title", "summary"]
    assert load_text(to_yaml(config)) == config


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("{{ title }}.", "{{ titel }}.", "task.steps[1].ask: there is no 'titel'; did you mean 'title'?"),
        ("Title:", "{{ summary }}", "task.steps[0].ask: there is no 'summary'"),
        ("{{ title }}:", "{{ titel }}:", "task.student[0].content: there is no 'titel'; did you mean 'title'?"),
        (
            "pool: generator",
            "pool: genrator",
            "task.steps[1].pool: there is no pool 'genrator'; did you ",
        ),
        ("read: json", "red: json", "task.steps[1].red: unknown key; did you mean 'read'?"),
        ("name: summary", "name: title", "task.fields: two are called 'title'"),
        ("name: summary", "name: repair", "task.steps[1].fields[0].name: 'repair' is the name of something else; "),
        ("what: a title}", "what: a title}, {name: x, what: x}", None),
        ("read: json", "read: code", None),
        ("{{ passage }}", "It.", "task.steps[0].ask: does not show the passage; put {{ passage }} in it"),
        ("[{name: title, what: a title}]", "[]", "task.steps[0].fields: empty; name what it writes"),
        ("  steps:", "  ask: x\n  steps:", "task.ask: each of task.steps has its own; leave one of them out"),
        ("  student:", "  fields: [{name: x, what: x}]\n  student:", "task.fields: each of task.steps has its own"),
    ],
)
def test_what_of_steps_is_refused_in_one_line(old: str, new: str, says: str | None) -> None:
    """Each with its place; a step knows the fields before it and none behind it."""
    assert old in OF_STEPS
    text = OF_STEPS.replace(old, new)
    if says is None:
        load_text(text)
    else:
        assert refusal(text).startswith(says)


VARIED = RUN.replace(
    "  claim:", "  vary:\n    level: {easy: 0.2, hard: 0.8}\n    who: [a pilot, a cook]\n  claim:"
).replace("fields: {title: Oak", "fields: {level: easy, who: a cook, title: Oak")


def test_variables_may_be_named_in_prompts_turns_and_rules() -> None:
    """And are written back."""
    gate = "gates:\n  short: {form: rule, check: 'words(summary) <= (9 if level == \"easy\" else 30)'}\n"
    text = VARIED.replace("{{ passage }}\n", "{{ passage }} For {{ who }}. {% if level == 'hard' %}!{% endif %}\n")
    text = text.replace("Summarise it.", "For {{ who }}.").replace("gates:\n", gate, 1)
    assert text.count("who }}") == 2
    config = load_text(text)
    assert isinstance(config.task, Prompted)
    assert config.task.vary == {"level": {"easy": 0.2, "hard": 0.8}, "who": ("a pilot", "a cook")}
    said = refusal(text.replace('level == "easy"', 'level == "esay"'))
    assert said == "gates.short.check: 'level' is never 'esay'; did you mean 'easy'? (character 34)"
    assert load_text(to_yaml(config)) == config


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("{{ passage }}\n", "{{ passage }} {{ levl }}\n", "task.ask: there is no 'levl'; did you mean 'level'?"),
        ("level: {", "Level: {", "task.vary.Level: a variable's name is of lower-case letters, digits and _"),
        ("level: {", "title: {", "task.vary.title: is the name of something else; a variable needs another"),
        ("level: {", "quote: {", "task.vary.quote: is the name of something else; "),
        ("[a pilot, a cook]", "[]", "task.vary.who: has 0 values; a variable has 1 to 10,000"),
        ("[a pilot, a cook]", "[a cook, a cook]", "task.vary.who: 'a cook' is there twice; give it a weight"),
        ("[a pilot, a cook]", "[a cook, '']", "task.vary.who: '' has 0 characters; a value has 1 to 500"),
        ("{easy: 0.2, hard: 0.8}", "{easy: 1, hard: 4, hard2: 4}", None),
        ("easy: 0.2", "easy: 0.213", "task.vary.level: these shares come true only after 1,013 orders; weights are "),
        ("easy: 0.2", "easy: 0", "task.vary.level"),
        ("easy: 0.2", "easy: .inf", "task.vary.level.easy: must be a finite number"),
        ("level: easy, ", "", "task.examples[0].fields.level: missing, or empty; an example shows every field"),
    ],
)
def test_what_of_variables_is_refused_in_one_line(old: str, new: str, says: str | None) -> None:
    """Before anything is drawn."""
    assert old in VARIED
    text = VARIED.replace(old, new, 1)
    if says is None:
        load_text(text)
    else:
        assert refusal(text).startswith(says)


WITH_JSON = RUN.replace(
    "- {name: summary, what: one sentence}",
    """- name: summary
      what: one sentence
      schema:
        type: object
        properties:
          points: {type: array, items: {type: string, minLength: 1}}
          mood: {enum: [good, bad]}
        required: [points]
        additionalProperties: false
      checks: ["len(points) > 1"]""",
).replace("summary: It is hard.", """summary: '{"points": ["a", "b"]}'""")


def test_a_field_may_be_json_by_a_schema() -> None:
    """With rules over its values; it is written back as it was."""
    config = load_text(WITH_JSON)
    assert isinstance(config.task, Prompted)
    assert config.task.fields[1].checks == ("len(points) > 1",)
    assert load_text(to_yaml(config)) == config
    assert getattr(build_task(config), "written", None) is not None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "minLength",
            "minLenght",
            "schema.properties.points.items.minLenght: is no keyword that is checked; did ",
        ),
        (
            "type: string, minLength: 1",
            "type: string, pattern: x",
            "schema.properties.points.items.pattern: is no ",
        ),
        ("type: array, items", "type: array, $ref: x, items", "schema.properties.points.$ref: is no keyword that is"),
        ("type: object", "type: objekt", "schema.type: must be object or array"),
        ("type: array", "type: aray", "schema.properties.points.type: 'aray' is not valid under any of the given"),
        ("required: [points]", "required: points", "schema.required: 'points' is not of type 'array'"),
        ("items: {type: string, minLength: 1}", "items: [x]", "schema.properties.points.items: must be a schema: "),
        ("len(points)", "len(pionts)", "checks[0]: 'pionts' is unknown; a check may name points, and call"),
    ],
)
def test_what_of_a_schema_is_refused_in_one_line(old: str, new: str, says: str) -> None:
    """Nothing in it is passed over."""
    assert old in WITH_JSON
    assert refusal(WITH_JSON.replace(old, new, 1)).startswith(f"task.fields[1].{says}")


def test_an_example_of_json_fits_its_schema() -> None:
    """Or the model would be shown what is refused."""
    says = "task.examples[0].fields.summary: summary.points[1]: 3 is not of type 'string'"
    assert refusal(WITH_JSON.replace('"b"]', "3]")).startswith(says)
    says = "task.fields[1].checks: are of the values of JSON; give the field a schema"
    assert refusal(RUN.replace("what: one sentence", 'what: one, checks: ["x > 1"]')).startswith(says)


def test_code_is_one_field() -> None:
    """What stands between the fences has no labels."""
    says = "task.read: code is one field, and here are 2"
    assert refusal(RUN.replace("  student:", "  read: code\n  student:")).startswith(says)


def test_a_task_has_a_prompt() -> None:
    """Its own, or those of its steps."""
    assert refusal(RUN.replace("  ask: |", "  system: |")).startswith(
        "task.ask: missing; a task has fields and ask, or "
    )


def test_a_rule_may_name_its_fields_and_no_others() -> None:
    """Unlike those of a task of code, they are known before anything runs."""
    gate = "gates:\n  short: {form: rule, check: 'words(%s) <= 9'}\n"
    load_text(RUN.replace("gates:\n", gate % "summary", 1))
    load_text(RUN.replace("gates:\n", gate % "passage", 1))
    said = refusal(RUN.replace("gates:\n", gate % "sumary", 1))
    assert said.startswith("gates.short.check: ") and "a rule may name title, summary, passage, " in said


def test_fields_stay_what_they_are_in_a_folder() -> None:
    """Rows of one dataset have the same fields; how they are asked for may change in a replay."""
    old = load_text(RUN)
    fields = differences(old, load_text(RUN.replace("one sentence", "two sentences")))
    asked = differences(old, load_text(RUN.replace("{{ passage }}\n", "{{ passage }}!\n")))
    assert [each.change for each in fields] == [Change.NEVER]
    assert [each.change for each in asked] == [Change.REPLAY]
    assert all(isinstance(each, Difference) for each in (*fields, *asked))


def blocks_of_the_page() -> list[str]:
    """What a reader copies, in order."""
    return [block.partition("```")[0] for block in PAGE.read_text(encoding="utf-8").split("```yaml\n")[1:]]


def test_the_pages_task_is_one_in_under_thirty_lines() -> None:
    """What a reader copies is a configuration, and what stands under `recovery` fits into it."""
    first, *others = blocks_of_the_page()
    (recovery,) = [block for block in others if block.startswith("recovery:")]
    assert isinstance(load_text(first).task, Prompted)
    assert len(first.splitlines()) < 31
    assert set(load_text(first + recovery).recovery.own_repairs) == {"plainer", "shorter"}


def test_every_task_of_the_page_is_one() -> None:
    """Each in a run with a pool that one of them names."""
    first, *others = (yaml.safe_load(block) for block in blocks_of_the_page())
    pools = {**first["pools"], "strong": first["pools"]["generator"]}
    shown = [block for block in others if "task" in block]
    assert shown
    for block in shown:
        load_text(yaml.safe_dump({**first, "pools": pools, "gates": {}, **block}))
