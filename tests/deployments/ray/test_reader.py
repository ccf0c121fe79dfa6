"""The corpus reader of a run, without Ray around it: what it leaves in the folder before the queue hears of it."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from actors.queue.documents import KnownDocuments
from deployments.config.load import load_text
from deployments.ray import actors
from deployments.sandbox.queries import SandboxedQueries
from schemas.corpus import DocumentRefused, Passage
from schemas.errors import ErrorKind, JudgeError
from schemas.ids import PassageId
from tests.actors.corpus.extract.made import docx, paragraph, pdf
from tests.deployments.build.test_own_readers import run_of
from tests.deployments.config.test_sql import SQL
from tests.deployments.sandbox.rooms import OFFERED


class _Queue:
    """Takes every passage, and looks whether its text is kept by then."""

    def __init__(self, output: Path) -> None:
        self.kept: list[bool] = []
        self.refusals: list[str] = []
        self.details: list[str] = []
        self.counts: tuple[object, ...] = ()
        self._planned = KnownDocuments()
        self._output = output

    def documents(self) -> dict[bytes, tuple[bytes, ...]]:
        return self._planned.all()

    def refused(self) -> list[DocumentRefused]:
        return []

    def refuse(self, document: DocumentRefused) -> None:
        self.refusals.append(document.uri.rsplit("/", 1)[-1])
        self.details.append(document.detail)

    def offer(self, passages: Sequence[Passage]) -> bool:
        digests = [passage.provenance.document_sha256 for passage in passages]
        self.kept += [(self._output / "documents" / f"{digest}.txt").exists() for digest in digests]
        for passage in passages:
            self._planned.add(passage)
        return True

    def known(self, passages: Sequence[PassageId]) -> list[bool]:
        return [True for _ in passages]

    def corpus_ended(self, *counts: object) -> None:
        self.counts = counts[:2]


@pytest.fixture(autouse=True)
def _without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell asks a queue of this process."""

    def ask(method: Callable[..., Any], *arguments: object) -> Any:
        return method(*arguments)

    monkeypatch.setattr(actors, "ask", ask)
    monkeypatch.setattr(actors, "ask_each", lambda methods: [method() for method in methods])


def test_extracted_texts_are_kept_first(tmp_path: Path) -> None:
    """A kill between the two leaves a text without passages, never passages without their text."""
    data, output = tmp_path / "data", tmp_path / "run"
    data.mkdir()
    output.mkdir()
    (data / "a.pdf").write_bytes(pdf(["A page.", None]))
    (data / "b.docx").write_bytes(docx(paragraph("A letter.")))
    (data / "c.txt").write_text("Plain.")
    queue = _Queue(output)
    config = replace(load_text(run_of("text_field: text", f"[{data}]")), name="reader")
    actors.ReaderShell(config, [queue], str(output)).run()
    assert (queue.kept, queue.refusals, queue.counts) == ([True, True, False], ["a.pdf#page=2"], (3, 3))
    for path in (output / "documents").iterdir():
        assert path.name == sha256(path.read_bytes()).hexdigest() + ".txt"


def sql_reader(folder: Path, queue: _Queue, **scripts: str) -> actors.ReaderShell:
    for name, script in scripts.items():
        (folder / f"{name}.sql").write_text(script)
    text = SQL.replace("paths: [schemas.jsonl]", f'paths: [{folder}], include: ["*.sql"]').replace(
        "pool: second}", "pool: second, timeout_s: 0.3}"
    )
    return actors.ReaderShell(replace(load_text(text), name="sql"), [queue], str(folder))


@OFFERED
def test_a_script_that_makes_no_database_is_refused_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any order, in SQLite's words; one that takes for ever, too. What was planned is not executed again."""
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) INSERT INTO t SELECT i FROM n;"
    queue = _Queue(tmp_path)
    good = {"good": "CREATE TABLE town (name TEXT);", "view": "CREATE VIEW v AS SELECT 1;"}
    sql_reader(tmp_path, queue, **good, bad="CREAT TABLE a (b);", slow=f"CREATE TABLE t (i);\n{endless}").run()
    assert (queue.refusals, len(queue.kept), queue.counts) == (["bad.sql", "slow.sql"], 2, (2, 2))
    assert queue.details == [
        'the passage is no script that makes a database: near "CREAT": syntax error',
        "the passage is no script that makes a database: interrupted",
    ]
    executed = list[str]()

    async def execute(_: SandboxedQueries, script: str, query: str) -> object:
        executed.append(script)
        raise JudgeError(ErrorKind.RETRYABLE, "no query can be executed here")

    monkeypatch.setattr(SandboxedQueries, "execute", execute)
    sql_reader(tmp_path, queue).run()
    assert len(executed) == 2 and not set(executed) & set(good.values())
    assert queue.counts == (4, 4), "where nothing can be executed, nothing is refused for it"
