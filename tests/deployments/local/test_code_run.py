"""A whole run of functions with tests in this process, sandbox included: a fault of every mode, each mended by its own
repair or ended for its own reason."""

import io
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from typer.testing import CliRunner

from actors.ledger.history import life_of
from actors.ledger.sqlite import LedgerReader
from deployments.cli import app
from deployments.config.load import load_text, resolve
from deployments.folder.execution import executed_again
from deployments.folder.exports import exported
from deployments.folder.proof import verified
from deployments.terminal.life import life_view
from schemas.audit import Check
from schemas.code import CodeLimits, CodePassed
from schemas.errors import ErrorKind
from schemas.exports import ExportFormat, ExportRequest
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Record, Rejoined
from schemas.orders import EndReason
from schemas.programs import Isolation
from schemas.queries import ProgramModes
from schemas.samples import Draft
from schemas.verdicts import Errored, Passed
from tests.deployments.local.code_life import CONFIG
from tests.deployments.local.executed_runs import draft_of, ran_in, records_of, repaired
from tests.deployments.sandbox.rooms import OFFERED
from tests.doubles.code_writers import (
    CLAMP,
    CODE,
    FAULTS,
    FIRST_TESTS,
    HIDDEN,
    QUESTION,
    TESTS,
    WRITERS,
    CodeWriter,
    problem_of,
    specification_of,
)
from tests.test_architecture import ROOT

pytestmark = OFFERED


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of one run that all tests here look at."""
    corpus = tmp_path_factory.mktemp("corpus")
    rows = [{"id": fault, "text": specification_of(fault)} for fault in FAULTS]
    (corpus / "specifications.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    WRITERS.append(CodeWriter())
    return ran_in(tmp_path_factory.mktemp("runs") / "code", resolve(load_text(CONFIG), corpus))


@pytest.fixture(scope="module")
def records(folder: Path) -> list[Record]:
    return records_of(folder)


def test_every_fault_has_its_mode_and_its_repair(records: list[Record]) -> None:
    """No guess: each diagnosis is what the execution said."""
    assert repaired(records) == {
        (ProgramModes.SYNTAX_ERROR, "edit_code"): 1,
        (ProgramModes.WRONG_NAME, "edit_code"): 1,
        (ProgramModes.RUNTIME_ERROR, "edit_code"): 1,
        (ProgramModes.TIMEOUT, "edit_code"): 1,
        (ProgramModes.TEST_FAILED, "edit_code"): 3,
        (ProgramModes.TEST_FAILED, "edit_tests"): 2,
        (ProgramModes.TESTS_BROKEN, "edit_tests"): 1,
        (ProgramModes.TESTS_TOO_WEAK, "edit_tests"): 1,
        (ProgramModes.TESTS_TOO_WEAK, "resample"): 1,
        (ProgramModes.TOO_SIMPLE, "regenerate_question"): 1,
    }


def test_how_each_ends(records: list[Record]) -> None:
    """Mended, given up, or not judged: tests without an end are an error and no rejection."""
    dead = {record.end.reason: record for record in records if isinstance(record, DeadLetteredEnd)}
    assert len([record for record in records if isinstance(record, AcceptedEnd)]) == len(FAULTS) - 2
    assert set(dead) == {EndReason.REJECTED, EndReason.GATE_ERROR}
    rejected, unjudged = dead[EndReason.REJECTED].attempt, dead[EndReason.GATE_ERROR].attempt
    assert rejected is not None and rejected.number == 4 and unjudged is not None
    errored = unjudged.verdicts[-1]
    assert isinstance(errored, Errored) and errored.error is ErrorKind.PERMANENT
    assert errored.detail == "nothing is known of the program: its tests ended by cpu_time"


def test_a_repair_edits_one_half_and_is_told_why(records: list[Record]) -> None:
    """Question and the other half stay to the letter."""
    for record in records:
        if isinstance(record, AcceptedEnd):
            assert draft_of(record.attempt) == Draft({"question": QUESTION, "answer": CLAMP, "tests": TESTS})
    words = {
        record.attempt.choice.repair.words
        for record in records
        if isinstance(record, Rejoined) and record.attempt.choice and record.attempt.choice.repair
    }
    assert "The tests fail: SyntaxError: expected ':' (line 2 of the code: if value < low)." in words
    assert "The tests fail: AssertionError (line 4 of the tests: assert clamp(9, 2, 5) == 6)." in words
    weak = next(each for each in words if each.startswith("The tests pass, but"))
    assert "they pass as well with line" in weak
    asked = [request.messages[1].content for request in WRITERS[0].asked if weak in request.messages[1].content]
    assert len(asked) == 1 and "Write the tests again" in asked[0]


def test_an_accepted_sample_carries_what_was_executed(records: list[Record]) -> None:
    record = next(record for record in records if isinstance(record, AcceptedEnd))
    said = record.attempt.verdicts[-1]
    assert isinstance(said, Passed) and said.evidence.code is not None
    code = said.evidence.code
    assert (code.program, code.tests, code.outcome, len(code.killed)) == (CLAMP, TESTS, CodePassed(), 5)
    (mutant,) = code.survived
    assert mutant.text == "(value <= low)"  # it gives the same everywhere, which nobody can know from its text
    assert (code.limits, code.sandbox) == (CodeLimits(cpu_s=0.3), Isolation.NAMESPACES)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [row for path in sorted(folder.glob("dataset/*.parquet")) for row in pq.read_table(path).to_pylist()]


def test_a_row_carries_program_tests_mutants_limits_and_sandbox(folder: Path) -> None:
    """And the ledger proves every column of it."""
    rows = rows_of(folder)
    assert len(rows) == len(FAULTS) - 2
    for row in rows:
        (code,) = row["executions"]
        assert (code["program"], code["tests"]) == (row["answer"], TESTS)
        assert (code["outcome"], code["sandbox"]) == ("passed", "namespaces")
        assert json.loads(code["limits_json"]) == {"cpu_s": 0.3, "memory_mib": 256}
        mutants = json.loads(code["mutants_json"])
        assert (len(mutants["killed"]), len(mutants["survived"])) == (5, 1)
        assert [turn["content"] for turn in row["messages"]] == [QUESTION, CLAMP]
    report = verified(folder)
    assert report.ok and [found.what for found in report.findings] == []


def test_every_accepted_verdict_is_reproducible_from_its_row(folder: Path, tmp_path: Path) -> None:
    """And a row that claims other tests, another function or another mutant is named."""
    report = executed_again(folder, verified(folder))
    assert report.ok and report.programs == 7 * (len(FAULTS) - 2)

    copied = tmp_path / "copied"
    shutil.copytree(folder, copied)
    (path,) = copied.glob("dataset/*.parquet")
    table = pq.read_table(path)
    rows = table.to_pylist()
    rows[0]["executions"][0]["tests"] = f"{TESTS}\nassert clamp(0, 0, 0)"
    rows[1]["answer"] = "pass"
    mutants = json.loads(rows[2]["executions"][0]["mutants_json"])
    mutants["killed"][0]["text"] = CLAMP[mutants["killed"][0]["start"] : mutants["killed"][0]["end"]]
    rows[2]["executions"][0]["mutants_json"] = json.dumps(mutants)
    rows[3]["executions"][0]["mutants_json"] = "{}"
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    report = executed_again(copied, verified(copied))
    found = {each.where.rpartition(", ")[2]: each.what for each in report.findings if each.check is Check.EXECUTION}
    assert found == {
        "row 1": "its tests fail now: AssertionError",
        "row 2": "what was executed is not its function",
        "row 3": "its tests tell 4 of 6 mutants from the function now, and by the row 5, or others",
        "row 4": "nothing was done to try its tests",
    }


def test_an_export_carries_it_too(folder: Path, tmp_path: Path) -> None:
    """A function that failed by itself is a negative beside the one that mends it; which half of a failed test is wrong
    is not known."""
    exported(folder, ExportRequest(format=ExportFormat.DPO), tmp_path / "dpo", at=0.0)
    pairs = [row for path in (tmp_path / "dpo").rglob("*.parquet") for row in pq.read_table(path).to_pylist()]
    assert {row["rejected_origin"]["failure_mode"] for row in pairs} == {
        "syntax_error", "wrong_name", "runtime_error", "timeout",
    }  # fmt: skip
    for row in pairs:
        (said,) = row["rejected_origin"]["executions"]
        assert said["outcome"] == row["rejected_origin"]["failure_mode"] and said["tests"] == TESTS
        assert row["chosen_origin"]["executions"][0]["program"] == row["chosen"][-1]["content"]


def test_explain_shows_function_tests_output_and_the_failing_line(folder: Path, records: list[Record]) -> None:
    order = next(
        record.order_id
        for record in records
        if isinstance(record, Rejoined) and draft_of(record.attempt).answer == CODE["syntax_error"]
    )
    with LedgerReader(folder) as reader:
        life = life_of(order, reader.story(order))
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(life_view(life))
    told = console.export_text()
    assert "→ 2     if value < low" in told and "syntax_error: SyntaxError: expected ':'" in told
    assert "executed in namespaces, at most 0.3 s, 256 MiB" in told and "assert clamp(9, 2, 5) == 5" in told
    assert "5 of 6 mutants killed" in told and "survived: line 2 as if (value <= low):" in told
    assert 'File "/box/solution.py", line 2' in told


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run over given problems."""
    corpus = tmp_path_factory.mktemp("problems")
    faults = ("right", "test_failed", "runtime_error", "timeout")
    (corpus / "problems.jsonl").write_text("".join(json.dumps(problem_of(fault)) + "\n" for fault in faults))
    text = CONFIG.replace("[specifications.jsonl]", "[problems.jsonl], problems: code")
    WRITERS.append(CodeWriter())
    return ran_in(tmp_path_factory.mktemp("runs") / "problems", resolve(load_text(text), corpus))


def test_hidden_tests_judge_and_are_shown_to_nobody(problems: Path, tmp_path: Path) -> None:
    """In no prompt of any attempt, in no chat of a row or an export; beside them, where they are reproduced from."""
    rows = rows_of(problems)
    assert len(rows) == 4 and {row["answer"] for row in rows} == {CLAMP}
    prompts = [message.content for request in WRITERS[-1].asked for message in request.messages]
    assert len(prompts) == 2 * 7 and not any(HIDDEN in prompt for prompt in prompts)
    assert any("A hidden test fails with AssertionError." in prompt for prompt in prompts)
    for format in (ExportFormat.DPO, ExportFormat.SFT):
        exported(problems, ExportRequest(format=format), tmp_path / format.value, at=0.0)
        for path in (tmp_path / format.value).rglob("*.parquet"):
            for row in pq.read_table(path).to_pylist():
                chats = {
                    name: said for name, said in row.items() if name in ("messages", "prompt", "chosen", "rejected")
                }
                assert chats and HIDDEN not in json.dumps(chats)
    for row in rows:
        (code,) = row["executions"]
        assert HIDDEN in code["tests"] and code["tests"] == row["reference"]
        assert HIDDEN not in json.dumps([row["messages"], row["question"], row["passage"]])
    assert "whose tests it does not see" in (problems / "README.md").read_text()
    report = executed_again(problems, verified(problems))
    assert report.ok and report.programs == 4


def test_what_fails_a_hidden_test_is_a_negative(problems: Path, tmp_path: Path) -> None:
    """Nobody else can be at fault."""
    exported(problems, ExportRequest(format=ExportFormat.DPO), tmp_path / "dpo", at=0.0)
    pairs = [row for path in (tmp_path / "dpo").rglob("*.parquet") for row in pq.read_table(path).to_pylist()]
    assert {row["rejected_origin"]["failure_mode"] for row in pairs} == {"test_failed", "runtime_error", "timeout"}


def test_a_run_killed_in_the_middle_is_reproducible_from_its_rows(tmp_path: Path) -> None:
    """kill -9 twice, then to the end: every order ends once, and each accepted verdict comes again from its row."""
    faults = ("right", "wrong_name", "wrong_test", "tests_too_weak")
    rows = [{"id": fault, "text": specification_of(fault)} for fault in faults]
    (tmp_path / "specifications.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for records in (4, 4):
        life = [sys.executable, "-m", "tests.deployments.local.code_life", tmp_path / "run", tmp_path, str(records)]
        assert subprocess.run(life, check=False, capture_output=True).returncode == -signal.SIGKILL
    WRITERS.append(CodeWriter())
    folder = ran_in(tmp_path / "run", resolve(load_text(CONFIG), tmp_path))
    records = records_of(folder)
    assert len([record for record in records if isinstance(record, AcceptedEnd)]) == len(faults)
    report = executed_again(folder, verified(folder))
    assert report.ok and report.programs == 7 * len(faults)


def test_the_gate_is_measured_on_labelled_rows(tmp_path: Path) -> None:
    """`gleaner audit`: with tests of the row's own or a problem's, right and wrong. A row without any is an error."""
    row = {"passage": specification_of("right"), "question": QUESTION, "answer": CLAMP}
    rows = [
        {**row, "tests": TESTS, "label": 1},
        {**row, "tests": FIRST_TESTS["tests_too_weak"], "label": 0},
        {**row, "hidden_tests": TESTS, "label": 1},
        {**row, "hidden_tests": FIRST_TESTS["wrong_test"], "label": 0},
        {**row, "label": 1},
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(each) + "\n" for each in rows))
    config = str(ROOT / "examples" / "code.yaml")
    result = CliRunner().invoke(
        app, ["audit", config, "--gate", "tests", "--labelled", str(tmp_path / "rows.jsonl"), "--json"]
    )
    assert result.exit_code == 0, result.output
    audit = json.loads(result.stdout)
    assert (audit["rows"], audit["errors"], audit["good_passed"], audit["bad_rejected"]) == (5, 1, 2, 2)
