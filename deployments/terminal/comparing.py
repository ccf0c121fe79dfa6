"""`gleaner compare`: two runs side by side, from their ledgers alone; safe beside runs that write. No model, no Ray."""

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from actors.counts.compared import compared_numbers, compared_rates, is_over
from actors.dataset.manifest import read_config
from actors.ledger.folder import Ledgers
from deployments.config.identity import differences
from deployments.terminal.parts import BAD, DIM, GOOD, WARN, Rows, columns, facts
from deployments.terminal.reading import as_builtins, bill_in, put_json, run_folder, summary_of
from deployments.terminal.screen import Screen
from deployments.terminal.words import number, printable
from schemas.bill import Bill
from schemas.comparison import ComparedFolder, ComparedRate, ComparedRuns, KeyDifference
from schemas.config import RunConfig
from schemas.gate_audit import Rate
from schemas.progress import Summary


def show_comparison(left: Path, right: Path, *, json: bool) -> None:
    """Compares and shows. Raises UserError for what is no run's folder."""
    found = comparison(left, right)
    if json:
        told = [{**as_builtins(each), "apart": each.apart} for each in found.rates]
        put_json({**as_builtins(found), "rates": told})
    else:
        Screen().print(comparison_view(found))


class CountedRun(Struct, frozen=True):
    """A run's folder, and what was counted and configured in it."""

    folder: Path
    summary: Summary
    config: RunConfig | None
    bill: Bill | None


def comparison(left: Path, right: Path) -> ComparedRuns:
    """Both runs as they are now."""
    return compared(_counted(left), _counted(right))


def compared(left: CountedRun, right: CountedRun) -> ComparedRuns:
    """Both runs as they were counted."""
    return ComparedRuns(
        left=ComparedFolder(str(left.folder), is_over(left.summary)),
        right=ComparedFolder(str(right.folder), is_over(right.summary)),
        rates=tuple(compared_rates(left.summary, right.summary)),
        numbers=tuple(compared_numbers(left.summary, right.summary, (left.bill, right.bill))),
        differences=_differences(left.config, right.config),
    )


def comparison_view(found: ComparedRuns) -> RenderableType:
    """The figures of both, A and B, and below them the keys that differ."""
    head = facts(*(_folder(name, each) for name, each in (("A", found.left), ("B", found.right))))
    parts: list[RenderableType] = [head]
    for subject in dict.fromkeys(row.subject for row in (*found.rates, *found.numbers)):
        parts += [Text(), _table(subject, found)]
    note = "ranges: 95% intervals; ≠: they do not touch, so the difference is hardly chance"
    parts += [Text(note, style=DIM), Text(), *_keys(found.differences)]
    return Padding(Group(*parts), (1, 1))


def _table(subject: str, found: ComparedRuns) -> Rows:
    table = columns(subject, "A", "B", first_width=24, width=18)
    table.add_column(no_wrap=True)
    for row in found.rates:
        if row.subject == subject:
            table.add_row(printable(row.name), *map(_rate, (row.left, row.right)), _mark(row))
    for each in found.numbers:
        if each.subject == subject:
            cells = ("–" if value is None else number(value) for value in (each.left, each.right))
            table.add_row(printable(each.name), *cells, "")
    return table


def _counted(folder: Path) -> CountedRun:
    with Ledgers(run_folder(folder)) as ledgers, ledgers.frozen():
        summary = summary_of(ledgers)
    return CountedRun(folder, summary, read_config(folder), bill_in(folder, summary))


def _differences(left: RunConfig | None, right: RunConfig | None) -> tuple[KeyDifference, ...] | None:
    if left is None or right is None:
        return None
    return tuple(KeyDifference(each.path, each.before, each.after) for each in differences(left, right))


def _folder(name: str, folder: ComparedFolder) -> tuple[str, Text]:
    state = ("finished", GOOD) if folder.finished else ("not finished", WARN)
    return name, Text.assemble((f"{state[0]:14}", state[1]), (printable(folder.folder), "bold cyan"))


def _rate(found: Rate) -> str:
    if found.value is None or found.low is None or found.high is None:
        return "–"
    return f"{100 * found.value:.1f}% {100 * found.low:.0f}–{100 * found.high:.0f}%"


def _mark(row: ComparedRate) -> Text:
    return Text("≠" if row.apart else "", style=BAD)


def _keys(found: tuple[KeyDifference, ...] | None) -> Iterator[RenderableType]:
    if found is None:
        yield Text("a folder has no run.yaml: what was configured is not known", style=WARN)
    elif not found:
        yield Text("the configurations are the same", style=DIM)
    else:
        yield Text("what was configured otherwise, A → B", style=DIM)
        yield from (Text(printable(f"{each.path}: {each.left} → {each.right}")) for each in found)
