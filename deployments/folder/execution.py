"""Executes the programs of a folder's accepted rows again. Law: it only reads. The folder may be a stranger's: whatever
its rows say, programs run in namespaces, within limits of ours."""

import asyncio
from itertools import islice
from pathlib import Path

from actors.audit.executions import (
    Claimed,
    ClaimedExecution,
    claimed_executions,
    disagreement,
    tests_disagreement,
    with_executions,
)
from actors.audit.findings import Findings
from actors.gates.code import passing_mutants
from deployments.sandbox.code import SandboxedTests
from deployments.sandbox.late import SandboxPlace
from deployments.sandbox.queries import SandboxedQueries
from schemas.audit import AuditReport, Check
from schemas.code import CodeLimits, CodePassed
from schemas.errors import JudgeError
from schemas.queries import QueryLimits

AT_ONCE = 2
MOST = QueryLimits(cpu_s=60, memory_mib=4_096, rows=100_000)
"""A row may not ask for more."""
MOST_OF_CODE = CodeLimits(cpu_s=60, memory_mib=4_096)
MOST_LIMITS = 8
"""Different limits of one folder, each with processes of its own."""


def executed_again(folder: Path, report: AuditReport) -> AuditReport:
    """The report, with a fault for every row whose program gives something else now. Raises ConfigError where the
    system does not offer the sandbox."""
    findings = Findings()
    programs = asyncio.run(_executed(folder, findings))
    return with_executions(report, findings, programs)


async def _executed(folder: Path, findings: Findings) -> int:
    runners, rows, programs = _Runners(), claimed_executions(folder, findings), 0
    try:
        while some := list(islice(rows, AT_ONCE)):
            for each in some:
                await runners.of(each)  # one by one, so that a refused sandbox is said once
            told = await asyncio.gather(*(_again(each, runners) for each in some))
            for each, what in zip(some, told, strict=True):
                if what is not None:
                    findings.error(Check.EXECUTION, what, each.where, each.order_id)
            programs += sum(1 if isinstance(each, ClaimedExecution) else 1 + len(each.mutants) for each in some)
    finally:
        await runners.close()
    return programs


class _Runners:
    """One for each limits, started. A run has few of them; rows that claim more run under the largest."""

    def __init__(self) -> None:
        self._queries: dict[QueryLimits, SandboxedQueries] = {}
        self._tests: dict[CodeLimits, SandboxedTests] = {}

    async def of(self, claimed: Claimed) -> SandboxedQueries | SandboxedTests:
        if isinstance(claimed, ClaimedExecution):
            return await self.queries(claimed.limits)
        return await self.tests(claimed.code.limits)

    async def queries(self, asked: QueryLimits) -> SandboxedQueries:
        limits = QueryLimits(
            cpu_s=min(asked.cpu_s, MOST.cpu_s),
            memory_mib=min(asked.memory_mib, MOST.memory_mib),
            rows=min(asked.rows, MOST.rows),
        )
        if limits not in self._queries and len(self._queries) >= MOST_LIMITS:
            limits = MOST
        if limits not in self._queries:
            self._queries[limits] = SandboxedQueries(limits, SandboxPlace(workers=AT_ONCE))
            await self._queries[limits].start()
        return self._queries[limits]

    async def tests(self, asked: CodeLimits) -> SandboxedTests:
        limits = CodeLimits(
            cpu_s=min(asked.cpu_s, MOST_OF_CODE.cpu_s), memory_mib=min(asked.memory_mib, MOST_OF_CODE.memory_mib)
        )
        if limits not in self._tests and len(self._tests) >= MOST_LIMITS:
            limits = MOST_OF_CODE
        if limits not in self._tests:
            self._tests[limits] = SandboxedTests(limits, SandboxPlace(workers=AT_ONCE))
            await self._tests[limits].start()
        return self._tests[limits]

    async def close(self) -> None:
        for runner in (*self._queries.values(), *self._tests.values()):
            await runner.close()


async def _again(claimed: Claimed, runners: _Runners) -> str | None:
    try:
        if isinstance(claimed, ClaimedExecution):
            runner = await runners.queries(claimed.limits)
            return disagreement(claimed, await runner.execute(claimed.passage, claimed.program))
        tests = await runners.tests(claimed.code.limits)
        ran = await tests.check(claimed.code.program, claimed.code.tests)
        passes = isinstance(ran.outcome, CodePassed)
        survived = await passing_mutants(tests, claimed.code, claimed.mutants) if passes else ()
        return tests_disagreement(claimed, ran.outcome, survived)
    except JudgeError as error:
        return f"its program cannot be executed again: {error.detail}"
