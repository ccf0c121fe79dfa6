"""`gleaner export`: reads a run's ledgers, shows what came out. Law: the run gains a folder, nothing else."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from actors.dataset.manifest import CONFIG_NAME, read_config
from actors.exports.export import ExportedRun, export
from actors.ledger.folder import Ledgers
from actors.ledger.sqlite import LedgerReader
from deployments.build.wiring import export_wording, models
from deployments.config.rules import task_name
from deployments.terminal.boundary import say
from deployments.terminal.parts import DIM, columns, facts
from deployments.terminal.reading import as_builtins, put_json, run_folder
from deployments.terminal.screen import Screen
from deployments.terminal.words import plural, printable
from schemas.config import RunConfig
from schemas.config_gates import kinds
from schemas.errors import OutputError
from schemas.exports import Export, ExportRequest, LedgerRead, NameCount

FOLDER = "exports"


def show_export(folder: Path, asked: ExportRequest, output: Path | None, *, now: float, json: bool) -> None:
    """Exports and shows what came out. Raises UserError."""
    run = run_folder(folder)
    config = read_config(run)
    if config is None:
        raise OutputError(f"{run}: holds no {CONFIG_NAME}; give the folder of `gleaner run --output`")
    place = output if output is not None else run / FOLDER / asked.format.value
    with opened(run, config) as source:
        told = export(source, asked, export_wording(config), place, at=now)
    if json:
        put_json({"output": str(place), **as_builtins(told)})
        return
    Screen().print(export_view(told, place))
    empty = [split.name for split in told.splits if not split.rows]
    if empty:
        say(f"no row fell into {', '.join(empty)}; take a larger share or another --seed")


@contextmanager
def opened(run: Path, config: RunConfig) -> Iterator[ExportedRun]:
    """A run's ledgers as they are now. Raises OutputError where the folder holds none."""
    with ExitStack() as stack:
        ledgers = stack.enter_context(Ledgers(run)).each
        read = [(_read(ledger, stack.enter_context(ledger.frozen())), ledger) for ledger in ledgers]
        yield ExportedRun(config.name, task_name(config), models(config), read, kinds(config.gates))


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


def _read(ledger: LedgerReader, last_seq: int) -> LedgerRead:
    started = ledger.last_start()
    return LedgerRead(
        name=ledger.shard.ledger,
        config_sha256=started.config_sha256 if started else "",
        last_seq=last_seq,
        versions=started.versions if started else {},
    )
