"""What the types cannot say of a task in YAML alone. Law: a template that could fail, take long or name what there is
not is refused before anything is asked."""

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

from actors.tasks.prompted import ask_names, student_names
from actors.tasks.templates import WORDS_OF_JINJA, mentioned, nearest_of, template_fault
from deployments.config.faults import at, below
from schemas.config_tasks import Prompted

MOST_FIELDS = 16
LONGEST_WHAT = 2_000
"""In characters."""
TAKEN = frozenset({"passage", "reference", "attempt", "fields", "previous", "repair"})
"""Names that something else is known by, in templates and in rules."""


def broken_prompted(task: Prompted) -> Iterator[str]:
    """Each rule that the task breaks, as `path: what is wrong`."""
    yield from _broken_fields(task)
    names = [field.name for field in task.fields]
    yield from _broken_ask(task)
    yield from _broken_student(task)
    for index, example in enumerate(task.examples):
        path = f"task.examples[{index}].fields"
        yield from _unknown(path, example.fields, names)
        for name in names:
            if not example.fields.get(name, "").strip():
                yield at(below(path, name), "missing, or empty; an example shows every field")
    for key, listed in (("claim", task.claim), ("shown", task.shown), ("key", task.key)):
        if listed is not None:
            yield from _unknown(f"task.{key}", listed, names)
            if not listed and key != "key":
                yield f"task.{key}: an empty list; leave it out for all fields"


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


def _broken_fields(task: Prompted) -> Iterator[str]:
    if not 1 <= len(task.fields) <= MOST_FIELDS:
        yield f"task.fields: {len(task.fields)} of them; a sample has 1 to {MOST_FIELDS}"
    for index, field in enumerate(task.fields):
        if field.name in TAKEN or field.name in WORDS_OF_JINJA:
            yield f"task.fields[{index}].name: '{field.name}' is the name of something else; a field needs another"
        if len(field.what) > LONGEST_WHAT:
            yield f"task.fields[{index}].what: has {len(field.what):,} characters; at most {LONGEST_WHAT:,}"
    twice = next((name for name, times in Counter(each.name for each in task.fields).items() if times > 1), None)
    if twice is not None:
        yield f"task.fields: two are called '{twice}'"
    if all(field.name == "quote" for field in task.fields):
        yield "task.fields: a quote alone is evidence of nothing; name another field"


def _broken_ask(task: Prompted) -> Iterator[str]:
    names = ask_names(task.fields)
    fault = template_fault(task.ask, names)
    if fault is not None:
        yield f"task.ask: {fault}"
    elif "passage" not in mentioned(task.ask, names):
        yield "task.ask: does not show the passage; put {{ passage }} in it"


def _broken_student(task: Prompted) -> Iterator[str]:
    names = student_names(task.fields)
    for index, turn in enumerate(task.student):
        path = f"task.student[{index}]"
        fault = template_fault(turn.content, names)
        if fault is not None:
            yield f"{path}.content: {fault}"
            return
        if turn.role == "system" and index:
            yield f"{path}.role: the system's turn is the first"
    if not task.student or task.student[-1].role != "assistant":
        yield "task.student: must end with a turn of the assistant's, which is what a student learns to write"
    elif not set(mentioned(task.student[-1].content, names)) - {"passage"}:
        yield f"task.student[{len(task.student) - 1}].content: shows no field, so there is nothing to learn"


def _unknown(path: str, said: Collection[str], names: Collection[str]) -> Iterator[str]:
    for name in said:
        if name not in names:
            yield at(path, f"there is no field '{name}'{nearest_of(name, names)}")
