"""`gleaner end`: ends a run, and shows what it came to."""

import time
from pathlib import Path

from actors.dataset.manifest import read_manifest
from actors.ledger.folder import Ledgers
from deployments.config.load import load
from deployments.folder.ending import end
from deployments.terminal.boundary import say
from deployments.terminal.reading import example_of, put_json, run_folder, summary_of
from deployments.terminal.screen import Screen
from deployments.terminal.summary import summary_view

POLL_S = 0.5


def show_end(folder: Path, config_file: Path | None, *, json: bool) -> None:
    """Ends the folder's run, and shows its summary or, with `json`, its manifest."""
    given = None if config_file is None else load(config_file)
    patience = Patience()
    end(run_folder(folder), given, now=time.time, wait=patience)
    if json:
        put_json(read_manifest(folder))
        return
    with Ledgers(folder) as ledgers:
        Screen().print(summary_view(summary_of(ledgers), folder, example=example_of(ledgers)))


class Patience:
    """Says once that a run goes on, and waits."""

    def __init__(self) -> None:
        self._said = False

    def __call__(self) -> None:
        if not self._said:
            say("asked the run to end; it finishes what is in flight (Ctrl-C: do not wait for it)")
            self._said = True
        time.sleep(POLL_S)
