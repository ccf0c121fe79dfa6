"""What is tried before the study, on development problems alone: `python -m studies.stepwise.tuning SEED`.

Law: every arm gets as many tries; training problems are of a seed that the study never uses; the test is not read.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from studies.arithmetic.world import BEYOND, problems
from studies.stepwise import arms
from studies.stepwise.__main__ import BASE, lab
from studies.stepwise.arms import Cell, Plan, Preference
from studies.stepwise.credits import Credited, Rollouts
from studies.stepwise.lab import Exam, Lab, Solution
from studies.stepwise.net import Net
from studies.stepwise.preferences import PLAIN, Pull
from studies.stepwise.primer import primed
from studies.stepwise.study import FULL

SIZE, PROBLEMS = 256, 400
RATES = (5e-4, 1e-3, 2e-3)
"""Of SFT."""
PAIRED = ((1e-4, PLAIN), (3e-4, PLAIN), (3e-4, Pull(likelihood=1.0)), (1e-3, Pull(likelihood=1.0)))
"""Of each kind of pairs: rate, and what is weighed."""
WEIGHTED = ((3e-4, 0.25), (1e-3, 0.25), (3e-4, 1.0), (1e-3, 1.0))
"""Rate and sharpness."""
PAIRS = (arms.WHOLE, arms.PREFIX, arms.STEPS)


@dataclass(frozen=True)
class Bench:
    """What all tries share."""

    lab: Lab
    exam: Exam
    seed: int

    def cell(self, plan: Plan) -> Cell:
        """The problems under these settings."""
        return Cell(self.lab, plan, problems(BEYOND, SIZE, seed=f"train {self.seed}"), self.seed)

    def error(self, name: str, net: Net) -> float:
        """Of the likeliest solutions; says so in a line."""
        marks = self.exam.marks(self.lab, net, seed=0)
        print(f"{name}: {marks.error:.3f}, sampled {marks.sampled_error:.3f}", flush=True)
        return marks.error


@dataclass(frozen=True)
class Drawn:
    """What the arms learn from."""

    solutions: Sequence[Solution]
    rollouts: Rollouts
    labels: Sequence[Credited]


def settings(arm: str, number: int) -> tuple[str, Plan]:
    """An arm's try, in words and as a plan."""
    plan = FULL.plan
    if arm == arms.ADVANTAGE:
        rate, sharpness = WEIGHTED[number]
        return f"rate {rate:g}, sharpness {sharpness:g}", replace(
            plan, weighted=replace(plan.weighted, rate=rate), sharpness=sharpness
        )
    rate, pull = PAIRED[number]
    words = f"rate {rate:g}, likelihood {pull.likelihood:g}"
    return words, replace(
        plan, preferences={arm: Preference(arms.SFT, replace(plan.preferences[arm].passes, rate=rate), pull)}
    )


def learnt(arm: str, cell: Cell, start: Net, drawn: Drawn) -> Net:
    """The arm's net, from another start than the study's where one is given."""
    if arm == arms.ADVANTAGE:
        return arms.weighted(cell, start, drawn.solutions, drawn.labels)
    pairs = arms.pairs(arm, cell.lab.words, drawn.rollouts, drawn.labels, cell.dice(f"pairs {arm}"))
    return arms.dpo(cell, start, pairs, arm)


def tries(bench: Bench) -> None:
    """All of them."""
    for rate in RATES:
        plan = replace(FULL.plan, likelihood=replace(FULL.plan.likelihood, rate=rate))
        bench.error(f"sft, rate {rate:g}", arms.sft(bench.cell(plan)))
    cell = bench.cell(FULL.plan)
    policy = arms.sft(cell)
    solutions = arms.drawn(cell, policy)
    kept = arms.positives(solutions, cell.plan.kept_right)
    recalled = arms.taught(cell, kept, arms.RFT)
    bench.error(f"rft, {len(kept)} solutions", recalled)
    bench.error("sft as long", arms.sft(cell, as_long_as=len(kept)))
    drawn = Drawn(solutions, *arms.credit(cell, policy, solutions))
    print(f"{len(drawn.labels)} wrong solutions credited", flush=True)
    found: dict[str, dict[int, float]] = {arm: {} for arm in (*PAIRS, arms.ADVANTAGE)}
    for number in range(len(PAIRED)):
        for arm, errors in found.items():
            words, plan = settings(arm, number)
            errors[number] = bench.error(f"{arm}, {words}", learnt(arm, bench.cell(plan), policy, drawn))
    for arm, errors in found.items():
        words, plan = settings(arm, min(errors, key=lambda number: errors[number]))
        bench.error(f"{arm} from rft, {words}", learnt(arm, bench.cell(plan), recalled, drawn))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m studies.stepwise.tuning", description="Development problems alone."
    )
    parser.add_argument("seed", type=int, nargs="?", default=100)
    given = parser.parse_args()
    torch.set_num_threads(1)
    shipped = lab(BASE)
    base = primed(shipped.base, shipped.words, FULL.primer)
    bench = Bench(replace(shipped, base=base), Exam.of("dev", PROBLEMS), given.seed)
    bench.error("shipped", shipped.base)
    bench.error("base", base)
    tries(bench)


if __name__ == "__main__":
    main()
