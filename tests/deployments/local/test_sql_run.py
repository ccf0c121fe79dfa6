"""A whole run of questions and queries in this process, sandbox included: a fault of every mode, each mended by its own
repair or ended for its own reason."""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from actors.ledger.history import life_of
from actors.ledger.sqlite import LedgerReader
from deployments.config.load import load_text, resolve
from deployments.folder.execution import executed_again
from deployments.folder.exports import exported
from deployments.folder.proof import verified
from deployments.terminal.life import life_view
from schemas.audit import Check
from schemas.config import RunConfig
from schemas.errors import ErrorKind
from schemas.exports import ExportFormat, ExportRequest
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Record, Rejoined
from schemas.orders import EndReason
from schemas.programs import Isolation
from schemas.queries import Answered, ProgramModes, QueryLimits
from schemas.verdicts import Errored, Passed
from tests.deployments.local.executed_runs import draft_of, ran_in, records_of, repaired
from tests.deployments.sandbox.rooms import OFFERED
from tests.doubles.sql_writers import FAULTY, MANY, NAMES, SqlWriter, script_of

pytestmark = OFFERED
CONFIG = """
corpus: {paths: [schemas.jsonl], chunking: {by: whole}}
task: {kind: sql, samples_per_passage: 1}
pools:
  generator: {engine: {kind: custom, factory: "tests.deployments.local.test_sql_run:writer"}}
gates:
  execution: {form: execution, pool: generator, timeout_s: 0.3, processes: 1}
recovery: {policy: rules, max_attempts: 4}
"""
WRITERS: list[SqlWriter] = []
"""The last one is the run's. (A configuration's engine is made by a function without arguments.)"""


def writer() -> SqlWriter:
    return WRITERS[-1]


def config_in(folder: Path) -> RunConfig:
    rows = [{"id": name, "text": script_of(name)} for name in FAULTY]
    (folder / "schemas.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return resolve(load_text(CONFIG), folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of one run that all tests here look at."""
    config, output = config_in(tmp_path_factory.mktemp("corpus")), tmp_path_factory.mktemp("runs") / "sql"
    WRITERS.append(SqlWriter())
    return ran_in(output, config)


@pytest.fixture(scope="module")
def records(folder: Path) -> list[Record]:
    return records_of(folder)


def test_every_fault_has_its_mode_and_its_repair(records: list[Record]) -> None:
    """No guess: each diagnosis is what the execution said."""
    assert repaired(records) == {
        (ProgramModes.SYNTAX_ERROR, "edit_query"): 1,
        (ProgramModes.WRONG_NAME, "edit_query"): 1,
        (ProgramModes.RUNTIME_ERROR, "edit_query"): 1,
        (ProgramModes.TIMEOUT, "edit_query"): 1,
        (ProgramModes.EMPTY_RESULT, "edit_query"): 1,
        (ProgramModes.DISAGREEMENT, "edit_question"): 2,
        (ProgramModes.DISAGREEMENT, "edit_query"): 1,
        (ProgramModes.DISAGREEMENT, "resample"): 1,
    }


def test_how_each_ends(records: list[Record]) -> None:
    """Mended, given up, or not judged: a second query that is none is an error and no rejection."""
    accepted = [record for record in records if isinstance(record, AcceptedEnd)]
    dead = {record.end.reason: record for record in records if isinstance(record, DeadLetteredEnd)}
    assert len(accepted) == len(FAULTY) - 2
    assert set(dead) == {EndReason.REJECTED, EndReason.GATE_ERROR}
    rejected, unjudged = dead[EndReason.REJECTED].attempt, dead[EndReason.GATE_ERROR].attempt
    assert rejected is not None and rejected.number == 4 and unjudged is not None
    errored = unjudged.verdicts[-1]
    assert isinstance(errored, Errored)
    assert (errored.error, errored.detail) == (ErrorKind.NONSENSE, "the second query is no query")
    asked = [request for request in WRITERS[0].asked if "unread" in request.messages[1].content]
    assert len(asked) > 2 and len({request.sampling.seed for request in asked}) == len(asked)
    assert errored.cost.tokens == 50 * (len(asked) - 1)


def test_a_repair_edits_one_half_and_is_told_why(records: list[Record]) -> None:
    """The other half stays to the letter."""
    by_table = {
        next(name for name in FAULTY if f" {name}" in draft_of(record.attempt).answer): record.attempt
        for record in records
        if isinstance(record, AcceptedEnd)
    }
    assert {draft_of(attempt).question for attempt in by_table.values()} == {MANY, NAMES}
    assert draft_of(by_table["disagreement"]).question == NAMES
    assert draft_of(by_table["disagreement"]).answer == FAULTY["disagreement"].format(table="disagreement")
    assert draft_of(by_table["wrong_name"]).question == MANY
    told = by_table["wrong_name"].repair
    assert told is not None
    assert told.words == "The query failed: no such column: nam (line 1: SELECT count(nam))."
    asked = [request.messages[1].content for request in WRITERS[0].asked if told.words in request.messages[1].content]
    assert len(asked) == 1 and "Write the query again" in asked[0]


def test_an_accepted_sample_carries_what_was_executed(records: list[Record]) -> None:
    """The query with its result, limits and sandbox, the second one beside it, and the definition that it read."""
    record = next(
        record
        for record in records
        if isinstance(record, AcceptedEnd) and draft_of(record.attempt).answer == "SELECT count(*) FROM right"
    )
    said = record.attempt.verdicts[-1]
    assert isinstance(said, Passed)
    own, second = said.evidence.executions
    assert isinstance(own.outcome, Answered) and isinstance(second.outcome, Answered)
    assert (own.outcome.rows, own.outcome.digest) == (((3,),), second.outcome.digest)
    assert (own.limits, own.sandbox) == (QueryLimits(cpu_s=0.3), Isolation.NAMESPACES)
    (claim,) = said.evidence.claims
    assert claim.quote is not None and claim.quote.text == script_of("right")[claim.quote.start : claim.quote.end]
    assert claim.quote.text.startswith("CREATE TABLE right") and claim.quote.text.endswith(")")


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [row for path in sorted(folder.glob("dataset/*.parquet")) for row in pq.read_table(path).to_pylist()]


def test_a_row_carries_program_output_limits_and_sandbox(folder: Path) -> None:
    """And the ledger proves every column of it."""
    rows = rows_of(folder)
    assert len(rows) == len(FAULTY) - 2
    for row in rows:
        own, second = row["executions"]
        assert own["program"] == row["answer"] and own["digest"] == second["digest"]
        assert (own["outcome"], own["sandbox"]) == ("answered", "namespaces")
        assert json.loads(own["limits_json"]) == {"cpu_s": 0.3, "memory_mib": 512, "rows": 1000}
        assert row["evidence"][0]["quote"].startswith("CREATE TABLE")
    report = verified(folder)
    assert report.ok and report.quotes > 0 and [found.what for found in report.findings] == []


def test_every_accepted_verdict_is_reproducible_from_its_row(folder: Path, tmp_path: Path) -> None:
    """And a row that claims another result, or another query, is named."""
    report = executed_again(folder, verified(folder))
    assert report.ok and report.programs == 2 * (len(FAULTY) - 2)

    copied = tmp_path / "copied"
    shutil.copytree(folder, copied)
    (path,) = copied.glob("dataset/*.parquet")
    table = pq.read_table(path)
    rows = table.to_pylist()
    rows[0]["executions"][0]["digest"] = "0" * 64
    rows[1]["answer"] = "SELECT 1"
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    report = executed_again(copied, verified(copied))
    found = {each.where.rpartition(", ")[2]: each.what for each in report.findings if each.check is Check.EXECUTION}
    assert found["row 1"].startswith("its query gives another result now, of ")
    assert found["row 2"] == "what was executed is not its query" and len(found) == 2


def test_an_export_carries_it_too(folder: Path, tmp_path: Path) -> None:
    """A query that failed is a negative beside the one that mends it; one that only disagreed is none."""
    exported(folder, ExportRequest(format=ExportFormat.DPO), tmp_path / "dpo", at=0.0)
    pairs = [row for path in (tmp_path / "dpo").rglob("*.parquet") for row in pq.read_table(path).to_pylist()]
    modes = {row["rejected_origin"]["failure_mode"] for row in pairs}
    assert modes == {"syntax_error", "wrong_name", "runtime_error", "timeout"}
    for row in pairs:
        assert row["rejected_origin"]["executions"][0]["outcome"] == row["rejected_origin"]["failure_mode"]
        assert row["chosen_origin"]["executions"][0]["program"] in row["chosen"][-1]["content"]


def test_explain_shows_program_output_and_the_failing_line(folder: Path, records: list[Record]) -> None:
    order = next(
        record.order_id
        for record in records
        if isinstance(record, Rejoined) and "FROM WHERE" in draft_of(record.attempt).answer
    )
    with LedgerReader(folder) as reader:
        life = life_of(order, reader.story(order))
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(life_view(life))
    told = console.export_text()
    assert "→ 2 FROM WHERE syntax_error" in told and 'syntax_error: near "WHERE": syntax error' in told
    assert "the second query in namespaces, at most 0.3 s, 512 MiB, 1,000 rows" in told and "[3]" in told
