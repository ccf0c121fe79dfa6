"""What a part of a study gets from the frame, and what it gives back.

Law: the seed of a test set is handed out only after it is recorded, durably, that somebody looks at it.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from schemas.errors import ConfigError
from studies.frame.commit import Stamp, seed
from studies.frame.plan import OnePart, Plan
from studies.frame.statistics import Tally

DATA = "GLEANER_STUDY_DATA"
"""The variable that names the folder of data that may not be committed."""


class Look(Struct, frozen=True):
    """A test set was looked at, for this part. `at`: seconds since the epoch; `why`: it was looked at before."""

    part: str
    test_set: str
    at: float
    code: str
    why: str = ""


class Found(Struct, frozen=True):
    """What a part found. `figures`: besides the tallies, what the page tells without a verdict."""

    tallies: list[Tally]
    figures: dict[str, float] = {}


class _Finding(Struct):
    """Of a part's file, what it found."""

    found: Found


class MissingData(Exception):
    """Data that a part reads is not on this machine; the message says which, and where it was looked for."""


class Given:
    """One part's seeds, test sets, data and scratch folder."""

    def __init__(self, plan: Plan, part: OnePart, stamp: Stamp, *, marks: Path, scratch: Path, why: str = "") -> None:
        self.plan = plan
        self.part = part
        self.scratch = scratch
        """Shared by all parts of the study on this machine: trained nets and the like. Whatever lies there can be made
        again from the seeds."""
        self._stamp = stamp
        self._marks = marks
        self._why = why
        self._looked: set[str] = set()

    @property
    def pilot(self) -> bool:
        """Whether this is no real run."""
        return not self._stamp.code

    @property
    def tiny(self) -> bool:
        """Whether the part is to run at the code's smallest sizes, which only a pilot does."""
        return self._stamp.tiny

    def earlier(self, part: str) -> Found:
        """What another part found, of a kind that this one needs."""
        kind = next((one.kind.name for one in self.plan.every_part if one.name == part), None)
        if kind not in self.part.kind.needs:
            raise ConfigError(f"part {self.part.name}: the plan does not say that it needs {part!r}")
        return msgspec.json.decode((self._marks.parent / f"{part}.json").read_bytes(), type=_Finding).found

    def seed(self, *names: str | int) -> int:
        """A seed that follows from the plan and the names (of none: from the part's); none is a test set's."""
        if any(name == one.name for one in self.plan.test_sets for name in names):
            raise ConfigError(f"part {self.part.name}: the seed of a test set comes from look()")
        return seed(self._stamp, *(names or (self.part.name,)))

    def look(self, test_set: str) -> int:
        """The seed of the test set for this part's unit. From here on it counts as looked at."""
        if test_set not in self.part.kind.looks:
            raise ConfigError(f"part {self.part.name}: the plan does not let it look at {test_set!r}")
        if test_set not in self._looked and not self.pilot:
            append_durably(self._marks, Look(self.part.name, test_set, time.time(), self._stamp.code, self._why))
        self._looked.add(test_set)
        return seed(self._stamp, test_set, *(() if self.part.unit is None else (self.part.unit,)))

    def data(self, name: str) -> Path:
        """The file of that name in the plan. Raises MissingData."""
        if name not in self.part.kind.data:
            raise ConfigError(f"part {self.part.name}: the plan does not let it read {name!r}")
        return data_file(self.plan, name)


def data_file(plan: Plan, name: str) -> Path:
    """Where the data lies on this machine. Raises MissingData."""
    file = next(one.file for one in plan.data if one.name == name)
    folder = os.environ.get(DATA, "")
    if not folder:
        raise MissingData(f"it reads {file}; name the folder that holds it in {DATA}")
    if not (path := Path(folder) / file).is_file():
        raise MissingData(f"it reads {file}, which is not in {folder} ({DATA})")
    return path


def looks(marks: Path) -> list[Look]:
    """What was recorded."""
    lines = marks.read_bytes().splitlines() if marks.exists() else []
    return [msgspec.json.decode(line, type=Look) for line in lines]


def append_durably(path: Path, value: object) -> None:
    """A line of JSON at the end of the file, on the disk before this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(msgspec.json.encode(value) + b"\n")
        file.flush()
        os.fsync(file.fileno())


Does = Callable[[Given], Found]
"""One part of a study: what `studies.<study>.plan_<number>` holds under the name `run`."""
