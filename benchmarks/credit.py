"""How well, and how cheaply, rollouts find the first pit of wrong solutions, in simulated worlds.

python -m benchmarks.credit
"""

import argparse

from actors.rates import wilson
from schemas.config_credit import Credit
from tests.doubles.credit_worlds import WORLDS, Method, Score, World, by_number, by_plan, score

METHODS: dict[str, Method] = {
    "16 rollouts of every step": by_number(16, Credit().tolerance),
    "6 rollouts of every step": by_number(6, Credit().tolerance),
    "`full`": by_plan(Credit()),
    "`full`, one at a time": by_plan(Credit(at_once=1)),
    "`binary`, 2 steps checked": by_plan(Credit(strategy="binary")),
    "binary search alone": by_plan(Credit(strategy="binary", check_steps=0)),
}


def row(name: str, found: Score) -> str:
    low, high = wilson(found.agreed, found.solutions)
    return f"| {name} | {found.agreement:.1%} ({low:.0%}–{high:.0%}) | {found.cost:.0%} |"


def table(name: str, world: World, *, solutions: int) -> None:
    print(f"\n| {name} | agreement with 256 rollouts a step | rollouts, of 16 a step |\n| --- | --- | --- |")
    for method, draw in METHODS.items():
        print(row(method, score(world, draw, Credit().tolerance, solutions=solutions)), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--solutions", type=int, default=400)
    arguments = parser.parse_args()
    for name, world in WORLDS.items():
        table(name, world, solutions=arguments.solutions)


if __name__ == "__main__":
    main()
