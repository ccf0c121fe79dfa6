"""`gleaner drain`: stops a run so that it can go on, and says what is left."""

import time
from pathlib import Path

from actors.ledger.folder import Ledgers
from deployments.folder.draining import drain
from deployments.terminal.boundary import say
from deployments.terminal.reading import put_json, run_folder, summary_of
from deployments.terminal.words import plural

POLL_S = 0.25


def show_drain(folder: Path, *, json: bool) -> None:
    """Drains the folder's run, if one holds it."""
    output = run_folder(folder)
    drained = drain(output, wait=lambda: time.sleep(POLL_S))
    with Ledgers(output) as ledgers:
        outstanding = summary_of(ledgers).counts.outstanding
    if json:
        put_json({"drained": drained, "outstanding": outstanding})
        return
    did = "drained" if drained else "no run holds this folder"
    left = f"{plural(outstanding, 'order')} outstanding: the same `gleaner run` goes on"
    say(f"{did}; {left if outstanding else 'every order has ended'}")
