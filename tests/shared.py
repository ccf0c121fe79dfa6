"""Data that tests read and the repository does not hold: the folder `../shared` beside the checkout.

`GLEANER_SHARED` names another one. A laptop without it skips the test and says so; continuous integration fails.
"""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("GLEANER_SHARED", Path(__file__).parents[2] / "shared"))


def shared(name: str) -> Path:
    """A file of the folder, by its path in it."""
    path = SHARED / name
    if path.is_file():
        return path
    missing = f"no {name} in {SHARED}: set GLEANER_SHARED to the folder that holds it"
    if "CI" in os.environ:
        pytest.fail(missing)
    pytest.skip(missing)
