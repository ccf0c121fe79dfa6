"""Exports a folder's orders as training data. Law: the run's folder gets a new folder inside, and nothing else
changes."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from actors.dataset.manifest import CONFIG_NAME, read_config
from actors.exports.export import ExportedRun, export
from actors.ledger.folder import Ledgers
from actors.ledger.sqlite import LedgerReader
from deployments.build.wiring import export_wording, models, vary_of
from deployments.config.rules import task_name
from deployments.folder.settings import differences_with
from schemas.config import RunConfig
from schemas.config_gates import executes, kinds
from schemas.config_tasks import Prompted
from schemas.errors import OutputError, UserError
from schemas.exports import Export, ExportRequest, LedgerRead, View

FOLDER = "exports"


def place_of(run: Path, asked: ExportRequest) -> Path:
    """The default place of an export."""
    return run / FOLDER / asked.format.value


def exported(run: Path, asked: ExportRequest, place: Path, *, at: float, given: RunConfig | None = None) -> Export:
    """Writes the export into `place`, a new folder. `given`: the run's configuration, which is needed for a task that
    is code. Raises UserError."""
    config = read_config(run)
    if config is None:
        raise OutputError(f"{run}: holds no {CONFIG_NAME}; give the folder of `gleaner run --output`")
    differences_with(run, given)
    if asked.view is View.SAMPLE and isinstance(config.task, Prompted) and config.task.steps:
        raise UserError("--view sample: a sample of several steps was written at no one prompt; use --view answer")
    with opened(run, config) as source:
        return export(source, asked, export_wording(config), place, at=at)


@contextmanager
def opened(run: Path, config: RunConfig) -> Iterator[ExportedRun]:
    """A run's ledgers as they are now. Raises OutputError when the folder holds none."""
    with ExitStack() as stack:
        ledgers = stack.enter_context(Ledgers(run)).each
        read = [(_read(ledger, stack.enter_context(ledger.frozen())), ledger) for ledger in ledgers]
        yield ExportedRun(
            config.name,
            task_name(config),
            models(config),
            read,
            kinds(config.gates),
            keeps_reasoning=config.task.keep_reasoning,
            vary=vary_of(config),
            executes=executes(config.gates),
        )


def _read(ledger: LedgerReader, last_seq: int) -> LedgerRead:
    started = ledger.last_start()
    return LedgerRead(
        name=ledger.shard.ledger,
        config_sha256=started.config_sha256 if started else "",
        last_seq=last_seq,
        versions=started.versions if started else {},
    )
