"""`gleaner audit`: how a gate of a run judges a labelled file."""

import asyncio
import os
from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from deployments.config.load import load
from deployments.local.gate_audit import audit_gate
from deployments.terminal.parts import BAD, DIM, columns, facts
from deployments.terminal.reading import as_builtins, put_json
from deployments.terminal.screen import Screen
from deployments.terminal.words import one_line, plural, spoken
from schemas.gate_audit import Disagreement, GateAudit, Rate
from schemas.verdicts import GateName

SHOWN = 20
"""Disagreements that a person is shown; --json holds all."""
WIDTH = 150


def show_audit(path: Path, gate: GateName, labelled: Path, *, json: bool) -> None:
    """Measures and shows."""
    os.environ.setdefault("TQDM_DISABLE", "1")  # libraries that load weights would draw over the view
    config = load(path)
    with Screen(stderr=True).status(f"asking the {gate} gate", spinner="dots"):
        audit = asyncio.run(audit_gate(config, gate, labelled))
    if json:
        put_json(as_builtins(audit))
    else:
        Screen().print(audit_view(audit))


def audit_view(audit: GateAudit) -> RenderableType:
    """Figures with their intervals, then where gate and labels differ."""
    head = Text.assemble(("gleaner audit ", "bold"), (f"{audit.gate} on {audit.labelled}", "bold cyan"))
    rows = f"{plural(audit.rows, 'row')}, {audit.judged:,} judged in {spoken(audit.seconds)}"
    known: list[tuple[str, Text | str]] = [("rows", rows), ("agreement", _rate(audit.agreement))]
    known += [("AUROC", _figure(audit.auroc, audit.auroc_interval))] if audit.auroc is not None else []
    known += [("errors", Text(plural(audit.errors, "row"), style=BAD))] if audit.errors else []
    counts = columns("", "passed", "rejected")
    counts.add_row("good", f"{audit.good_passed:,}", f"{audit.good_rejected:,}")
    counts.add_row("bad", f"{audit.bad_passed:,}", f"{audit.bad_rejected:,}")
    for name, figures in (("passing", audit.passing), ("rejecting", audit.rejecting)):
        known += [(f"{name}: precision", _rate(figures.precision)), (f"{name}: recall", _rate(figures.recall))]
        known += [(f"{name}: F1", _figure(figures.f1, figures.f1_interval))] if figures.f1 is not None else []
    parts: list[RenderableType] = [head, Text(), facts(*known), Text(), counts, Text()]
    parts += [Text(_told(row)) for row in audit.disagreements[:SHOWN]]
    parts += [
        Text(f"line {row.line}: {row.error.value}: {one_line(row.detail, width=WIDTH)}", style=BAD)
        for row in audit.not_judged[:SHOWN]
    ]
    hidden = max(0, len(audit.disagreements) - SHOWN) + max(0, len(audit.not_judged) - SHOWN)
    parts += [Text(f"and {plural(hidden, 'more row')}; --json holds them all", style=DIM)] if hidden else []
    return Padding(Group(*parts), (1, 1))


def _told(row: Disagreement) -> str:
    said = "rejected, labelled good" if row.label else "passed, labelled bad"
    return f"line {row.line}: {said}: {one_line(row.note or row.answer, width=WIDTH)}"


def _figure(value: float, interval: tuple[float, float] | None) -> str:
    return f"{value:.4f}" if interval is None else f"{value:.4f} ({interval[0]:.4f} to {interval[1]:.4f})"


def _rate(rate: Rate) -> str:
    if rate.value is None or rate.low is None or rate.high is None:
        return "–"
    return f"{rate.value:.2%} ({rate.low:.2%} to {rate.high:.2%}; {rate.successes:,} of {rate.trials:,})"
