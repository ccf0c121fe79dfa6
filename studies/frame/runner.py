"""Runs what is missing of a study, part by part.

Law: a part's result is one file, whole or not there, and a part that stands is not run again. A part that had looked
at its test set and left no result is not run again either, unless somebody says why; that reason is recorded. Several
processes may share the work. Real parts lie in the repository, `studies/<study>/parts-<number>/`, to be committed as
they come; a pilot's lie in `runs/`.
"""

import fcntl
import importlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from schemas.errors import ConfigError
from studies.frame.commit import Stamp
from studies.frame.given import Does, Found, Given, Look, MissingData, data_file, looks
from studies.frame.plan import OnePart, Plan

Say = Callable[[str], None]


class PartResult(Struct, frozen=True):
    """One part's file. `core_s`: processor seconds, of ended child processes too; `started_at`: seconds since the
    epoch."""

    part: str
    plan_sha256: str
    code: str
    started_at: float
    core_s: float
    found: Found


class Work:
    """One study's files on this machine."""

    def __init__(self, root: Path, plan: Plan, stamp: Stamp) -> None:
        self.root, self.plan, self.stamp = root, plan, stamp
        kind = "" if stamp.code else "-tiny" if stamp.tiny else "-pilot"
        self.scratch = root / "runs" / "studies" / f"{plan.study}-{plan.number}{kind}"
        home = root / "studies" / plan.study if stamp.code else self.scratch
        self.parts = home / f"parts-{plan.number}"

    def result(self, part: OnePart) -> PartResult | None:
        """What the part found; None where it does not stand. Raises ConfigError where it is of another plan."""
        path = self._file(part)
        if not path.exists():
            return None
        found = msgspec.json.decode(path.read_bytes(), type=PartResult)
        if found.plan_sha256 != self.stamp.plan.sha256:
            raise ConfigError(f"{path}: was made under another form of the plan; a changed plan is a new number")
        return found

    def looks(self, part: OnePart) -> list[Look]:
        """When a test set was looked at for the part."""
        return looks(self._marks(part))

    def why_not(self, part: OnePart, look_again: str = "") -> str | None:
        """Why a part that does not stand cannot be run now; None: it can."""
        for name in part.kind.needs:
            waits = [one.name for one in self.plan.every_part if one.kind.name == name and self.result(one) is None]
            if waits:
                return f"it needs {waits[0]}" + (f" and {len(waits) - 1} more" if waits[1:] else "")
        try:
            for name in part.kind.data:
                data_file(self.plan, name)
        except MissingData as error:
            return str(error)
        if (before := self.looks(part)) and not look_again:
            return f"it looked at {before[0].test_set} and left no result; its test set is spent (--look-again WHY)"
        return None

    def run(self, part: OnePart, does: Does, look_again: str = "") -> PartResult:
        """Runs one part and writes its file."""
        given = Given(self.plan, part, self.stamp, marks=self._marks(part), scratch=self.scratch, why=look_again)
        started_at, spent = time.time(), processor_s()
        found = does(given)
        core_s = round(processor_s() - spent, 1)
        result = PartResult(part.name, self.stamp.plan.sha256, self.stamp.code, started_at, core_s, found)
        write_whole(self._file(part), msgspec.json.encode(result) + b"\n")
        return result

    @contextmanager
    def alone(self, part: OnePart) -> Iterator[bool]:
        """Whether no other process has the part in hand; the system lets go of it however its holder ends."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        with (self.scratch / f"{part.name}.lock").open("a") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def _file(self, part: OnePart) -> Path:
        return self.parts / f"{part.name}.json"

    def _marks(self, part: OnePart) -> Path:
        return self.parts / f"{part.name}.looks"


def run_missing(work: Work, *, only: str, minutes: float, look_again: str, say: Say) -> int:
    """Runs what is missing and can be run; `only`: the part of that name, or parts whose name begins so; no part begins
    after so many minutes. Returns how many parts of those wanted do not stand afterwards."""
    every = work.plan.every_part
    wanted = [part for part in every if part.name == only] or [part for part in every if part.name.startswith(only)]
    if not wanted:
        raise ConfigError(f"no part's name begins with {only!r}; the first is {every[0].name}")
    if look_again and len(wanted) > 1:
        raise ConfigError("--look-again is for one part: name it whole in --only")
    does, ends_at = code_of(work.plan), time.monotonic() + 60 * minutes
    for part in wanted:
        if time.monotonic() > ends_at:
            say("no time is left to begin another part")
            break
        with work.alone(part) as alone:
            if not alone or work.result(part) is not None:
                continue
            if why := work.why_not(part, look_again):
                say(f"{part.name} is not run: {why}")
                continue
            result = work.run(part, does, look_again)
            over = " (over its budget)" if result.core_s > 60 * part.kind.core_minutes else ""
            say(f"{part.name}: {result.core_s:.0f} s of one core{over}")
    return sum(work.result(part) is None for part in wanted)


def code_of(plan: Plan) -> Does:
    """The study's own code. Raises ConfigError where there is none yet."""
    name = f"studies.{plan.study}.plan_{plan.number}"
    try:
        return importlib.import_module(name).run
    except ModuleNotFoundError as error:
        if error.name not in (name, name.rpartition(".")[0]):
            raise
        raise ConfigError(f"{name.replace('.', '/')}.py is not written yet: it must hold run(given) -> Found") from None


def processor_s() -> float:
    """Seconds of this process and of all children that have ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def write_whole(path: Path, data: bytes) -> None:
    """The file is whole or not there, and never one that was there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(beside)
    except FileExistsError:
        raise ConfigError(f"{path} is there already, and results are not written twice") from None
    finally:
        beside.unlink()
