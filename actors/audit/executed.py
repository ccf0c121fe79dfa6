"""What was executed for a sample, as a row must have it by the ledger. Law: rebuilt here, not by the writer's code."""

from collections.abc import Sequence
from typing import Any

import msgspec

from schemas.code import CodeExecution, CodeFailed
from schemas.queries import Execution, QueryFailed
from schemas.verdicts import Errored, Verdict

ExecutedRow = dict[str, Any]
_QUERY = ("columns", "rows", "digest", "first_rows_json")
_CODE = ("tests", "output", "line", "mutants_json")
_JSON = ("limits_json", "first_rows_json", "mutants_json")


def executed_rows(verdicts: Sequence[Verdict]) -> list[ExecutedRow]:
    """The column of an attempt, with its texts of JSON read."""
    judged = [said.evidence for said in verdicts if not isinstance(said, Errored)]
    rows = [_query(each) for evidence in judged for each in evidence.executions]
    return rows + [_code(evidence.code) for evidence in judged if evidence.code is not None]


def decoded(found: Sequence[ExecutedRow] | None) -> list[ExecutedRow]:
    """A row's column with its texts of JSON read, None for what cannot be read; older shards lack some."""
    return [{**dict.fromkeys((*_QUERY, *_CODE)), **each, **_decoded_texts(each)} for each in found or ()]


def _query(execution: Execution) -> ExecutedRow:
    outcome = execution.outcome
    known = _known(execution.query, execution.limits, execution.sandbox.value)
    if isinstance(outcome, QueryFailed):
        return {**known, "outcome": outcome.mode, "message": outcome.message}
    result = {"columns": list(outcome.columns), "rows": outcome.count, "digest": outcome.digest}
    return {**known, **result, "first_rows_json": _plain(outcome.rows), "outcome": "answered", "message": None}


def _code(code: CodeExecution) -> ExecutedRow:
    outcome = code.outcome
    failed = {"outcome": "passed", "message": None, "line": None}
    if isinstance(outcome, CodeFailed):
        failed = {"outcome": outcome.mode, "message": outcome.message, "line": outcome.line}
    mutants = {"killed": _plain(code.killed), "survived": _plain(code.survived)}
    known = _known(code.program, code.limits, code.sandbox.value)
    return {**known, **failed, "tests": code.tests, "output": code.output, "mutants_json": mutants}


def _known(program: str, limits: object, sandbox: str) -> ExecutedRow:
    nothing = dict.fromkeys((*_QUERY, *_CODE))
    return {**nothing, "program": program, "limits_json": _plain(limits), "sandbox": sandbox}


def _plain(value: object) -> Any:
    """As JSON has it."""
    return msgspec.json.decode(msgspec.json.encode(value))


def _decoded_texts(each: ExecutedRow) -> ExecutedRow:
    read: ExecutedRow = {}
    for name in _JSON:
        try:
            text = each.get(name)
            read[name] = None if text is None else msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError):
            read[name] = None
    return read
