"""Checks the output folder before a run. Law: a folder of another run, or one that cannot be written, is refused and
not changed.

`prepare` checks before anything starts. `keep` checks again, and writes, once the run holds the folder's lock: another
run or a replay may have had the folder in between.
"""

import logging
import re
from pathlib import Path

from actors.dataset.strangers import check_not_older
from actors.ledger.door import check_folder
from actors.ledger.files import make_folder
from actors.ledger.folder import has_orders
from actors.ledger.sqlite import NAME as LEDGER_NAME
from actors.ledger.sqlite import LedgerReader
from actors.report.finish import begin, replace_config
from deployments.config.load import config_sha256, differences, load_resolved, load_text, to_yaml
from deployments.config.recorded import is_whole
from deployments.storage.address import is_address
from schemas.config import RunConfig
from schemas.config_base import Change
from schemas.errors import OutputError, StoreError
from schemas.ledger import Reconfigured, RunStarted

log = logging.getLogger("gleaner.run")

CONFIG_NAME = "run.yaml"
OURS = re.compile(r"\.|ledger(-\d+)?\.(sqlite|lock)|(live\.json|logs|aside)$")
"""What a run makes before its run.yaml, or beside it without being part of the run. A process may die in between."""


def prepare(config: RunConfig, output: Path) -> Path:
    """Makes or checks the folder. Raises OutputError with one line."""
    if is_address(output):
        raise StoreError(
            f"{output}: is not on this machine; a run in a store is begun with `gleaner run --output s3://…`"
        )
    if output.exists() and not output.is_dir():
        raise OutputError(f"{output}: is a file; --output names a folder")
    check_folder(output)
    try:
        if not output.exists():
            make_folder(output)
        _check(config, output)
    except OSError as error:
        raise _refused(output, error) from error
    return output


def keep(config: RunConfig, output: Path) -> None:
    """Checks the folder again, and writes run.yaml (resolved) and the first README.md. Call it after the ledger is
    open, which takes the lock, and before the start is recorded. Raises OutputError."""
    try:
        _check(config, output)
        replace_config(output, to_yaml(config))
        begin(output, config)
    except OSError as error:
        raise _refused(output, error) from error


def _refused(output: Path, error: OSError) -> OutputError:
    return OutputError(f"{output}: cannot be written ({error.strerror}); choose another folder with --output")


def _check(config: RunConfig, output: Path) -> None:
    written = output / CONFIG_NAME
    if not written.exists():
        strangers = sorted(path.name for path in output.iterdir() if not OURS.match(path.name))
        if strangers or has_orders(output):
            raise OutputError(
                f"{output}: holds {(*strangers, LEDGER_NAME)[0]} but no run; choose an empty folder with --output"
            )
        return
    check_not_older(output)
    kept = load_resolved(written)
    text = written.read_text(encoding="utf-8-sig")
    changed = differences(kept, config)
    identity = [each for each in changed if each.change is not Change.ANY_RESUME and not each.grows]
    if has_orders(output):
        _check_recorded(kept, text, output)
    if has_orders(output) and identity:
        advice = "choose another --output, or undo the change"
        if all(each.change is Change.REPLAY for each in identity):
            advice += "; for its dead letters `gleaner replay --config` takes it"
        raise OutputError(f"{output}: is another run's folder ({'; '.join(map(str, identity))}); {advice}")
    for each in changed:
        log.info("the configuration changed", extra={"key": str(each)})


def _check_recorded(kept: RunConfig, text: str, output: Path) -> None:
    """Raises OutputError when run.yaml is not the configuration that the ledger's orders were made with: it was edited,
    or belongs to another run."""
    with LedgerReader(output) as ledger:
        last = ledger.last_configured()
    match last:
        case RunStarted() if is_whole(kept, text):
            edited = last.config_sha256 != config_sha256(kept)
        case Reconfigured():
            before = load_text(last.before, output / CONFIG_NAME)
            edited = any(each.change in (Change.NEVER, Change.GROW) for each in differences(before, kept))
        case _:
            return
    if edited:
        raise OutputError(
            f"{output / CONFIG_NAME}: is not the configuration of the run (its last start has another fingerprint); "
            "restore it, or choose another --output"
        )
