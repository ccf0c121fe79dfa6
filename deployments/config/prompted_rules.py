"""What the types cannot say of a task in YAML alone. Law: a template that could fail, take long or name what there is
not is refused before anything is asked."""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

from actors.gates.value_checks import value_checks
from actors.tasks.json_field import JsonField
from actors.tasks.prompted import student_names
from actors.tasks.prompted_call import ask_names
from actors.tasks.strata import BadWeights, counts_of
from actors.tasks.templates import WORDS_OF_JINJA, mentioned, nearest_of, template_fault
from deployments.config.faults import at, below, shown
from deployments.config.schema_rules import broken_schema
from schemas.config import Corpus, RunConfig
from schemas.config_tasks import Form, Prompted, PromptedExample, PromptedField, PromptedStep
from schemas.samples import Malformed
from schemas.until_dry import UntilDry, orders_of_passage

MOST_FIELDS = 16
MOST_STEPS = 8
MOST_VARIABLES = 8
MOST_VALUES = 10_000
MOST_QUOTAS = 64
"""Each is looked at whenever an order is leased."""
LONGEST_VALUE = 500
"""In characters: a template may show it as often as it likes."""
LONGEST_WHAT = 2_000
"""In characters."""
TAKEN = frozenset({"passage", "reference", "attempt", "fields", "previous", "repair"})
"""Names that something else is known by, in templates and in rules."""

NO_PASSAGE = "shows the passage, and with corpus.none there are none"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def broken_prompted(task: Prompted, config: RunConfig) -> Iterator[str]:
    """Each rule that the run's task breaks, as `path: what is wrong`."""
    yield from _broken_form(task)
    taken = TAKEN if config.corpus.columns is None else TAKEN | {"row"}
    yield from _broken_fields(task, taken)
    yield from _broken_vary(task, taken)
    names = [field.name for field in task.all_fields]
    yield from _broken_calls(task, config)
    yield from _broken_student(task, config)
    for index, example in enumerate(task.examples):
        yield from _broken_source(f"task.examples[{index}]", example, config.corpus)
        path = f"task.examples[{index}].fields"
        yield from _unknown(path, example.fields, [*names, *task.vary])
        for name in (*names, *task.vary):
            if not example.fields.get(name, "").strip():
                yield at(below(path, name), "missing, or empty; an example shows every field and variable")
        yield from _broken_json(path, example, task)
    if task.key == () and isinstance(orders_of_passage(task.samples_per_passage), UntilDry):
        why = "auto goes by near-duplicates, and with task.key [] nothing repeats"
        yield f"task.samples_per_passage: {why}; give a number"
    for key, listed in (("claim", task.claim), ("shown", task.shown), ("key", task.key)):
        if listed is not None:
            yield from _unknown(f"task.{key}", listed, names)
            if not listed and key != "key":
                yield f"task.{key}: an empty list; leave it out for all fields"


def _broken_json(path: str, example: PromptedExample, task: Prompted) -> Iterator[str]:
    """An example's JSON fits its schema and its checks, as the model's must."""
    for field in task.all_fields:
        if field.schema is None or field.name not in example.fields:
            continue
        reader = JsonField(field.name, field.schema, value_checks(field.schema, field.checks))
        read = reader.read(example.fields[field.name])
        if isinstance(read, Malformed):
            yield at(below(path, field.name), read.detail)


def _broken_source(path: str, example: PromptedExample, corpus: Corpus) -> Iterator[str]:
    """An example is of what the corpus holds: a passage, a row, or nothing."""
    columns = corpus.columns or ()
    if columns and example.passage:
        yield f"{path}.passage: the corpus holds rows (corpus.columns); give the example a row"
    elif corpus.none is not None and example.passage:
        yield f"{path}.passage: {NO_PASSAGE}"
    elif corpus.none is None and not columns and not example.passage.strip():
        yield f"{path}.passage: missing, or empty"
    yield from (at(below(f"{path}.row", name), "missing") for name in columns if name not in example.row)
    for name in example.row:
        if name not in columns:
            known = nearest_of(name, columns) if columns else "; there are no corpus.columns"
            yield at(f"{path}.row", f"there is no column '{name}'{known}")


def on_one_line(value: Any) -> Any:
    """The values with blanks for ends of lines and tabs, so that what else cannot be printed is found."""
    match value:
        case str():
            return value.replace("\n", " ").replace("\t", " ")
        case dict():
            return {key: on_one_line(each) for key, each in value.items()}
        case list():
            return [on_one_line(each) for each in value]
    return value


def _broken_form(task: Prompted) -> Iterator[str]:
    """One call of the task's own keys, or several steps with theirs."""
    for key, given in (("fields", bool(task.fields)), ("ask", task.ask is not None)):
        if task.steps and given:
            yield f"task.{key}: each of task.steps has its own; leave one of them out"
        elif not task.steps and not given:
            yield f"task.{key}: missing; a task has fields and ask, or steps that have them"
    if len(task.steps) > MOST_STEPS:
        yield f"task.steps: {len(task.steps)} of them; at most {MOST_STEPS}"


def _broken_fields(task: Prompted, taken: Collection[str]) -> Iterator[str]:
    fields = task.all_fields
    if len(fields) > MOST_FIELDS:
        yield f"task.fields: {len(fields)} of them; a sample has 1 to {MOST_FIELDS}"
    for place, step in _places(task):
        if not step.fields:
            yield f"{place}.fields: empty; name what it writes"
        if (step.read or task.read) == "code" and len(step.fields) != 1:
            yield f"{place}.read: code is one field, and here are {len(step.fields)}"
        for index, field in enumerate(step.fields):
            yield from _broken_field(f"{place}.fields[{index}]", field, step.read or task.read, taken)
    twice = next((name for name, times in Counter(each.name for each in fields).items() if times > 1), None)
    if twice is not None:
        yield f"task.fields: two are called '{twice}'"
    if all(field.name == "quote" for field in fields):
        yield "task.fields: a quote alone is evidence of nothing; name another field"


def _broken_field(path: str, field: PromptedField, how: Form, taken: Collection[str]) -> Iterator[str]:
    if field.name in taken or field.name in WORDS_OF_JINJA:
        yield f"{path}.name: '{field.name}' is the name of something else; a field needs another"
    if len(field.what) > LONGEST_WHAT:
        yield f"{path}.what: has {len(field.what):,} characters; at most {LONGEST_WHAT:,}"
    yield from broken_schema(path, field)
    if field.schema is not None and how == "code":
        yield f"{path}.schema: is of JSON, and read is code"


def _broken_vary(task: Prompted, taken: Collection[str]) -> Iterator[str]:
    fields = [field.name for field in task.all_fields]
    if len(task.vary) > MOST_VARIABLES:
        yield f"task.vary: {len(task.vary)} of them; at most {MOST_VARIABLES}"
    for name, values in task.vary.items():
        path = below("task.vary", name)
        if not _NAME.fullmatch(name):
            yield at(path, "a variable's name is of lower-case letters, digits and _, beginning with a letter")
        if name in taken or name in WORDS_OF_JINJA or name in fields or name == "quote":
            yield at(path, "is the name of something else; a variable needs another")
        if not 1 <= len(values) <= MOST_VALUES:
            yield at(path, f"has {len(values):,} values; a variable has 1 to {MOST_VALUES:,}")
            continue
        twice = next((value for value, times in Counter(list(values)).items() if times > 1), None)
        if twice is not None:
            yield at(path, f"{shown(twice)} is there twice; give it a weight")
        for value in values:
            if not value.strip() or len(value) > LONGEST_VALUE:
                yield at(path, f"{shown(value)} has {len(value):,} characters; a value has 1 to {LONGEST_VALUE}")
        try:
            counts_of(values)
        except BadWeights as bad:
            yield at(path, str(bad))


def broken_quotas(config: RunConfig) -> Iterator[str]:
    """Quotas are of the values of one variable of the task."""
    path, quotas = "stop.accepted_of", config.stop.quotas
    if quotas is None:
        return
    vary = config.task.vary if isinstance(config.task, Prompted) else {}
    if config.stop.accepted is not None:
        yield f"{path}: the quotas say how many samples there are to be; leave stop.accepted out"
    if not isinstance(config.task.samples_per_passage, int):
        yield f"{path}: quotas need a number at task.samples_per_passage"
    if len(config.stop.accepted_of) > 1:
        yield f"{path}: names {len(config.stop.accepted_of)} variables; quotas are of the values of one"
    if quotas.axis not in vary:
        hint = nearest_of(quotas.axis, vary) if vary else "; the task has no task.vary"
        yield f"{path}: there is no variable '{quotas.axis}'{hint}"
        return
    if not 1 <= len(quotas.each) <= MOST_QUOTAS:
        yield at(below(path, quotas.axis), f"has {len(quotas.each)} values; quotas are of 1 to {MOST_QUOTAS}")
    for value in quotas.each:
        if value not in vary[quotas.axis]:
            hint = nearest_of(value, list(vary[quotas.axis]))
            yield at(below(path, quotas.axis), f"there is no value {shown(value)}{hint}")


def _broken_calls(task: Prompted, config: RunConfig) -> Iterator[str]:
    has_passages, columns = config.corpus.none is None, config.corpus.columns or ()
    earlier: list[PromptedField] = []
    shows_source = False
    for place, step in _places(task):
        names = ask_names(task, earlier, columns)
        fault = template_fault(step.ask, names)
        if fault is not None:
            yield f"{place}.ask: {fault}"
            return
        named = mentioned(step.ask, names)
        if "passage" in named and not has_passages:
            yield f"{place}.ask: {NO_PASSAGE}"
        shows_source = shows_source or any(name == "passage" or name.startswith("row.") for name in named)
        if step.pool is not None and step.pool not in config.pools:
            yield f"{place}.pool: there is no pool '{step.pool}'{nearest_of(step.pool, config.pools)}"
        earlier += step.fields
    if has_passages and not shows_source:
        what = "row; put a column in it, {{ row.NAME }}" if columns else "passage; put {{ passage }} in it"
        yield f"{next(_places(task))[0]}.ask: does not show the {what}"


def _places(task: Prompted) -> Iterator[tuple[str, PromptedStep]]:
    """Each call with the path of its keys."""
    for index, step in enumerate(task.calls):
        yield f"task.steps[{index}]" if task.steps else "task", step


def _broken_student(task: Prompted, config: RunConfig) -> Iterator[str]:
    names = student_names(task, config.corpus.columns or ())
    for index, turn in enumerate(task.student):
        path = f"task.student[{index}]"
        fault = template_fault(turn.content, names)
        if fault is not None:
            yield f"{path}.content: {fault}"
            return
        if config.corpus.none is not None and "passage" in mentioned(turn.content, names):
            yield f"{path}.content: {NO_PASSAGE}"
        if turn.role == "system" and index:
            yield f"{path}.role: the system's turn is the first"
    if not task.student or task.student[-1].role != "assistant":
        yield "task.student: must end with a turn of the assistant's, which is what a student learns to write"
    elif not set(mentioned(task.student[-1].content, names)) & {field.name for field in task.all_fields}:
        yield f"task.student[{len(task.student) - 1}].content: shows no field, so there is nothing to learn"


def _unknown(path: str, said: Collection[str], names: Collection[str]) -> Iterator[str]:
    for name in said:
        if name not in names:
            yield at(path, f"there is no field '{name}'{nearest_of(name, names)}")
