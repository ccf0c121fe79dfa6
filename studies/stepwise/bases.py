"""The bases of plan 2, each from nothing and a seed of the plan's: `python -m studies.stepwise.bases` (plan: outside).

Law: a base follows from the plan and its number; one that stands is not made again. `DEVELOPMENT` is looked at by
tuning alone, and never by a part with a test set.
"""

import argparse
import math
import sys
import time
from pathlib import Path

import torch

from schemas.errors import UserError
from studies.arithmetic import tokenizer as world_tokenizer
from studies.arithmetic import train
from studies.arithmetic.models import SCALES, untrained
from studies.frame.__main__ import ROOT
from studies.frame.commit import Stamp, pilot_stamp, seed, stamp
from studies.frame.plan import place, read
from studies.frame.runner import Work
from studies.stepwise.net import Net, from_library
from studies.stepwise.parts import Parts
from studies.stepwise.rows import Words

NAME, NUMBER = "solver-small", 2
SOLVED = 0.6
"""Of the hard problems, as of the base that ships."""
DEVELOPMENT = "development"


def make(folder: Path, marked: Stamp, number: int | str) -> Path:
    """The base of that number, made now where it does not stand. The same recipe as for the base that ships. One that
    is cut short after its skills goes on from there."""
    output = folder / f"base-{number}"
    if (output / "model.safetensors").exists():
        return output
    words, drawn = Words(world_tokenizer.build()), seed(marked, "base", number)
    new = from_library(untrained(SCALES[NAME], words.tokenizer, seed=drawn))

    def skilled() -> Net:
        train.taught(new, train.SKILLS, words, seed=f"skills {drawn}")
        return new

    net = Parts(folder, time.monotonic, math.inf).net(f"skills-{number}", new.config, skilled)
    train.lengthened(net, words, seed=drawn, share=SOLVED, limit_s=math.inf)
    train.saved(net, words, output)
    return output


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m studies.stepwise.bases", description="The bases of plan 2.")
    parser.add_argument("--pilot", action="store_true", help="other seeds, elsewhere")
    parser.add_argument("--only", nargs="+", default=None, help="numbers, or `development`")
    given = parser.parse_args()
    torch.set_num_threads(1)
    try:
        plan = read(ROOT / "studies" / "stepwise" / f"plan-{NUMBER}.yaml")
        marked = (pilot_stamp if given.pilot else stamp)(ROOT, place(plan))
        count = next(one.count for one in plan.units if one.name == "base")
        for number in given.only or (DEVELOPMENT, *range(count)):
            print(make(Work(ROOT, plan, marked).scratch / "bases", marked, number), flush=True)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
