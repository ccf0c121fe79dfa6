"""`gleaner run`: a run under the eyes of a person, and the words at its end."""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from actors.ledger.folder import Ledgers
from actors.queue.preflight import LaunchTerms
from actors.report.page import PAGE_NAME
from deployments.config.load import check_models, load
from deployments.monitoring import logs
from deployments.monitoring.endpoint import Metrics
from deployments.monitoring.progress import Progress
from deployments.page.beside import PageBeside
from deployments.ray.forking.early import imported_early
from deployments.storage.mirror import Mirror
from deployments.terminal.boundary import AWAY, FAILED, INTERRUPTED, MISTAKEN, say, with_page
from deployments.terminal.doctor.planned import check_machine
from deployments.terminal.reading import bill_in, example_of, put_json, summary_of
from deployments.terminal.screen import Screen
from deployments.terminal.starting import StartProfile
from deployments.terminal.summary import summary_view
from deployments.terminal.watcher import Watcher
from deployments.terminal.words import plural, quoted
from schemas.errors import ClusterError, OutputError, UserError

if TYPE_CHECKING:  # it brings Ray
    from deployments.run import RunResult

SHOWN = 5
"""Names of shards in one line."""
LOG_NAME = logs.log_name(logs.DRIVER)


class Display(Struct, frozen=True):
    """What of a run is shown. With `json`, what is for a person goes to stderr; `start`: where its first seconds
    went; `page`: on a page, too."""

    quiet: bool = False
    json: bool = False
    start: bool = False
    page: bool = False


def run_watched(
    path: Path,
    output: Path | Mirror,
    shown: Display,
    terms: LaunchTerms,
    *,
    metrics_port: int | None,
    metrics_host: str | None = None,
) -> int:
    """Runs the configuration and shows it; gives the exit code. `metrics_port`: None for the usual one if it is
    free."""
    folder = output if isinstance(output, Path) else output.folder
    again = _again(path, output)
    config = load(path)
    check_models(config)
    check_machine(config)
    console = Screen(stderr=shown.json)
    profile = StartProfile() if shown.start else None
    with (
        imported_early(config),
        logged(folder),
        Metrics(config, port=metrics_port, host=metrics_host, say=say) as metrics,
        PageBeside(folder, say) if shown.page else nullcontext() as page,
        Watcher(config.name, console, quiet=shown.quiet, wanted=config.stop.samples) as watcher,
    ):
        from deployments.ray.vigil import end_all
        from deployments.run import run

        def watch(progress: Progress) -> None:
            watcher(progress)
            metrics(progress)
            if page is not None:
                page(progress)
            if profile is not None:
                profile(progress)

        def lost(error: ClusterError) -> None:
            """The run's own thread may wait in Ray for what never comes: this one ends the process."""
            watcher.stop()
            say(with_page(f"{error}: nothing recorded is lost, `{again}` goes on", error))
            end_all()
            os._exit(FAILED)

        try:
            result = run(config, output, watch=watch, terms=terms, lost=lost)
        except KeyboardInterrupt:
            say(f"stopped at once; what is recorded is not lost: `{again}` goes on")
            return INTERRUPTED
    if profile is not None:
        console.print(profile.view())
    if shown.json:
        put_json(result.manifest)
    else:
        try:
            _sum_up(console, folder)
        except OutputError as error:  # the run has ended well: its end is no mistake of the terminal's
            say(f"the summary is in {quoted(folder / PAGE_NAME)}: {error}")
    return _ended(result, folder, again)


def _ended(result: "RunResult", folder: Path, again: str) -> int:
    """Says how the run ended; gives the exit code. `again`: the command that goes on."""
    from deployments.run import RunEnd

    for line in lacking(result.undelivered):
        say(f"{line}: `{again}` delivers them (docs/sinks.md#what-is-promised)")
    if result.unpublished is not None:
        say(f"not brought to the Hub: {result.unpublished}; `{again}`, or `gleaner push`, does it (docs/push.md)")
    if result.unshipped is not None:
        say(f"not all shipped: {result.unshipped}; it is kept in {quoted(folder)}, `{again}` ships it")
    for tracker, why in result.untracked.items():
        say(f"not shown to the end by {tracker}: {why}; `{again}` tells it (docs/trackers.md)")
    if result.end is RunEnd.COMPLETE:
        return AWAY if result.undelivered or result.unpublished or result.unshipped else 0
    with Ledgers(folder) as ledgers:
        outstanding = summary_of(ledgers).counts.outstanding
    left = f"{plural(outstanding, 'order')} outstanding, nothing is lost: `{again}` goes on"
    if result.away is not None:
        say(with_page(f"stopped: {result.away}; {left}", result.away))
        return AWAY
    if result.advice:
        for advice in result.advice:
            say(advice.words)
        say(f"stopped before more is spent (--strict): what you change needs a new --output; unchanged: {left}")
        return MISTAKEN
    say(f"interrupted; {left}")
    return INTERRUPTED


def lacking(undelivered: Mapping[str, Sequence[str]]) -> list[str]:
    """What each sink lacks, a line each."""
    lines = []
    for sink, shards in undelivered.items():
        named = ", ".join(shards[:SHOWN]) + (f" and {len(shards) - SHOWN:,} more" if len(shards) > SHOWN else "")
        lines.append(f"sink {sink}: {plural(len(shards), 'shard')} not delivered ({named}), kept in the folder")
    return lines


def _again(path: Path, output: Path | Mirror) -> str:
    if isinstance(output, Path):
        return f"gleaner run {quoted(path)} --output {quoted(output)}"
    return f"gleaner run {quoted(path)} --output {quoted(output.where)} --work {quoted(output.folder)}"


def _sum_up(console: Screen, output: Path) -> None:
    with Ledgers(output) as ledgers:
        summary = summary_of(ledgers)
        console.print(summary_view(summary, output, bill=bill_in(output, summary), example=example_of(ledgers)))


@contextmanager
def logged(output: Path) -> Iterator[None]:
    """What this process logs goes to the run's folder, and why the run failed if it did."""
    with logs.logged(output):
        try:
            yield
        except UserError:
            raise
        except Exception:
            logging.getLogger("gleaner").exception("the run failed")
            raise
