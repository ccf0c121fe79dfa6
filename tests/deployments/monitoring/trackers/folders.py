"""A run's folder in the middle and its Progress, and followers that are told of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from actors.ledger.sqlite import LedgerReader, SqliteLedger
from deployments.config.load import load
from deployments.monitoring.progress import Progress
from deployments.monitoring.trackers.follower import Followers
from schemas.config import RunConfig
from schemas.config_trackers import Trackers
from tests.deployments.monitoring.test_endpoint import EXAMPLE
from tests.deployments.terminal.progresses import play
from tests.doubles.ledgers import Scale, plausible_run

PLAYED = play()
LAST: Progress = PLAYED[-1]
REPORT = "<p>what became of the orders</p>"


def folder_at(place: Path) -> Path:
    """A folder whose run has made four fifths of its orders, with the files of its end."""
    place.mkdir(exist_ok=True)
    with SqliteLedger(place) as ledger:
        ledger.append(list(plausible_run(7, Scale(finished=0.8))))
    (place / "report.html").write_text(REPORT)
    (place / "run.yaml").write_text("name: quickstart\n")
    return place


def ends_of(folder: Path) -> dict[bool, set[str]]:
    """The orders of a folder that have ended, by whether they are dead letters."""
    with LedgerReader(folder) as ledger:
        found = ledger.order_ends(0, 100_000)
    return {kind: {str(order) for _, order, is_dead in found if is_dead is kind} for kind in (True, False)}


def id_of(folder: Path) -> str:
    with LedgerReader(folder) as ledger:
        return ledger.folder


def config_with(trackers: Trackers) -> RunConfig:
    return replace(load(EXAMPLE), trackers=trackers)


@contextmanager
def following(folder: Path, trackers: Trackers) -> Iterator[Followers]:
    """Real processes; what is left of them ends with the block."""
    followers = Followers(config_with(trackers), folder)
    try:
        yield followers
    finally:
        followers.stop()


def told(folder: Path, trackers: Trackers, *moments: Progress, complete: bool = True) -> dict[str, str]:
    """Everything from the first moment to the end; gives what failed."""
    with following(folder, trackers) as followers:
        for moment in moments or (LAST,):
            followers.tell(moment)
        return {**followers.finish(complete=complete, wait_s=60, goes_on=lambda: True)}


def until(holds: Callable[[], object], seconds: float = 30.0) -> bool:
    """Waits until it holds, for so long at most; gives whether it does."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(holds())
