"""Solutions whose first wrong step people have named: ProcessBench (Zheng et al. 2024, arXiv 2412.06559).

Law: a solution is what its file says; its file is read in a folder that the user names, and never committed.
"""

from pathlib import Path

import msgspec
from msgspec import Struct

from schemas.errors import ConfigError

NO_STEP = -1
"""The label of a solution without a wrong step, in the file and from a critic."""


class Solution(Struct, frozen=True):
    """A problem, the paragraphs of a model's solution, and the first wrong one by human experts, counted from 0."""

    id: str
    problem: str
    steps: list[str]
    label: int

    @property
    def is_wrong(self) -> bool:
        return self.label != NO_STEP


def read_solutions(file: Path) -> list[Solution]:
    """Raises ConfigError for what is no such file."""
    try:
        found = msgspec.json.decode(file.read_bytes(), type=list[Solution])
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{file}: no JSON array of ProcessBench's rows: {error}") from None
    for one in found:
        if not one.steps or not NO_STEP <= one.label < len(one.steps):
            raise ConfigError(f"{file}: {one.id}: step {one.label} of {len(one.steps)}")
    return found
