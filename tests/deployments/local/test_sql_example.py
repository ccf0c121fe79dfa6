"""The example of questions and queries: its schemas are databases, and its stand-in writes what the task reads."""

import sqlite3
from random import Random

import pytest
from msgspec.structs import replace

from actors.gates.execution import ASK
from actors.tasks.prompts import fenced
from actors.tasks.sql import SqlTask
from actors.text.sql import definitions, query_in
from deployments.build.tasks import build_task
from deployments.config.load import load
from deployments.terminal.preview import passages_of
from examples.sql.writer import answer_to, said
from schemas.config import RunConfig
from schemas.corpus import Passage
from schemas.recovery import Repair, Repairs
from schemas.samples import Draft, FinishReason
from tests.doubles.passages import lease_of
from tests.test_architecture import ROOT


@pytest.fixture(scope="module")
def config() -> RunConfig:
    return load(ROOT / "examples" / "sql.yaml")


@pytest.fixture(scope="module")
def passages(config: RunConfig) -> list[Passage]:
    return list(passages_of(config, 100))


def test_each_schema_is_a_whole_database_with_rows(passages: list[Passage]) -> None:
    """One passage a file; every reference holds, no table is empty, and every table has its place in the script."""
    assert len(passages) == 20
    for passage in passages:
        with sqlite3.connect(":memory:") as database:
            database.executescript(passage.text)
            assert database.execute("PRAGMA foreign_key_check").fetchall() == []
            names = [
                name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
            ]
            assert len(names) > 1 and set(definitions(passage.text)) == set(names)
            for name in names:
                assert database.execute(f"SELECT count(*) FROM {name}").fetchone() > (0,)


def test_the_stand_in_writes_what_is_read(config: RunConfig, passages: list[Passage]) -> None:
    """Drafts, mended ones, and the second query of each; the same by the same seed."""
    task = build_task(config)
    assert isinstance(task, SqlTask)
    for seed, passage in enumerate(passages):
        lease = lease_of(passage.text)
        prompt = task.prompt(lease).messages[-1].content
        assert said(prompt, Random(seed)) == said(prompt, Random(seed))
        draft = task.read(lease, said(prompt, Random(seed)), FinishReason.STOP)
        if not isinstance(draft, Draft):
            continue
        second = said(f"{fenced(passage.text)}\n{ASK}{draft.question}", Random(seed))
        assert query_in(second) == answer_to(draft.question)
        for kind in (Repairs.EDIT_QUERY, Repairs.EDIT_QUESTION):
            mended = replace(lease, repair=Repair(kind, 0.3, previous=draft))
            asked = task.prompt(mended).messages[-1].content
            assert isinstance(task.read(mended, said(asked, Random(seed)), FinishReason.STOP), Draft)
