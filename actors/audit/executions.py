"""The programs of accepted rows, to be executed again. Law: a row with its passage is all that is read, and what it
says of itself is a claim."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
import pyarrow as pa
from msgspec import Struct

from actors.audit.files import inside
from actors.audit.findings import Findings
from actors.audit.rows import Row, shard_rows
from actors.dataset.executions import TriedMutants
from actors.dataset.spans import current
from actors.ledger.folder import Ledgers
from actors.text.parquet import TooMuchMemory
from schemas.audit import AuditReport, Check
from schemas.code import CodeExecution, CodeFailed, CodeLimits, CodeOutcome, CodePassed, Mutant
from schemas.errors import LedgerError
from schemas.ids import OrderId
from schemas.ledger import ShardKind
from schemas.programs import Isolation
from schemas.queries import Answered, QueryLimits, QueryOutcome

T = TypeVar("T")
MOST_MUTANTS = 50
"""Of a row: no configuration has more."""


class ClaimedExecution(Struct, frozen=True):
    """A query of an accepted row with the digest of the result that the row claims. `where`: the row."""

    where: str
    order_id: OrderId
    passage: str
    program: str
    digest: str
    limits: QueryLimits


class ClaimedTests(Struct, frozen=True):
    """A function of an accepted row with its tests, which pass by the row, and its mutants."""

    where: str
    order_id: OrderId
    code: CodeExecution

    @property
    def mutants(self) -> tuple[Mutant, ...]:
        """All of them, in the order of the row."""
        return (*self.code.killed, *self.code.survived)


Claimed = ClaimedExecution | ClaimedTests


def claimed_executions(output: Path, findings: Findings) -> Iterator[Claimed]:
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


def tests_disagreement(claimed: ClaimedTests, outcome: CodeOutcome, survived: tuple[Mutant, ...]) -> str | None:
    """How the outcome and the mutants that pass now differ from the row's; None: they are the same."""
    if isinstance(outcome, CodeFailed):
        return f"its tests fail now: {outcome.message}"
    if set(survived) == set(claimed.code.survived):
        return None
    made = len(claimed.mutants)
    was, now = made - len(claimed.code.survived), made - len(survived)
    return f"its tests tell {now} of {made} mutants from the function now, and by the row {was}, or others"


def with_executions(report: AuditReport, findings: Findings, programs: int) -> AuditReport:
    """The report with what was found."""
    return msgspec.structs.replace(
        report,
        findings=(*report.findings, *findings.kept),
        faults=report.faults + findings.faults,
        programs=programs,
    )


def _claimed(row: Row, where: str, findings: Findings) -> Iterator[Claimed]:
    if "executions" not in row:  # a run that executes nothing
        return
    order_id, executions = OrderId(row["id"]), row["executions"]
    if not executions:
        findings.error(Check.EXECUTION, "it says nothing of an execution", where, order_id)
    elif executions[0]["program"] != row.get("answer"):
        what = "query" if executions[0].get("tests") is None else "function"
        findings.error(Check.EXECUTION, f"what was executed is not its {what}", where, order_id)
    for each in executions or ():
        found = _query(row, each, where) if each.get("tests") is None else _tests(row, each, where)
        if isinstance(found, str):
            findings.error(Check.EXECUTION, found, where, order_id)
        else:
            yield found


def _query(row: Row, each: Row, where: str) -> ClaimedExecution | str:
    """The query of a row, or why there is none."""
    limits = _read(each["limits_json"], QueryLimits)
    if limits is None or not each["program"] or not each["digest"] or not row.get("passage"):
        return "its execution lacks program, digest or limits"
    return ClaimedExecution(where, OrderId(row["id"]), row["passage"], each["program"], each["digest"], limits)


def _tests(row: Row, each: Row, where: str) -> ClaimedTests | str:
    """The function of a row with its tests, or why there is none."""
    limits, mutants = _read(each["limits_json"], CodeLimits), _read(each["mutants_json"], TriedMutants)
    if limits is None or mutants is None or not each["program"]:
        return "its execution lacks program, limits or mutants"
    made, given = (*mutants.killed, *mutants.survived), row.get("reference")
    if len(made) > MOST_MUTANTS or not all(0 <= each_.start <= each_.end for each_ in made):
        return "its mutants are none of a program"
    if given is None and not made:
        return "nothing was done to try its tests"
    if given is not None and given != each["tests"]:
        return "its tests are not those of the problem"
    code = CodeExecution(
        each["program"],
        each["tests"],
        CodePassed(),
        limits,
        Isolation.NAMESPACES,
        killed=mutants.killed,
        survived=mutants.survived,
    )
    return ClaimedTests(where, OrderId(row["id"]), code)


def _read(text: str | None, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(text or "", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
