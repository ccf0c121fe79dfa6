"""`gleaner verify`: what the files alone prove, and every place where they do not. Law: it only reads."""

from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from deployments.config.load import load
from deployments.folder.execution import executed_again
from deployments.folder.proof import verified
from deployments.terminal.parts import BAD, DIM, GOOD, WARN, grid
from deployments.terminal.reading import as_builtins, put_json, run_folder
from deployments.terminal.screen import Screen
from deployments.terminal.words import plural, printable
from schemas.audit import AuditReport, Finding, Severity


def show_verification(folder: Path, config: Path | None, *, network: bool, execute: bool, json: bool) -> bool:
    """Verifies and shows it; True when nothing promised is broken. Raises UserError for a folder that is no run."""
    given = None if config is None else load(config)
    report = verified(run_folder(folder), given, network=network)
    if execute:
        report = executed_again(folder, report)
    if json:
        put_json({**as_builtins(report), "ok": report.ok})
    else:
        Screen().print(proof_view(report, folder))
    return report.ok


def proof_view(report: AuditReport, folder: Path) -> RenderableType:
    """What was looked at, and each finding with its place, errors first."""
    warnings = [finding for finding in report.findings if finding.severity is Severity.WARNING]
    errors = [finding for finding in report.findings if finding.severity is Severity.ERROR]
    row = Table.grid(expand=True)
    row.add_column(overflow="fold")
    row.add_column(justify="right", no_wrap=True)
    row.add_row(Text.assemble(("gleaner verify ", "bold"), (str(folder), "bold cyan")), _answer(report, len(warnings)))
    parts: list[RenderableType] = [row, Text(), _looked_at(report)]
    parts += [_finding(finding) for finding in (*errors, *warnings)]
    unseen = report.faults - len(errors)
    if unseen > 0:
        parts.append(Padding(Text(f"and {plural(unseen, 'more fault')} of these kinds", style=BAD), (1, 0, 0, 0)))
    return Padding(Group(*parts), (1, 1))


def _answer(report: AuditReport, warnings: int) -> Text:
    if not report.ok:
        return Text(f"broken: {plural(report.faults, 'fault')}", style=f"bold {BAD}")
    if warnings:
        return Text(f"holds, {plural(warnings, 'warning')}", style=WARN)
    return Text("holds", style=f"bold {GOOD}")


def _looked_at(report: AuditReport) -> RenderableType:
    table = grid()
    table.add_column(style=DIM, min_width=9)
    table.add_column(justify="right", style="bold", min_width=8)
    table.add_column(overflow="fold")
    not_needed = f" + {report.not_needed:,} not needed" if report.not_needed else ""
    ends = f"{report.accepted:,} accepted + {report.dead_lettered:,} dead-lettered{not_needed}"
    ends += f" + {report.outstanding:,} outstanding"
    table.add_row("orders", f"{report.orders:,}", f"= {ends}")
    table.add_row("shards", f"{report.shards:,}", f"with {plural(report.rows, 'row')}")
    compared = f"{report.passages_checked:,} compared with their documents, character by character"
    table.add_row("passages", f"{report.passages:,}", compared)
    table.add_row("quotes", f"{report.quotes:,}", "compared with their passages")
    if report.programs is not None:
        table.add_row("programs", f"{report.programs:,}", "executed again and compared with what their rows say")
    return table


def _finding(finding: Finding) -> RenderableType:
    sign = Text("✗", style=BAD) if finding.severity is Severity.ERROR else Text("!", style=WARN)
    where = printable(finding.where) + (f" · order {finding.order_id}" if finding.order_id is not None else "")
    row = Table.grid(padding=(0, 1, 0, 0))
    row.add_column(no_wrap=True)
    row.add_column(overflow="fold")
    row.add_row(sign, Text.assemble((finding.check.value, "bold"), f"  {printable(finding.what)}"))
    row.add_row("", Text(where, style=DIM))
    return Padding(row, (1, 0, 0, 0))
