"""A folder's configuration, and one that is given with a command.

Law: a folder runs no code. A custom task is code, so a command on such a folder takes the task from a configuration
that the user names, and never because the folder's run.yaml names it.
"""

from pathlib import Path

from actors.dataset.manifest import CONFIG_NAME, read_config
from deployments.config.identity import Difference
from deployments.config.load import differences
from schemas.config import RunConfig
from schemas.config_base import Change
from schemas.config_tasks import CustomTask
from schemas.errors import OutputError, UserError


def folder_config(output: Path) -> RunConfig:
    """The folder's own configuration. Raises OutputError when it is missing."""
    config = read_config(output)
    if config is None:
        raise OutputError(f"{output / CONFIG_NAME}: is missing, so it is unknown how its samples were made; restore it")
    return config


def differences_with(output: Path, config: RunConfig | None) -> list[Difference]:
    """What `config` changes in the folder's configuration; None changes nothing. Raises UserError when its orders would
    be others, and when the folder's task is code that only the folder names."""
    own = folder_config(output)
    if config is None:
        if isinstance(own.task, CustomTask):
            raise UserError(
                f"{output}: its task is code ({own.task.task}), and a folder runs none; give the configuration that "
                "it was run with: --config RUN.yaml"
            )
        return []
    found = differences(own, config)
    never = [str(each) for each in found if each.change in (Change.NEVER, Change.GROW)]
    if never:
        raise UserError(
            f"{output}: its orders are those of another configuration ({'; '.join(never)}); undo the change, "
            "or run it into another --output"
        )
    return found
