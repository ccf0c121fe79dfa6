"""What of a finished folder does not depend on time: texts, reasons, counts, rows of dataset and exports."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
from msgspec import Struct
from typer.testing import CliRunner

from actors.counts.tally import Tally
from actors.ledger.sqlite import LedgerReader
from deployments.cli import app
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, ProbeEnded, Record
from schemas.progress import Summary
from schemas.recovery import FailureMode

TIMES = {
    "at",
    "started_at",
    "first_accepted_at",
    "first_accepted_s",
    "last_at",
    "worked_s",
    "seconds",
    "ended_at",
    "queued_s",
    "took_s",
}
ARRIVAL = {"drift", "firsts"}
"""What depends on the order in which attempts and probes end."""
VIEWS = {
    "grounded": ("sft", "sft --view sample", "dpo --view sample", "kto", "kto --view sample", "hard_negatives"),
    "probed": ("sft", "sft --view sample", "dpo --view sample", "kto", "kto --view sample", "hard_negatives"),
    "together": ("sft --config {run}", "kto --config {run}"),
    "math": ("rft", "kto", "dpo_steps", "dpo_prefix", "stepwise", "advantages", "hard_negatives"),
}


class Ends(Struct, frozen=True):
    """What became of each order, by its id: the accepted text; the reason of its end with the last diagnosis."""

    accepted: dict[OrderId, str]
    dead: dict[OrderId, tuple[str, FailureMode | None]]
    probes: dict[OrderId, tuple[str, str, int]] = {}
    """Of each probe: its end, what its last text is worth, and how many attempts it had."""


class Rows(Struct, frozen=True):
    """Rows as JSON lines in order: how many, and their sha256. `first`: to see a difference by."""

    count: int
    sha256: str
    first: str


class Reference(Struct, frozen=True):
    """A world's outcome."""

    ends: Ends
    counts: dict[str, Any]
    """The summary's fields but its times."""
    dataset: Rows
    dead_letters: Rows
    exports: dict[str, Rows]


def ends_of(output: Path) -> Ends:
    """By the ledger."""
    accepted, dead, probes = {}, {}, {}
    for record in _records(output):
        match record:
            case AcceptedEnd(order_id=order_id, attempt=attempt):
                assert attempt.candidate is not None
                accepted[order_id] = attempt.candidate.text
            case DeadLetteredEnd(order_id=order_id, attempt=attempt, end=letter):
                diagnosis = None if attempt is None else attempt.diagnosis
                dead[order_id] = letter.reason.value, None if diagnosis is None else diagnosis.mode
            case ProbeEnded(order_id=order_id, attempt=attempt, end=end, facts=facts):
                number = 0 if attempt is None else attempt.number
                probes[order_id] = end.value, facts.worth.value, number
            case _:
                pass
    return Ends(*(dict(sorted(found.items())) for found in (accepted, dead, probes)))


def reference_of(world: str, output: Path, scratch: Path) -> Reference:
    """Of a finished folder. `scratch`: an empty folder for exports."""
    tally = Tally()
    for record in _records(output):
        tally.apply(record)
    return Reference(
        ends_of(output),
        _counts(tally.summary()),
        _rows(_parquet(output / "dataset")),
        _rows(_parquet(output / "dead_letters")),
        {view: _rows(_exported(output, view, scratch / str(number))) for number, view in enumerate(VIEWS[world])},
    )


def _records(output: Path) -> list[Record]:
    with LedgerReader(output) as ledger:
        return [record for _, record in ledger.records()]


def _counts(summary: Summary) -> dict[str, Any]:
    return _timeless(json.loads(msgspec.json.encode(summary)))


def _timeless(value: Any) -> Any:
    match value:
        case dict():
            return {key: _timeless(_parsed(key, one)) for key, one in value.items() if key not in TIMES | ARRIVAL}
        case list():
            return [_timeless(one) for one in value]
        case _:
            return value


def _parsed(key: str, value: Any) -> Any:
    return json.loads(value) if key.endswith("_json") and isinstance(value, str) else value


def _parquet(folder: Path) -> list[dict[str, Any]]:
    return [row for path in sorted(folder.glob("*.parquet")) for row in pq.ParquetFile(path).read().to_pylist()]


def _exported(output: Path, view: str, folder: Path) -> list[dict[str, Any]]:
    command = [
        "export",
        str(output),
        "--format",
        *view.format(run=output / "run.yaml").split(),
        "--files",
        "jsonl",
        "--output",
        str(folder),
    ]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    lines = [line for path in sorted(folder.rglob("*.jsonl")) for line in path.read_text("utf-8").splitlines()]
    return [json.loads(line) for line in lines]


def _rows(rows: Iterable[dict[str, Any]]) -> Rows:
    lines = sorted(json.dumps(_timeless(row), sort_keys=True, default=str) for row in rows)
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return Rows(len(lines), digest, lines[0] if lines else "")
