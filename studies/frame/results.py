"""All parts of a study in one committed file, `docs/studies/<study>-<number>.json`.

Law: written once. A part that is missing is in it by name, with the reason that somebody gave.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from schemas.errors import ConfigError
from studies.frame.commit import PlanStamp
from studies.frame.given import Look
from studies.frame.plan import Plan
from studies.frame.runner import PartResult, Work, write_whole


class Results(Struct, frozen=True):
    """What was found, under which plan, by which code (each part names its own)."""

    study: str
    number: int
    plan: PlanStamp
    parts: list[PartResult]
    looks: list[Look]
    missing: dict[str, str]
    """Part to reason."""

    def sums(self, setting: str, arm: str, measure: str) -> dict[str, np.ndarray]:
        """Unit to [part, whole]."""
        found: dict[str, np.ndarray] = {}
        for one in self._tallies():
            if (one.setting, one.arm, one.measure) == (setting, arm, measure):
                found[one.unit] = found.get(one.unit, 0) + np.array([one.part, one.whole])
        return found

    @property
    def measured(self) -> dict[tuple[str, str], list[str]]:
        """Setting and measure to the arms that have it, in the order in which they came."""
        found: dict[tuple[str, str], dict[str, None]] = {}
        for one in self._tallies():
            found.setdefault((one.setting, one.measure), {})[one.arm] = None
        return {key: list(arms) for key, arms in found.items()}

    @property
    def codes(self) -> list[str]:
        """The commits whose code made the parts."""
        return sorted({part.code for part in self.parts})

    def _tallies(self) -> Iterator:
        return (tally for part in self.parts for tally in part.found.tallies)


def path_of(root: Path, plan: Plan, ending: str = "json") -> Path:
    """Where the results lie; `md`: the page."""
    return root / "docs" / "studies" / f"{plan.study}-{plan.number}.{ending}"


def collected(work: Work, *, missing: str = "") -> Results:
    """All parts together. `missing`: why parts that do not stand are left out. Raises ConfigError."""
    found = {part.name: work.result(part) for part in work.plan.every_part}
    gone = [name for name, result in found.items() if result is None]
    if gone and not missing:
        raise ConfigError(f"{len(gone)} parts are missing, the first is {gone[0]}; run them, or say --missing WHY")
    parts = [result for result in found.values() if result is not None]
    _known(work.plan, parts)
    looked = [look for part in work.plan.every_part for look in work.looks(part)]
    return Results(
        work.plan.study, work.plan.number, work.stamp.plan, parts, looked, dict.fromkeys(gone, missing)
    )  # fmt: skip


def _known(plan: Plan, parts: list[PartResult]) -> None:
    bearers = {
        "settings": plan.settings, "arms": (*plan.arms, *plan.controls), "measures": plan.measures
    }  # fmt: skip
    names = {what: {one.name for one in found} for what, found in bearers.items()}
    for part in parts:
        for one in part.found.tallies:
            for what, name in (("settings", one.setting), ("arms", one.arm), ("measures", one.measure)):
                if name not in names[what]:
                    raise ConfigError(f"part {part.part} has a tally of {name!r}; the plan's {what} have no such name")


def write(root: Path, plan: Plan, results: Results) -> Path:
    """The results file. Raises ConfigError where there is one already."""
    path = path_of(root, plan)
    write_whole(path, msgspec.json.format(msgspec.json.encode(results), indent=0) + b"\n")
    return path


def read_results(root: Path, plan: Plan) -> Results | None:
    """The committed results; None where there are none."""
    path = path_of(root, plan)
    return msgspec.json.decode(path.read_bytes(), type=Results) if path.exists() else None
