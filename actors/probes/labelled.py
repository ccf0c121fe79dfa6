"""Reads a labelled file as requests to a gate. Law: a row means what the file says; a bad row ends the audit, with its
line number.

For the verifier a row has `question`, `solution` and the reference answer as `ground_truth`, `reference` or `answer`.
For other gates it has `passage`, `question` and `answer`; for one that executes tests, those too, as `tests` or (a
problem's own) as `hidden_tests`. The label (true: the gate should pass it) is `is_correct` or
`label`: true, false, 1 or 0. Optional, for probes: `flaw` (how a bad row is bad) and `gate` (the only gate that the
label is about).
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from schemas.corpus import Passage, Provenance
from schemas.errors import UserError
from schemas.ids import DocumentId, content_id
from schemas.samples import answered, rewritten
from schemas.verdicts import VERIFIER, GateName, GateRequest

LABELS = ("is_correct", "label")
REFERENCES = ("ground_truth", "reference", "answer")


class Labelled(Struct, frozen=True):
    """One row: the request to the gate and the right verdict. `line` counts from 1."""

    line: int
    request: GateRequest
    label: bool
    flaw: str | None = None
    gate: str | None = None


def labelled_rows(lines: Iterator[bytes], gate: GateName, name: str) -> Iterator[Labelled]:
    """The rows of a file of JSON lines. Raises UserError at the first bad row."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{name}: line {number} is not JSON: {error}") from error
        if not isinstance(record, dict):
            raise UserError(f"{name}: line {number} is not a JSON object")
        yield _Row(record, f"{name}: line {number}").labelled(number, gate)


def distinct(rows: Iterable[Labelled]) -> list[Labelled]:
    """Each row once, even if the file repeats it. A gate repeats its verdict on a repeated row, so counting the row
    again would make intervals too narrow. Rows that differ only in their label are both kept."""
    found: dict[object, Labelled] = {}
    for row in rows:
        draft, passage = row.request.draft, row.request.passage
        key = (passage.text, *draft.fields.items(), passage.reference, row.label, row.gate)
        found.setdefault(key, row)
    return list(found.values())


class _Row:
    def __init__(self, record: dict[str, Any], where: str) -> None:
        self._record = record
        self._where = where

    def labelled(self, number: int, gate: GateName) -> Labelled:
        verifying = gate == VERIFIER
        question = self._text(("question",))
        passage = question if verifying else self._text(("passage",))
        answer = self._text(("solution",) if verifying else ("answer",))
        draft, tests = answered(question, answer), self._optional("tests")
        request = GateRequest(
            id=f"line:{number}",
            passage=_passage(passage, number, self._text(REFERENCES) if verifying else self._optional("hidden_tests")),
            draft=draft if tests is None or verifying else rewritten(draft, tests=tests),
        )
        return Labelled(number, request, self._label(), self._optional("flaw"), self._optional("gate"))

    def _optional(self, name: str) -> str | None:
        value = self._record.get(name)
        return value if isinstance(value, str) and value else None

    def _text(self, names: Sequence[str]) -> str:
        value = self._first(names)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise UserError(f"{self._where}: '{names[0]}' is {type(value).__name__}, neither text nor a number")
        return str(value)

    def _label(self) -> bool:
        value = self._first(LABELS)
        if not isinstance(value, int) or value not in (0, 1):
            raise UserError(f"{self._where}: the label must be true or false, not {str(value)[:40]!r}")
        return bool(value)

    def _first(self, names: Sequence[str]) -> Any:
        for name in names:
            if name in self._record:
                return self._record[name]
        there = ", ".join(str(name)[:40] for name in list(self._record)[:10])
        raise UserError(f"{self._where}: no field {' or '.join(repr(name) for name in names)}; it has: {there}")


def _passage(text: str, number: int, reference: str | None) -> Passage:
    where = Provenance(
        uri=f"labelled#line={number}",
        document_id=DocumentId(f"line:{number}"),
        document_sha256=content_id(text),
        start=0,
        end=len(text),
        chunker="none",
    )
    return Passage.of(text, where, reference)
