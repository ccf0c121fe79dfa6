"""`gleaner repair`: what keeps a folder from being opened, and what was done about it, in words."""

import time
from pathlib import Path

import typer

from deployments.config.load import load
from deployments.folder.repair import Repaired, repair
from deployments.terminal.boundary import say
from deployments.terminal.reading import as_builtins, put_json, run_folder
from deployments.terminal.words import plural, printable

LISTED = 20


def show_repair(folder: Path, config_file: Path | None, *, dry_run: bool, json: bool) -> None:
    """Repairs, or says what a repair would do. Raises UserError where nothing can be done."""
    given = None if config_file is None else load(config_file)
    repaired = repair(run_folder(folder), now=time.time, dry_run=dry_run, given=given)
    if json:
        put_json({**as_builtins(repaired), "dry_run": dry_run})
        return
    for line in _lines(repaired, dry_run=dry_run):
        typer.echo(printable(line))
    if repaired.copies:
        say(f"`gleaner verify {folder}` checks the folder; `gleaner run` goes on with it")


def _lines(repaired: Repaired, *, dry_run: bool) -> list[str]:
    records = repaired.records
    if not records:
        return ["every record can be replayed: there is nothing to repair"]
    lines = [f"{each.ledger}: record {each.seq} ({each.kind}): {each.why}" for each in records[:LISTED]]
    if len(records) > LISTED:
        lines.append(f"and {len(records) - LISTED:,} more")
    verb = "would be set aside" if dry_run else "set aside"
    lines.append(f"{plural(len(records), 'record')} {verb}: they cannot be replayed, and every other one can")
    return [*lines, *(f"the ledger as it was: {name}" for name in repaired.copies)]
