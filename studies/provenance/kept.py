"""What a run of plan 2 leaves for the parts after it, in the scratch folder.

Law: a run cannot be made again to the letter (the plan's limits say why), so what it left is read or is missing.
"""

from pathlib import Path

import msgspec
from msgspec import Struct

from schemas.errors import ConfigError
from schemas.recovery import Experience
from studies.provenance.failures import Failure
from studies.provenance.parts import write
from studies.provenance.tries import Try


class KeptRun(Struct, frozen=True):
    """`told`: the passages written about; `tries`: of each arm; `experience`: of the learnt policy, without its prior;
    `failures`: of rejected first attempts, by the world."""

    told: list[str]
    tries: dict[str, list[Try]]
    experience: Experience
    failures: list[Failure]


def keep(scratch: Path, setting: str, unit: int, run: KeptRun) -> None:
    """Whole or not at all."""
    write(_file(scratch, setting, unit), run)


def kept(scratch: Path, setting: str, unit: int) -> KeptRun:
    """What that run left. Raises ConfigError where it is gone."""
    path = _file(scratch, setting, unit)
    try:
        return msgspec.json.decode(path.read_bytes(), type=KeptRun)
    except FileNotFoundError:
        raise ConfigError(f"{path} is not on this machine: parts after a run go where the run was made") from None


def kept_runs(scratch: Path) -> list[KeptRun]:
    """All that lie there."""
    files = sorted((scratch / "kept").glob("*.json"))
    return [msgspec.json.decode(path.read_bytes(), type=KeptRun) for path in files]


def _file(scratch: Path, setting: str, unit: int) -> Path:
    return scratch / "kept" / f"{setting}-{unit}.json"
