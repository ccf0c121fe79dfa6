"""What the pilot's runs came to: the prior of `adaptive` and the mode that is named most (plan 2).

    python -m studies.provenance.prior

pools what runs of the pilot left in the scratch folder and writes `prior-2.json`, to be committed before the first run.

Law: the pilot's runs alone; a pilot's seeds are no run's.
"""

import sys
from pathlib import Path

import msgspec
from msgspec import Struct

from schemas.errors import ConfigError, UserError
from schemas.recovery import Experience, FailureMode
from studies.frame.__main__ import ROOT
from studies.frame.commit import pilot_stamp
from studies.frame.plan import place, read
from studies.frame.runner import Work
from studies.provenance.kept import kept_runs
from studies.provenance.named import most_right
from studies.provenance.warm import pooled, weighed

FILE = Path(__file__).with_name("prior-2.json")
TRIES = 200
"""Of repairs: about what a run makes (plan: outside)."""


class Prior(Struct, frozen=True):
    """`runs`: of the pilot, that it was made of."""

    runs: int
    majority: FailureMode
    experience: Experience


def prior() -> Prior | None:
    """The committed one; None where there is none yet."""
    return msgspec.json.decode(FILE.read_bytes(), type=Prior) if FILE.exists() else None


def fitted(scratch: Path) -> Prior:
    """From the runs of a pilot. Raises ConfigError where there are none."""
    found = kept_runs(scratch)
    if not found:
        raise ConfigError(f"{scratch} has no run: `python -m studies.frame run provenance 2 --pilot --only runs`")
    experience = weighed(pooled(one.experience for one in found), TRIES)
    return Prior(len(found), most_right(name for one in found for name in one.failures), experience)


def main() -> int:
    """Command line."""
    try:
        plan = read(ROOT / "studies" / "provenance" / "plan-2.yaml")
        made = fitted(Work(ROOT, plan, pilot_stamp(ROOT, place(plan))).scratch)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")
    print(f"{FILE}: {made.runs} runs, most often {made.majority}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
