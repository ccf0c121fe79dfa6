"""`gleaner run`: a run under the eyes of a person, and the words at its end."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Console

from actors.documents import Changed
from actors.ledgers import Ledgers
from deployments.config import check_models, load
from deployments.metrics import Metrics
from deployments.progress import Progress
from deployments.terminal.boundary import INTERRUPTED, say
from deployments.terminal.reading import example_of, put_json, summary_of
from deployments.terminal.summary import summary_view
from deployments.terminal.watcher import Watcher
from deployments.terminal.words import plural
from schemas.errors import UserError

LOG_NAME = "run.log"
_PLAIN_RECORD = set(vars(logging.makeLogRecord({})))


def run_watched(
    path: Path,
    output: Path,
    *,
    quiet: bool,
    json: bool,
    metrics_port: int | None = None,
    changed: Changed = "skip",
) -> int:
    """Runs the configuration and shows it; gives the exit code. With `json`, what is shown goes to stderr.

    `metrics_port`: None for the usual one if it is free.
    """
    config = load(path)
    check_models(config)
    console = Console(stderr=json)
    with (
        logged(output),
        Metrics(config, port=metrics_port, say=say) as metrics,
        Watcher(config.name, console, quiet=quiet) as watcher,
    ):
        from deployments.run import RunEnd, run

        def watch(progress: Progress) -> None:
            watcher(progress)
            metrics(progress)

        try:
            result = run(config, output, watch=watch, changed=changed)
        except KeyboardInterrupt:
            say(f"stopped at once; what is recorded is not lost: `{_again(path, output)}` goes on")
            return INTERRUPTED
    if json:
        put_json(result.manifest)
    else:
        _sum_up(console, output)
    if result.end is RunEnd.COMPLETE:
        return 0
    with Ledgers(output) as ledgers:
        outstanding = summary_of(ledgers).counts.outstanding
    say(f"interrupted; {plural(outstanding, 'order')} outstanding, nothing is lost: `{_again(path, output)}` goes on")
    return INTERRUPTED


def _again(path: Path, output: Path) -> str:
    return f"gleaner run {path} --output {output}"


def _sum_up(console: Console, output: Path) -> None:
    with Ledgers(output) as ledgers:
        console.print(summary_view(summary_of(ledgers), output, example=example_of(ledgers)))


@contextmanager
def logged(output: Path) -> Iterator[None]:
    """What our code logs in this process goes to the run's folder, one JSON object a line; made with the first one."""
    handler = logging.FileHandler(output / LOG_NAME, delay=True, encoding="utf-8")
    handler.setFormatter(_JsonLines())
    log = logging.getLogger("gleaner")
    log.addHandler(handler)
    try:
        yield
    except UserError:
        raise
    except Exception:
        if output.is_dir():
            log.exception("the run failed")
        raise
    finally:
        log.removeHandler(handler)
        handler.close()


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        told = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        told |= {key: str(value) for key, value in vars(record).items() if key not in _PLAIN_RECORD}
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(told).decode()
