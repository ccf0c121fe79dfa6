"""A program that was executed, as a person reads it: its lines, where it fails, what it gave."""

import json
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from deployments.terminal.parts import BAD, DIM
from deployments.terminal.words import plural, printable
from schemas.queries import Answered, Execution


def execution_view(execution: Execution, *, second: bool) -> RenderableType:
    """The program with numbered lines, the failing one marked; then its output, limits and sandbox."""
    outcome = execution.outcome
    at = None if isinstance(outcome, Answered) else outcome.line
    lines = Table.grid(padding=(0, 1, 0, 0))
    lines.add_column(justify="right", style=DIM)
    lines.add_column(overflow="fold")
    for number, line in enumerate(execution.query.split("\n"), 1):
        failing = number == at
        lines.add_row(f"{'→ ' if failing else ''}{number}", Text(printable(line), style=BAD if failing else "default"))
    limits = execution.limits
    told = f"{'the second query' if second else 'executed'} in {execution.sandbox.value}"
    told += f", at most {limits.cpu_s:g} s, {limits.memory_mib:,} MiB, {plural(limits.rows, 'row')}"
    return Group(Text(told, style=DIM), Padding(Group(lines, *_output(execution)), (0, 0, 0, 2)))


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
