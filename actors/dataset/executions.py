"""The column of what was executed for a sample. Law: with the passage it is all that is needed to execute it again."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pyarrow as pa

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
        ]
    )
)
"""The sample's own program, then the second one that it was compared with."""
EXECUTIONS_HOLD = (
    "the sample's query and the second one that it agrees with: each with its outcome (`answered`, or a failure mode "
    "with its `message`), columns, number of rows, digest and first rows of the result, limits, and the sandbox's "
    "isolation"
)


def executions_of(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """The column's value for an attempt."""
    judged = (said for said in verdicts if not isinstance(said, Errored))
    return [_row(each) for said in judged for each in said.evidence.executions]


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
