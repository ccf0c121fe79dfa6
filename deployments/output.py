"""The output folder at the door. Law: a folder of another run, or one that cannot be written, is refused unharmed.

`prepare` looks; `keep` writes, once the run holds the folder's lock: whoever is refused there has changed nothing.
"""

import logging
import re
from pathlib import Path

from actors.dataset.files import make_folder
from actors.dataset.finish import begin, replace_config
from actors.dataset.strangers import check_not_older
from actors.ledger import NAME as LEDGER_NAME
from actors.ledgers import has_orders
from deployments.config import differences, load_text, to_yaml
from deployments.config_identity import Change
from schemas.config import RunConfig
from schemas.errors import OutputError

log = logging.getLogger("gleaner.run")

CONFIG_NAME = "run.yaml"
OURS = re.compile(r"\.|ledger(-\d+)?\.(sqlite|lock)|(live\.json|logs|aside)$")
"""What a run makes before its run.yaml, or beside it without being a part of it: a process may die in between."""


def prepare(config: RunConfig, output: Path) -> Path:
    """Makes or checks the folder. Raises OutputError in one line."""
    if output.exists() and not output.is_dir():
        raise OutputError(f"{output}: is a file; --output names a folder")
    try:
        if not output.exists():
            make_folder(output)
        _check(config, output)
    except OSError as error:
        raise _refused(output, error) from error
    return output


def keep(config: RunConfig, output: Path) -> None:
    """Writes run.yaml (resolved) and the first README.md; not before the ledger is open. Raises OutputError."""
    try:
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
    changed = differences(load_text(written.read_text(encoding="utf-8"), written), config)
    identity = [each for each in changed if each.change is not Change.ANY_RESUME]
    if has_orders(output) and identity:
        advice = "choose another --output, or undo the change"
        if all(each.change is Change.REPLAY for each in identity):
            advice += "; for its dead letters `gleaner replay --config` takes it"
        raise OutputError(f"{output}: is another run's folder ({'; '.join(map(str, identity))}); {advice}")
    for each in changed:
        log.info("the configuration changed", extra={"key": str(each)})
