"""A program that was executed, as a person reads it: its lines, where it fails, what it gave."""

import json
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from deployments.terminal.parts import BAD, DIM
from deployments.terminal.words import plural, printable
from schemas.code import CodeExecution, CodeFailed, Mutant
from schemas.queries import Answered, Execution


def execution_view(execution: Execution, *, second: bool) -> RenderableType:
    """The program with numbered lines, the failing one marked; then its output, limits and sandbox."""
    outcome = execution.outcome
    lines = _numbered(execution.query, None if isinstance(outcome, Answered) else outcome.line)
    limits = execution.limits
    told = f"{'the second query' if second else 'executed'} in {execution.sandbox.value}"
    told += f", at most {limits.cpu_s:g} s, {limits.memory_mib:,} MiB, {plural(limits.rows, 'row')}"
    return Group(Text(told, style=DIM), Padding(Group(lines, *_output(execution)), (0, 0, 0, 2)))


def code_view(execution: CodeExecution) -> RenderableType:
    """Function and tests with numbered lines, the failing one marked; what both wrote, and the mutants left."""
    outcome, limits = execution.outcome, execution.limits
    failed = outcome if isinstance(outcome, CodeFailed) else None
    at = {half: None if failed is None or failed.half != half else failed.line for half in ("answer", "tests")}
    told = f"executed in {execution.sandbox.value}, at most {limits.cpu_s:g} s, {limits.memory_mib:,} MiB"
    parts: list[RenderableType] = [
        _numbered(execution.program, at["answer"]),
        Text("the problem's tests" if execution.hidden else "tests", style=DIM),
        _numbered(execution.tests, at["tests"]),
    ]
    if failed is not None:
        parts.append(Text(f"{failed.mode}: {printable(failed.message)}", style=BAD))
    if execution.output:
        parts += [Text("output", style=DIM), *(Text(printable(line)) for line in execution.output.split("\n"))]
    if execution.killed or execution.survived:
        tried = len(execution.killed) + len(execution.survived)
        parts.append(Text(f"{len(execution.killed)} of {plural(tried, 'mutant')} killed", style=DIM))
    parts += [_mutant(each, execution.program) for each in execution.survived]
    return Group(Text(told, style=DIM), Padding(Group(*parts), (0, 0, 0, 2)))


def _mutant(mutant: Mutant, program: str) -> Text:
    at = mutant.line(program)
    line = mutant.of(program).split("\n")[at - 1].strip()
    return Text(printable(f"survived: line {at} as {line}"))


def _numbered(program: str, failing: int | None) -> Table:
    lines = Table.grid(padding=(0, 1, 0, 0))
    lines.add_column(justify="right", style=DIM)
    lines.add_column(overflow="fold")
    for number, line in enumerate(program.split("\n"), 1):
        fails = number == failing
        lines.add_row(f"{'→ ' if fails else ''}{number}", Text(printable(line), style=BAD if fails else "default"))
    return lines


def _output(execution: Execution) -> Iterator[RenderableType]:
    outcome = execution.outcome
    if not isinstance(outcome, Answered):
        yield Text(f"{outcome.mode}: {printable(outcome.message)}", style=BAD)
        return
    yield Text(printable(f"{plural(outcome.count, 'row')} of {', '.join(outcome.columns)}"), style=DIM)
    for row in outcome.rows:
        yield Text(printable(json.dumps(list(row), ensure_ascii=False)))
    if outcome.count > len(outcome.rows):
        yield Text(f"and {plural(outcome.count - len(outcome.rows), 'more row')}", style=DIM)
