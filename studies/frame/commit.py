"""What git says of a plan and of the code that runs it, and the seeds that follow from the plan.

Law: a real run's seeds follow from the bytes of a committed plan, so that nobody can have looked at their results
before the plan was written; a pilot's seeds are others.
"""

import subprocess
from hashlib import sha256
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from schemas.errors import ConfigError

CODE = ("actors", "deployments", "schemas", "studies", ":!studies/*/parts-*")
"""What a study's results follow from; not the parts that it has written."""


class PlanStamp(Struct, frozen=True):
    """Which plan. `commit`: the last one that touched it; empty in a pilot."""

    sha256: str
    commit: str


class Stamp(Struct, frozen=True):
    """Which plan, and by which code."""

    plan: PlanStamp
    code: str
    """The commit that was checked out; empty in a pilot."""
    tiny: bool = False
    """A pilot of the code's smallest sizes: it proves that every part runs, and measures nothing."""


def stamp(root: Path, plan: str) -> Stamp:
    """Of a real run. `plan`: its place in the repository. Raises ConfigError where the plan or the code at hand is not
    the committed one."""
    held = sha256((root / plan).read_bytes()).hexdigest()
    try:
        committed = _git(root, "show", f"HEAD:./{plan}")
    except subprocess.CalledProcessError:
        raise ConfigError(f"{plan} is not committed; commit it before the run, or try --pilot") from None
    if sha256(committed).hexdigest() != held:
        raise ConfigError(f"{plan} is not as it was committed; a changed plan is a new number")
    if changed := _git(root, "status", "--porcelain", "--", *CODE).decode().split("\n")[0]:
        raise ConfigError(f"{changed[3:]} is not as it was committed; commit the code before the run, or try --pilot")
    touched = _git(root, "log", "-1", "--format=%H", "--", plan).decode().strip()
    return Stamp(PlanStamp(held, touched), _git(root, "rev-parse", "HEAD").decode().strip())


def pilot_stamp(root: Path, plan: str) -> Stamp:
    """Of a pilot: of the plan as it lies there."""
    return Stamp(PlanStamp(sha256((root / plan).read_bytes()).hexdigest(), ""), "")


def tiny_stamp(root: Path, plan: str) -> Stamp:
    """Of a pilot of the smallest sizes."""
    return replace(pilot_stamp(root, plan), tiny=True)


def seed(given: Stamp, *names: str | int) -> int:
    """A seed from 0 to 2**31 - 1 that follows from the plan and the names; in a pilot another one."""
    whose = "plan" if given.code else "pilot"
    told = "/".join((whose, given.plan.sha256, *(str(name) for name in names)))
    return int.from_bytes(sha256(told.encode()).digest()[:4], "big") >> 1


def _git(root: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True).stdout
