"""Command line of the study."""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from msgspec.structs import replace

from schemas.errors import UserError
from studies.provenance.lessons import teach
from studies.provenance.page import render
from studies.provenance.parts import Parts, write
from studies.provenance.plan import FULL, SMOKE
from studies.provenance.results import results


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what is missing in the output folder, then writes results.json and report.html."""
    parser = argparse.ArgumentParser(description="The controlled study of provenance, gates and recovery.")
    parser.add_argument("--output", type=Path, required=True, help="a rerun goes on there")
    parser.add_argument("--smoke", action="store_true", help="tiny: shows that it works, not what is true")
    parser.add_argument("--seeds", type=int, nargs="+", default=None)
    given = parser.parse_args(arguments)
    plan = SMOKE if given.smoke else FULL
    plan = plan if given.seeds is None else replace(plan, seeds=tuple(given.seeds))
    torch.set_num_threads(1)
    started_at = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - started_at:6.0f} s  {what}", flush=True)

    try:
        parts = Parts(given.output, plan)
        asyncio.run(parts.do(say))
        teach(parts, say)
        found = results(parts)
        write(given.output / "results.json", found)
        (given.output / "report.html").write_text(render(found), encoding="utf-8")
        for claim in (*found.claims, *found.besides):
            print(f"{'met' if claim.met else 'NOT MET':8} {claim.claim}: {claim.found}; asked: {claim.target}")
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
