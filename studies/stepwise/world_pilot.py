"""Which candidate is the third world of plan 2, and how much bases differ: `python -m studies.stepwise.world_pilot`.

The rule stood here before the first look: of the candidates, in their order, the first whose base leaves 40% to 80% of
the pilot's problems wrong, that SFT on 128 problems does not make worse, and whose error each fourfold of SFT's
problems lowers by three points at least. Only bases and SFT are looked at. With `--arms` the two earlier worlds are run
with a few arms at one size, for what the plan's power rests on: how much the difference of two arms varies from base
to base.

Law: problems, bases and draws are of pilot seeds, which no plan's seeds can be. Results are appended, line by line,
and what is there is not run again.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import torch

from studies.arithmetic.world import BEYOND, problems
from studies.stepwise import arms
from studies.stepwise.__main__ import BASE, lab
from studies.stepwise.arms import Cell
from studies.stepwise.fit import Tuning
from studies.stepwise.lab import Lab
from studies.stepwise.net import Net
from studies.stepwise.primer import primed
from studies.stepwise.study import FULL
from studies.stepwise.worlds import CANDIDATES, HARMS, IMPROVES, StudyWorld

OUTPUT = Path(__file__).with_name("pilot-2.jsonl")
PROBLEMS = 400
SIZES = (128, 512, 2048)
SIZE = 512
"""Of the arms."""
Look = Callable[[StudyWorld, int], dict[str, float]]
"""Errors of one world and base, by name."""


def based(world: StudyWorld, number: int) -> Lab:
    """The lab with the world's base of that number; its lesson is of a pilot seed."""
    shipped = lab(BASE)
    lesson = Tuning(steps=world.steps, rate=1e-3, rows=64)
    base = primed(shipped.base, shipped.words, lesson, lesson=world.lesson, seed=f"pilot primer {number}")
    return replace(shipped, base=base, sampler=replace(shipped.sampler, temperature=world.temperature))


def cell(world: StudyWorld, made: Lab, size: int, number: int) -> Cell:
    """What the arms of a base and size share."""
    return Cell(
        made, replace(FULL.plan, teacher=world.teacher), problems(BEYOND, size, seed=f"pilot {number}"), 9000 + number
    )


def error(made: Lab, net: Net, number: int) -> float:
    """Share of the base's own pilot problems whose likeliest solution is wrong."""
    asked = problems(BEYOND, PROBLEMS, seed=f"pilot exam {number}")
    said = made.greedy.completions(net, [made.words.asked(one.text) for one in asked], seed=0)
    return sum(not made.read(one, ids).right for one, ids in zip(asked, said, strict=True)) / PROBLEMS


def curve(world: StudyWorld, number: int) -> dict[str, float]:
    """Errors of base and SFT."""
    made = based(world, number)
    nets = {"base": made.base} | {f"sft-{size}": arms.sft(cell(world, made, size, number)) for size in SIZES}
    return {name: error(made, net, number) for name, net in nets.items()}


def few_arms(world: StudyWorld, number: int) -> dict[str, float]:
    """Errors of the arms that exist already."""
    made = based(world, number)
    shared = cell(world, made, SIZE, number)
    policy = arms.sft(shared)
    solutions = arms.drawn(shared, policy)
    kept = arms.positives(solutions, shared.plan.kept_right)
    nets = {"base": made.base, "sft": policy, "sft_longer": arms.sft(shared, as_long_as=len(kept))}
    nets["rft"] = arms.taught(shared, kept, arms.RFT)
    rollouts, labels = arms.credit(shared, policy, solutions)
    for arm in (arms.WHOLE, arms.STEPS):
        pairs = arms.pairs(arm, made.words, rollouts, labels, shared.dice(f"pairs {arm}"))
        nets[arm] = arms.dpo(
            shared, {arms.SFT: policy}.get(shared.plan.preferences[arm].begin, nets["rft"]), pairs, arm
        )
    return {name: error(made, net, number) for name, net in nets.items()}


def passes(errors: Sequence[Mapping[str, float]]) -> bool:
    """The rule, on the means over the pilot's bases."""
    mean = {name: sum(one[name] for one in errors) / len(errors) for name in errors[0]}
    sft = [mean[f"sft-{size}"] for size in SIZES]
    falls = [more - less for more, less in pairwise(sft)]
    return 0.4 <= mean["base"] <= 0.8 and sft[0] <= mean["base"] and min(falls) >= 0.03


def looked(look: Look, world: StudyWorld, number: int) -> dict[str, float]:
    """The errors of a world and base: those that are there, or found now and added."""
    lines = OUTPUT.read_text(encoding="utf-8").splitlines() if OUTPUT.exists() else []
    for row in map(json.loads, lines):
        if (row["look"], row["world"], row["base"]) == (look.__name__, world.name, number):
            return row["errors"]
    begun = time.process_time()
    row = {"look": look.__name__, "world": world.name, "base": number, "errors": look(world, number)}
    row["core_s"] = round(time.process_time() - begun)
    with OUTPUT.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    print(row, flush=True)
    return row["errors"]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="The pilot of plan 2: worlds by base and SFT alone, and spreads.")
    parser.add_argument("--arms", action="store_true", help="a few arms in the two earlier worlds, for power")
    parser.add_argument("--bases", type=int, nargs="+", default=[0, 1])
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.arms:
        for number in given.bases:
            for world in (IMPROVES, HARMS):
                looked(few_arms, world, number)
        return
    for world in CANDIDATES:
        if passes([looked(curve, world, number) for number in given.bases]):
            print(f"the third world is {world.name}")
            return
    print("no candidate passes")


if __name__ == "__main__":
    main()
