"""In simulated worlds: how well and how cheaply rollouts find the first pit of wrong solutions, what a restart saves.

python -m benchmarks.credit
"""

import argparse
from random import Random

from actors.counts.rates import wilson
from schemas.config_credit import Credit
from studies.stepwise.halving import binary
from tests.doubles.credit_worlds import (
    WORLDS,
    Method,
    Score,
    World,
    by_number,
    by_plan,
    label_of,
    score,
    wrong_solution,
)

METHODS: dict[str, Method] = {
    "16 rollouts of every step": by_number(16, Credit().tolerance),
    "6 rollouts of every step": by_number(6, Credit().tolerance),
    "`full`": by_plan(Credit()),
    "`full`, one at a time": by_plan(Credit(at_once=1)),
    "`binary`, 2 steps checked": by_plan(Credit(), binary()),
    "binary search alone": by_plan(Credit(), binary(check_steps=0)),
}
HARD = {"seldom mended": World(0.1, 0.01), "harder": World(0.25, 0.01), "hardest": World(0.4, 0.01)}
ATTEMPTS = 3
"""After the wrong one."""


def row(name: str, found: Score) -> str:
    low, high = wilson(found.agreed, found.solutions) or (0.0, 1.0)
    return f"| {name} | {found.agreement:.1%} ({low:.0%}–{high:.0%}) | {found.cost:.0%} |"


def table(name: str, world: World, *, solutions: int) -> None:
    print(f"\n| {name} | agreement with 256 rollouts a step | rollouts, of 16 a step |\n| --- | --- | --- |")
    for method, draw in METHODS.items():
        print(row(method, score(world, draw, Credit().tolerance, solutions=solutions)), flush=True)


def recovery(name: str, world: World, *, solutions: int) -> str:
    """Steps written for each wrong solution that is recovered: from scratch, by a restart, and with its rollouts."""
    random = Random(2)
    recovered, written = {"again": 0, "restart": 0}, {"again": 0, "restart": 0, "credit": 0}
    for _ in range(solutions):
        values = wrong_solution(world, random)
        steps = len(values) - 1
        label = label_of(values, Credit(), random)
        good = 0 if label.first_pit is None else label.first_pit - 1
        written["credit"] += sum(value.n * (steps - value.steps) for value in label.values)
        for way, begun in (("again", 0), ("restart", good)):
            for _ in range(ATTEMPTS):
                written[way] += steps - begun
                if random.random() < values[begun]:
                    recovered[way] += 1
                    break
    again, restart = (written[way] / recovered[way] for way in ("again", "restart"))
    whole = (written["restart"] + written["credit"]) / recovered["restart"]
    shares = (f"{recovered[way] / solutions:.0%}" for way in ("again", "restart"))
    return f"| {name} | {' | '.join(shares)} | {again:.1f} | {restart:.1f} | {whole:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--solutions", type=int, default=400)
    arguments = parser.parse_args()
    for name, world in WORLDS.items():
        table(name, world, solutions=arguments.solutions)
    print(
        f"\n| {ATTEMPTS} attempts | recovered: again | restart | steps for each: again | restart | with its rollouts |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    for name, world in HARD.items():
        print(recovery(name, world, solutions=arguments.solutions), flush=True)


if __name__ == "__main__":
    main()
