"""A row that says anything but what the ledger holds is found, column by column."""

import asyncio
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from schemas.audit import Check
from tests.actors.audit.test_fold import Run, faults

Row = dict[str, Any]
Corruption = Callable[[Row], object]


def put(column: str, value: object) -> Corruption:
    return lambda row: row.update({column: value})


def within(column: str, name: str, value: object) -> Corruption:
    return lambda row: row[column].update({name: value})


def said(turn: int, name: str, value: str) -> Corruption:
    return lambda row: row["messages"][turn].update({name: value})


def attempt(name: str, value: object) -> Corruption:
    return lambda row: row["history"][0].update({name: value})


SAMPLES: dict[str, Corruption] = {
    "question": put("question", "Who?"),
    "answer": put("answer", "Nobody."),
    "passage": put("passage", "Another text."),
    "reference": put("reference", "42"),
    "quote": put("quote", ""),
    "a turn less": lambda row: row["messages"].pop(),
    "a turn's role": said(1, "role", "user"),
    "the question in the chat": said(0, "content", "Who?"),
    "the answer in the chat": said(1, "content", "x"),
    "more words in the chat's question": lambda row: row["messages"][0].update(
        content="Be rude. " + row["messages"][0]["content"]
    ),
    "more words in the chat's answer": lambda row: row["messages"][1].update(
        content=row["messages"][1]["content"] + " So they say."
    ),
    **{
        f"provenance.{name}": within("provenance", name, value)
        for name, value in {
            "uri": "x",
            "document_id": "x",
            "document_sha256": "0",
            "start": 1,
            "end": 1,
            "chunker": "x",
        }.items()
    },
    "a score": within("scores", "faithfulness", 0.123),
    "a score that is missing": within("scores", "reward", None),
    "a score that was not given": within("scores", "verifier", 1.0),
    "evidence": put("evidence", [{"claim": "x", "supported": True}]),
    **{
        f"lineage.{name}": within("lineage", name, value)
        for name, value in {
            "order_id": "0",
            "passage_id": "0",
            "task": "x",
            "slot": 99,
            "attempts": 99,
            "pool": "x",
            "model": "x",
            "temperature": 1.9,
            "top_p": 0.1,
            "seed": 1,
            "failure_modes": ["x"],
            "repairs": ["x"],
            "prefix": "x",
            "prefix_of_attempt": 9,
        }.items()
    },
    **{
        f"tokens.{name}": within("tokens", name, 10**9)
        for name in ("generator_prompt", "generator_completion", "gates")
    },
}
LETTERS: dict[str, Corruption] = {
    "reason": put("reason", "x"),
    "detail": put("detail", "x"),
    "gates": put("gates", ["x"]),
    "passage": put("passage", "x"),
    "provenance": within("provenance", "document_id", "x"),
    "attempts": put("attempts", 99),
    "failure_modes": put("failure_modes", ["x"]),
    "repairs": put("repairs", ["x"]),
    "an attempt less": lambda row: row["history"].pop(),
    "an attempt's text": attempt("text", "x"),
    "an attempt's verdicts": attempt("verdicts_json", "[]"),
    "an attempt's scores": lambda row: row["history"][0]["scores"].update(provenance=0.4),
    "tokens": within("tokens", "gates", 10**9),
}
CORRUPTIONS = [("dataset", name, each) for name, each in SAMPLES.items()]
CORRUPTIONS += [("dead_letters", name, each) for name, each in LETTERS.items()]


def corrupt(run: Run, kind: str, corruption: Corruption, subject: str = "order") -> None:
    """One row is another's, the shard's checksum is recorded as if it were right."""
    tables = {path: pq.read_table(path) for path in sorted((run.output / kind).glob("*.parquet"))}
    of_subject = {
        path: [row for row in table.to_pylist() if row.get("subject", "order") == subject]
        for path, table in tables.items()
    }
    path = next(path for path, rows in of_subject.items() if rows)
    table, rows = tables[path], tables[path].to_pylist()
    corruption(next(row for row in rows if row.get("subject", "order") == subject))
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    digest, name = sha256(path.read_bytes()).hexdigest(), f"{kind}/{path.name}"
    run.rewrite(lambda record: replace(record, sha256=digest) if getattr(record, "name", "") == name else record)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing wrong in it."""
    made = Run(tmp_path_factory.mktemp("whole"))
    asyncio.run(made.write_unfinished())
    return made.output


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Run:
    return Run(Path(shutil.copytree(whole, tmp_path / "run")))


def test_rows_as_they_were_written_hold(run: Run) -> None:
    """Every column of every row, of both kinds, is what the ledger gives."""
    report = run.verify()
    assert faults(report) == set()
    assert report.rows == 25


@pytest.mark.parametrize(
    ("kind", "name", "corruption"), CORRUPTIONS, ids=[f"{kind}: {n}" for kind, n, _ in CORRUPTIONS]
)
def test_each_column_is_held_against_the_ledger(run: Run, kind: str, name: str, corruption: Corruption) -> None:
    """A writer's bug, or a hand on the shard: its own checksum is right, and the row is not."""
    corrupt(run, kind, corruption)
    assert any(check is Check.ROWS and "is not what the ledger says" in what for check, what in faults(run.verify()))


DOCUMENTS: dict[str, Corruption] = {
    "id": put("id", "file:///corpus/another.txt"),
    "reason": put("reason", "empty or not"),
    "detail": put("detail", "x"),
    "gates": put("gates", ["x"]),
    "passage": put("passage", "x"),
    "provenance.uri": within("provenance", "uri", "x"),
    "provenance.start": within("provenance", "start", 1),
    "attempts": put("attempts", 1),
    "failure_modes": put("failure_modes", ["x"]),
    "repairs": put("repairs", ["x"]),
    "tokens": within("tokens", "gates", 1),
}


@pytest.mark.parametrize("corruption", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_refused_document_is_held_against_the_ledger(run: Run, corruption: Corruption) -> None:
    """Whatever its row says otherwise."""
    corrupt(run, "dead_letters", corruption, "document")
    told = [what for check, what in faults(run.verify()) if check is Check.ROWS]
    assert any("was not refused so" in what or "is not what the ledger says" in what for what in told)
