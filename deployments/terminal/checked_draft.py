"""The draft that `gleaner check` shows a gate: the user's own, from a file, or one made up for the run's task.

Law: it holds the fields that the run's gates would see, so that a right rule is never failed for a field that is not
there. A file that says something else is refused in one line.
"""

import json
from pathlib import Path

from msgspec.structs import replace

from actors.gates.conformance import PASSAGE, SAMPLE
from actors.protocols import Task
from actors.tasks.conformance import TaskSubject, plain_draft
from actors.tasks.prompted import PromptedTask
from actors.text.rows import row_text
from deployments.build.tasks import build_task
from deployments.config.faults import nearest
from deployments.config.gate_rules import texts_of_task
from schemas.config import RunConfig
from schemas.config_tasks import CustomTask, Prompted, Sql
from schemas.corpus import Passage
from schemas.errors import UserError, described
from schemas.samples import Draft, answered
from schemas.verdicts import GateRequest

BESIDE = ("passage", "reference")
"""What a file may say beside fields: the passage's text, and its reference answer."""
LARGEST_FILE = 1 << 20
"""In bytes."""
_SCRIPT = "CREATE TABLE town (name TEXT, founded INTEGER);\nINSERT INTO town VALUES ('Velmora', 1623), ('Arn', 1702);"
_QUERY = answered("In which year was Velmora founded?", "SELECT founded FROM town WHERE name = 'Velmora'")


async def made_up_sample(config: RunConfig) -> GateRequest:
    """A sample of the run's task, as its gates would get it; a question and its answer, where only the task's code
    knows its fields and it reads no plain reply."""
    task = config.task
    match task:
        case Prompted():
            return _sample(build_task(config), Draft(_prompted(config).specimen_fields()), _prompted_passage(config))
        case Sql():
            return _sample(build_task(config), _QUERY, _passage(_SCRIPT, None))
        case CustomTask():
            own = build_task(config)
            found = await plain_draft(TaskSubject(own))
            return SAMPLE if found is None else _sample(own, found[1], PASSAGE)
    return SAMPLE


def given_sample(path: Path, config: RunConfig | None) -> GateRequest:
    """The sample of a file: a JSON object of fields, all texts, perhaps with `passage` and `reference`. Raises
    UserError for a file that is none, or that lacks or misspells a field of the configuration's task."""
    said = _read(path)
    beside = {name: said.pop(name) for name in BESIDE if name in said}
    if config is not None:
        _compare(path, said, config)
    if not said:
        raise UserError(f"--draft {path}: has no field; write each with its text")
    passage = _passage(beside.get("passage", PASSAGE.text), beside.get("reference", PASSAGE.reference))
    if config is None:
        return replace(SAMPLE, draft=Draft(said), passage=passage)
    try:
        return _sample(build_task(config), Draft(said), passage)
    except Exception as bug:  # a user's task has its own idea of a draft
        raise UserError(f"--draft {path}: the task cannot tell what judges read of it: {described(bug)}") from bug


def _sample(task: Task, draft: Draft, passage: Passage) -> GateRequest:
    return replace(SAMPLE, passage=passage, draft=draft, claim=task.claim(draft), shown=task.shown(draft))


def _passage(text: str, reference: str | None) -> Passage:
    return Passage.of(text, replace(PASSAGE.provenance, end=len(text)), reference=reference)


def _prompted(config: RunConfig) -> PromptedTask:
    task = build_task(config)
    assert isinstance(task, PromptedTask)
    return task


def _prompted_passage(config: RunConfig) -> Passage:
    """The first example's, or a row of the corpus's columns."""
    assert isinstance(config.task, Prompted)
    columns, examples = config.corpus.columns or (), config.task.examples
    if columns:
        return _passage(row_text(examples[0].row if examples else {name: name for name in columns}), None)
    return _passage(examples[0].passage, None) if examples and examples[0].passage else PASSAGE


def _read(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
        said = json.loads(data[:LARGEST_FILE].decode()) if len(data) <= LARGEST_FILE else None
    except OSError as error:
        raise UserError(f"--draft {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"--draft {path}: no JSON: {' '.join(str(error).split())}") from error
    if not isinstance(said, dict):
        raise UserError(f"--draft {path}: must be a JSON object of fields, at most {LARGEST_FILE:,} bytes")
    for name, text in said.items():
        if not isinstance(text, str):
            raise UserError(f"--draft {path}: {name[:80]!r} must be a text; a field of JSON is written as one")
    return said


def _compare(path: Path, said: dict[str, str], config: RunConfig) -> None:
    """Raises UserError for a field that the task does not have, or that it has and the file lacks."""
    known = texts_of_task(config)
    if known is None:
        return
    for name in said:
        if name not in known:
            raise UserError(f"--draft {path}: the task has no field {name[:80]!r}{nearest(name, known)}")
    if isinstance(config.task, Prompted):
        for name in known:
            if name not in said and name not in BESIDE:
                raise UserError(f"--draft {path}: lacks {name!r}, which every sample of the task has")
