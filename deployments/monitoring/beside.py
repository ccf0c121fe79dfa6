"""How a process starts one of ours beside it: a push, a tracker, a page."""

import os
from pathlib import Path

import deployments


def with_our_packages() -> dict[str, str]:
    """This process's environment, in which Python also finds the packages that this process runs: a process that is
    started with `-P` takes none from the folder that the run was started in."""
    packages = str(Path(deployments.__file__).parents[1])
    paths = [packages, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
