"""Executes the programs of a folder's accepted rows again. Law: it only reads. The folder may be a stranger's: whatever
its rows say, programs run in namespaces, within limits of ours."""

import asyncio
from itertools import islice
from pathlib import Path

from actors.audit.executions import ClaimedExecution, claimed_executions, disagreement, with_executions
from actors.audit.findings import Findings
from deployments.sandbox.late import SandboxPlace
from deployments.sandbox.queries import SandboxedQueries
from schemas.audit import AuditReport, Check
from schemas.errors import JudgeError
from schemas.queries import QueryLimits

AT_ONCE = 2
MOST = QueryLimits(cpu_s=60, memory_mib=4_096, rows=100_000)
"""A row may not ask for more."""
MOST_LIMITS = 8
"""Different limits of one folder, each with processes of its own."""


def executed_again(folder: Path, report: AuditReport) -> AuditReport:
    """The report, with a fault for every row whose program gives something else now. Raises ConfigError where the
    system does not offer the sandbox."""
    findings = Findings()
    programs = asyncio.run(_executed(folder, findings))
    return with_executions(report, findings, programs)


async def _executed(folder: Path, findings: Findings) -> int:
    runners: dict[QueryLimits, SandboxedQueries] = {}
    rows, programs = claimed_executions(folder, findings), 0
    try:
        while some := list(islice(rows, AT_ONCE)):
            asked = [(each, await _runner(runners, each.limits)) for each in some]
            told = await asyncio.gather(*(_again(each, runner) for each, runner in asked))
            for each, what in zip(some, told, strict=True):
                if what is not None:
                    findings.error(Check.EXECUTION, what, each.where, each.order_id)
            programs += len(some)
    finally:
        for runner in runners.values():
            await runner.close()
    return programs


async def _runner(runners: dict[QueryLimits, SandboxedQueries], asked: QueryLimits) -> SandboxedQueries:
    """The one for these limits, started. A run has few of them; rows that claim more run under the largest."""
    limits = QueryLimits(
        cpu_s=min(asked.cpu_s, MOST.cpu_s),
        memory_mib=min(asked.memory_mib, MOST.memory_mib),
        rows=min(asked.rows, MOST.rows),
    )
    if limits not in runners and len(runners) >= MOST_LIMITS:
        limits = MOST
    if limits not in runners:
        runners[limits] = SandboxedQueries(limits, SandboxPlace(workers=AT_ONCE))
        await runners[limits].start()
    return runners[limits]


async def _again(claimed: ClaimedExecution, runner: SandboxedQueries) -> str | None:
    try:
        return disagreement(claimed, await runner.execute(claimed.passage, claimed.program))
    except JudgeError as error:
        return f"its query cannot be executed again: {error.detail}"
