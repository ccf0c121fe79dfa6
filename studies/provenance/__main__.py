"""Command line of the study."""

import argparse
import asyncio
import sys
import time
from pathlib import Path

import torch
from msgspec.structs import replace

from schemas.errors import UserError
from studies.provenance.parts import Parts
from studies.provenance.plan import FULL, SMOKE

POLICIES = ("discard", "naive_resample", "rules")


def main() -> int:
    """Does what is missing in the output folder, then writes results.json and report.html."""
    parser = argparse.ArgumentParser(description="The controlled study of provenance, gates and recovery.")
    parser.add_argument("--output", type=Path, required=True, help="a rerun goes on there")
    parser.add_argument("--smoke", action="store_true", help="tiny: shows that it works, not what is true")
    parser.add_argument("--seeds", type=int, nargs="+", default=None)
    given = parser.parse_args()
    plan = SMOKE if given.smoke else FULL
    plan = plan if given.seeds is None else replace(plan, seeds=tuple(given.seeds))
    torch.set_num_threads(1)
    started_at = time.monotonic()
    try:
        parts = Parts(given.output, plan)
        asyncio.run(parts.do(POLICIES, lambda what: print(f"{time.monotonic() - started_at:6.0f} s  {what}", flush=True)))
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
