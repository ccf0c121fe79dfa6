"""`gleaner policy`: what each repair is worth, and what other policies would have come to. Reads the ledger alone."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from actors.dataset.manifest import CONFIG_NAME, read_config
from actors.ledger.folder import Ledgers
from actors.recovery.report import policy_report
from deployments.build.recovery import run_gates
from deployments.terminal.parts import DIM, GOOD, HEAVY, LIGHT, WARN, columns, facts
from deployments.terminal.reading import as_builtins, put_json, run_folder
from deployments.terminal.screen import Screen
from deployments.terminal.words import plural
from schemas.errors import OutputError
from schemas.policy import Interval, PolicyReport, PolicyValue, RepairValue

BAR = 12
"""Cells of a figure."""


def show_policy(folder: Path, *, json: bool) -> None:
    """Reads and shows. Raises UserError for a folder that is no run."""
    with Ledgers(run_folder(folder)) as ledger:
        config = read_config(folder)
        if config is None:
            raise OutputError(f"{folder / CONFIG_NAME}: is missing, so nobody knows what could be chosen; restore it")
        report = policy_report(
            (record for _, record in ledger.records()), config.recovery, seed=config.seed, gates=run_gates(config)
        )
    if json:
        put_json(as_builtins(report))
    else:
        Screen().print(policy_view(report, folder))


def policy_view(report: PolicyReport, folder: Path) -> RenderableType:
    """The decisions, the repairs mode by mode, the policies beside each other."""
    parts: list[RenderableType] = [
        Text.assemble(("gleaner policy ", "bold"), (str(folder), "bold cyan")),
        Text(),
        facts(*_known(report)),
    ]
    if report.repairs:
        most = max(each.per_1000.high or 0.0 for each in report.repairs)
        parts += [Text(), _repairs(report, max(most, report.fresh_per_1000.high or 0.0))]
    if report.values:
        parts += [Text(), _policies(report.values), Text(), Text(_told(report), style=DIM)]
    return Padding(Group(*parts), (1, 1))


def _known(report: PolicyReport) -> Iterator[tuple[str, Text | str]]:
    if not report.decisions:
        yield "decisions", "none: nothing was rejected while there were attempts left"
    else:
        yield "decisions", f"{report.decisions:,} of {plural(report.orders, 'order')}, by {', '.join(report.policies)}"
    if report.forced:
        yield "spent", f"{report.forced:,} more ended because their attempts were spent: no decision"
    if report.unknown:
        yield "unknown", f"{report.unknown:,} more have no outcome: an error, or not ended yet"
    if report.fresh_per_1000.value is not None:
        yield "fresh", f"{_spread(report.fresh_per_1000)} accepted per 1,000 tokens of first attempts"


def _repairs(report: PolicyReport, most: float) -> Table:
    table = columns("after / repair", "tried", "accepted", "95%", "tokens", "per 1,000", first_width=20, width=5)
    table.add_column("", no_wrap=True)
    mode = None
    for each in report.repairs:
        if each.mode != mode:
            mode = each.mode
            table.add_row(Text(mode, style="bold"))
        table.add_row(*_repair(each), _drawn(each.per_1000, most))
    return table


def _repair(each: RepairValue) -> tuple[str, str, str, str, str, str]:
    low, high = each.chance.low or 0.0, each.chance.high or 0.0
    return (
        f"  {each.repair}",
        f"{each.tried:,}",
        f"{100 * (each.chance.value or 0.0):.0f}%",
        f"{100 * low:.0f}–{100 * high:.0f}%",
        f"{each.tokens:,.0f}",
        "–" if each.per_1000.value is None else f"{each.per_1000.value:.2f}",
    )


def _drawn(interval: Interval, most: float) -> Text:
    """The interval as a line, its middle as a dot, from 0 to `most`."""
    if interval.value is None or interval.low is None or interval.high is None or not most:
        return Text()
    low, middle, high = (min(BAR - 1, int(BAR * at / most)) for at in (interval.low, interval.value, interval.high))
    line = Text(LIGHT * low, style=DIM)
    line.append(HEAVY * (middle - low), style=GOOD).append("●", style=GOOD)
    return line.append(HEAVY * (high - middle), style=GOOD).append(LIGHT * (BAR - 1 - high), style=DIM)


def _policies(values: tuple[PolicyValue, ...]) -> Table:
    table = columns("policy", "of 100 accepted", "tokens each", "per 1,000 tokens", "worth", first_width=10, width=5)
    for each in values:
        name = Text(each.policy, style="bold" if each.basis == "logged" else "")
        if each.basis == "unknown":
            seen = f"covers {100 * each.covered:.0f}%"
            table.add_row(name, Text("the log does not tell", style=WARN), "", "", Text(seen, style=DIM))
            continue
        worth = each.basis if each.basis != "estimated" else f"{each.effective:,.0f} decisions"
        figures = (_spread(each.accepted, 1), _spread(each.tokens, 0), _spread(each.per_1000))
        table.add_row(name, *figures, Text(worth, style=DIM))
    return table


def _spread(interval: Interval, digits: int = 2) -> str:
    if interval.value is None or interval.low is None or interval.high is None:
        return "–"
    if interval.low == interval.high:
        return f"{interval.value:,.{digits}f}"
    return f"{interval.value:,.{digits}f} ({interval.low:,.{digits}f}–{interval.high:,.{digits}f})"


def _told(report: PolicyReport) -> str:
    told = "Estimates weigh each logged decision by how much likelier the other policy is to make it; one at a time."
    if any(each.basis == "unknown" for each in report.values):
        told += " A policy that never explores leaves nothing to estimate others from: recovery.policy adaptive does."
    return told
