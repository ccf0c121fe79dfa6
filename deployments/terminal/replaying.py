"""`gleaner replay`: which dead letters go back, in words. Law: what cannot be meant is told before anything is done."""

import time
from collections.abc import Sequence
from pathlib import Path

from actors.ledger.reopen import ReplayRequest
from deployments.config.faults import known_name
from deployments.config.load import check_models, load
from deployments.folder.replay import Group, Replayed, foresee, known_modes, replay
from deployments.folder.rescore import foresee_rescoring, rescore
from deployments.terminal.boundary import say
from deployments.terminal.reading import as_builtins, put_json, run_folder
from deployments.terminal.screen import put
from deployments.terminal.words import plural, quoted
from schemas.orders import EndReason
from schemas.recovery import FailureMode

_REASONS = tuple(reason.value for reason in EndReason)


def wanted(folder: Path, reasons: Sequence[str], modes: Sequence[str]) -> ReplayRequest:
    """The filter as typed. Raises UserError for a name that there is not, nor in the folder's configuration."""
    known = known_modes(folder) if modes else ()
    return ReplayRequest(
        frozenset(EndReason(known_name("--reason", name, _REASONS)) for name in reasons),
        frozenset(FailureMode(known_name("--mode", name, known)) for name in modes),
    )


def show_replay(folder: Path, wanted: ReplayRequest, config_file: Path | None, *, dry_run: bool, json: bool) -> None:
    """Replays, or says what a replay would do. Raises UserError."""
    output = run_folder(folder)
    config = None if config_file is None else load(config_file)
    if config is not None:
        check_models(config)
    replayed = foresee(output, wanted, config) if dry_run else replay(output, wanted, config, now=time.time)
    if json:
        put_json({**as_builtins(replayed), "orders": replayed.orders, "dry_run": dry_run})
        return
    for line in _lines(replayed, dry_run=dry_run):
        put(line)
    if replayed.orders and not dry_run:
        file = config_file or output / "run.yaml"
        say(f"`gleaner run {quoted(file)} --output {quoted(folder)}` goes on with them")


def show_rescoring(folder: Path, wanted: ReplayRequest, config_file: Path | None, *, dry_run: bool, json: bool) -> None:
    """Rescores, or says what a rescoring would do. Raises UserError."""
    output = run_folder(folder)
    config = None if config_file is None else load(config_file)
    done = foresee_rescoring(output, wanted, config) if dry_run else rescore(output, wanted, config, now=time.time)
    if json:
        put_json({**as_builtins(done), "orders": done.orders, "dry_run": dry_run})
        return
    verb = "would be accepted" if dry_run else "accepted"
    if done.orders:
        put(f"{plural(done.orders, 'dead letter')} {verb} by the scores they have: {_told(done.accepted)}")
    else:
        put("no dead letter passes by the scores it has" + (f"; they are {_told(done.left)}" if done.left else ""))
    for each in done.changed:
        put(str(each))


def _lines(replayed: Replayed, *, dry_run: bool) -> list[str]:
    verb = "would be put back" if dry_run else "put back"
    if not replayed.orders:
        left = f"; dead letters are {_told(replayed.left)}" if replayed.left else "; the folder holds none"
        lines = [f"no dead letter matches{left}"]
    else:
        lines = [f"{plural(replayed.orders, 'order')} {verb}: {_told(replayed.put_back)}"]
    return lines + [str(each) for each in replayed.changed]


def _told(groups: Sequence[Group]) -> str:
    return ", ".join(
        f"{group.orders:,} {group.reason.value}" + (f" ({group.mode})" if group.mode else "") for group in groups
    )
