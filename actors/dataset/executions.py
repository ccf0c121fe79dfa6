"""The column of what was executed for a sample. Law: with the passage it is all that is needed to execute it again."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pyarrow as pa
from msgspec import Struct

from schemas.code import CodeExecution, CodeFailed, Mutant
from schemas.queries import Answered, Execution
from schemas.verdicts import Errored, Verdict

EXECUTIONS = pa.list_(
    pa.struct(
        [
            ("program", pa.string()),
            ("outcome", pa.string()),
            ("message", pa.string()),
            ("columns", pa.list_(pa.string())),
            ("rows", pa.int64()),
            ("digest", pa.string()),
            ("first_rows_json", pa.string()),
            ("limits_json", pa.string()),
            ("sandbox", pa.string()),
            ("tests", pa.string()),
            ("output", pa.string()),
            ("line", pa.int64()),
            ("mutants_json", pa.string()),
        ]
    )
)
"""The sample's own program, then the second one that a query was compared with. The last four are of a function with
tests, and those from `columns` to `first_rows_json` of a query."""
EXECUTIONS_HOLD = (
    "what was executed: program, outcome (`answered`, `passed`, or a failure mode with its `message`), limits, and the "
    "sandbox's isolation. A query stands beside the second one that it agrees with, each with columns, number of rows, "
    "digest and first rows of its result; a function with its tests, what both wrote, the failing line, and the "
    "mutants (changes of characters `start` to `end` into `text`) that the tests killed and that survived them"
)


class TriedMutants(Struct, frozen=True):
    """The mutants of a row."""

    killed: tuple[Mutant, ...] = ()
    survived: tuple[Mutant, ...] = ()


def executions_of(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """The column's value for an attempt."""
    judged = [said.evidence for said in verdicts if not isinstance(said, Errored)]
    queries = [_row(each) for evidence in judged for each in evidence.executions]
    return queries + [_code_row(evidence.code) for evidence in judged if evidence.code is not None]


def _row(execution: Execution) -> dict[str, Any]:
    outcome = execution.outcome
    has_result = isinstance(outcome, Answered)
    return {
        "program": execution.query,
        "outcome": "answered" if has_result else outcome.mode,
        "message": None if has_result else outcome.message,
        "columns": list(outcome.columns) if has_result else None,
        "rows": outcome.count if has_result else None,
        "digest": outcome.digest if has_result else None,
        "first_rows_json": msgspec.json.encode(outcome.rows).decode() if has_result else None,
        "limits_json": msgspec.json.encode(execution.limits).decode(),
        "sandbox": execution.sandbox.value,
    }


def _code_row(code: CodeExecution) -> dict[str, Any]:
    failed = code.outcome if isinstance(code.outcome, CodeFailed) else None
    return {
        "program": code.program,
        "outcome": "passed" if failed is None else failed.mode,
        "message": None if failed is None else failed.message,
        "limits_json": msgspec.json.encode(code.limits).decode(),
        "sandbox": code.sandbox.value,
        "tests": code.tests,
        "output": code.output,
        "line": None if failed is None else failed.line,
        "mutants_json": msgspec.json.encode(TriedMutants(code.killed, code.survived)).decode(),
    }
