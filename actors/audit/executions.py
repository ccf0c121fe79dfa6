"""The programs of accepted rows, to be executed again. Law: a row with its passage is all that is read, and what it
says of itself is a claim."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
from msgspec import Struct

from actors.audit.files import inside
from actors.audit.findings import Findings
from actors.audit.rows import Row, shard_rows
from actors.dataset.spans import current
from actors.ledger.folder import Ledgers
from actors.text.parquet import TooMuchMemory
from schemas.audit import AuditReport, Check
from schemas.errors import LedgerError
from schemas.ids import OrderId
from schemas.ledger import ShardKind
from schemas.queries import Answered, QueryLimits, QueryOutcome


class ClaimedExecution(Struct, frozen=True):
    """A program of an accepted row with the digest of the result that the row claims. `where`: the row."""

    where: str
    order_id: OrderId
    passage: str
    program: str
    digest: str
    limits: QueryLimits


def claimed_executions(output: Path, findings: Findings) -> Iterator[ClaimedExecution]:
    """Those of every row of the dataset, where it has the column. A row whose column cannot be executed is a fault."""
    with Ledgers(output) as ledgers:
        shards = [shard for ledger in ledgers.each for shard in current(ledger.shards())]
    for shard in shards:
        path = inside(output, shard.name)
        if shard.kind is not ShardKind.DATASET or path is None or not path.is_file():
            continue
        try:
            for number, row in enumerate(shard_rows(path), 1):
                yield from _claimed(row, f"{shard.name}, row {number}", findings)
        except (TooMuchMemory, LedgerError, pa.ArrowException, OSError, UnicodeDecodeError) as error:
            findings.warning(Check.EXECUTION, f"not executed: {error}", shard.name)


def disagreement(claimed: ClaimedExecution, outcome: QueryOutcome) -> str | None:
    """How the outcome differs from the row's; None: it is the same."""
    if not isinstance(outcome, Answered):
        return f"its query fails now: {outcome.message}"
    if outcome.digest == claimed.digest:
        return None
    return f"its query gives another result now, of {outcome.count:,} rows"


def with_executions(report: AuditReport, findings: Findings, programs: int) -> AuditReport:
    """The report with what was found."""
    return msgspec.structs.replace(
        report,
        findings=(*report.findings, *findings.kept),
        faults=report.faults + findings.faults,
        programs=programs,
    )


def _claimed(row: Row, where: str, findings: Findings) -> Iterator[ClaimedExecution]:
    if "executions" not in row:  # a run that executes nothing
        return
    order_id, executions = OrderId(row["id"]), row["executions"]
    if not executions:
        findings.error(Check.EXECUTION, "it says nothing of an execution", where, order_id)
    elif executions[0]["program"] != row.get("answer"):
        findings.error(Check.EXECUTION, "what was executed is not its query", where, order_id)
    for each in executions or ():
        try:
            limits = msgspec.json.decode(each["limits_json"] or "", type=QueryLimits)
        except (msgspec.DecodeError, UnicodeDecodeError):
            limits = None
        if limits is None or not each["program"] or not each["digest"] or not row.get("passage"):
            findings.error(Check.EXECUTION, "its execution lacks program, digest or limits", where, order_id)
            continue
        yield ClaimedExecution(where, order_id, row["passage"], each["program"], each["digest"], limits)
