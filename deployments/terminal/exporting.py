"""`gleaner export`: reads a run's ledgers, shows what came out. Law: the run gains a folder, nothing else."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from deployments.config.load import load
from deployments.folder.exports import exported, place_of
from deployments.terminal.boundary import say
from deployments.terminal.parts import DIM, columns, facts
from deployments.terminal.reading import as_builtins, put_json, run_folder
from deployments.terminal.screen import Screen
from deployments.terminal.words import plural, printable
from schemas.exports import Export, ExportRequest, NameCount


def show_export(
    folder: Path, asked: ExportRequest, output: Path | None, config_file: Path | None, *, now: float, json: bool
) -> None:
    """Exports and shows what came out. `config_file`: of a run whose task is code. Raises UserError."""
    run = run_folder(folder)
    place = place_of(run, asked) if output is None else output
    told = exported(run, asked, place, at=now, given=None if config_file is None else load(config_file))
    if json:
        put_json({"output": str(place), **as_builtins(told)})
        return
    Screen().print(export_view(told, place))
    empty = [split.name for split in told.splits if not split.rows]
    if empty:
        say(f"no row fell into {', '.join(empty)}; take a larger share or another --seed")


def export_view(told: Export, place: Path) -> RenderableType:
    """Splits, what was rejected for which reason, and what has no row."""
    head = Text.assemble(
        ("gleaner export ", "bold"), (f"{told.asked.format.value} ", "bold cyan"), printable(str(place))
    )
    splits = columns("split", "rows", "passages")
    for split in told.splits:
        splits.add_row(split.name, f"{split.rows:,}", f"{split.passages:,}")
    known: list[tuple[str, Text | str]] = [("files", plural(len(told.files), "file"))]
    known += [("diagnoses", _listed(told.failure_modes))] if told.failure_modes else []
    known += [("no row", Text(_listed(told.left_out), style=DIM))] if told.left_out else []
    return Padding(Group(head, Text(), splits, Text(), facts(*known)), (1, 1))


def _listed(counts: Sequence[NameCount]) -> str:
    return ", ".join(f"{each.name} {each.count:,}" for each in counts)
