"""What is tried before the study, on development problems alone: `python -m studies.stepwise.tuning SEED`.

Law: every arm gets as many tries; training problems are of a seed that the study never uses; the test is not read.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace

import torch

from studies.arithmetic.world import BEYOND, problems
from studies.stepwise import arms
from studies.stepwise.__main__ import BASE, lab
from studies.stepwise.arms import Cell, Plan
from studies.stepwise.fit import Passes
from studies.stepwise.lab import Exam, Lab
from studies.stepwise.net import Net
from studies.stepwise.preferences import Pull
from studies.stepwise.study import FULL

SIZE, PROBLEMS = 256, 400
SFT_RATES = (1e-3, 2e-3, 4e-3)
TRIES = tuple((rate, pull) for rate in (1e-4, 3e-4) for pull in (Pull(), Pull(likelihood=1.0)))
"""Of each kind of pairs."""
WEIGHTED = tuple((rate, sharpness) for rate in (3e-4, 1e-3) for sharpness in (0.25, 1.0))


def said(lab: Lab, exam: Exam, name: str, net: Net) -> None:
    """One line."""
    marks = exam.marks(lab, net, seed=0)
    print(f"{name}: likeliest {marks.error:.3f}, sampled {marks.sampled_error:.3f}", flush=True)


def tried(lab: Lab, seed: int) -> Iterator[tuple[str, Net]]:
    """Every try, by name."""
    yield "base", lab.base
    asked = problems(BEYOND, SIZE, seed=f"train {seed}")
    for rate in SFT_RATES:
        slower = replace(FULL.plan, likelihood=replace(FULL.plan.likelihood, rate=rate))
        yield f"sft, rate {rate:g}", arms.sft(Cell(lab, slower, asked, seed))
    plan = FULL.plan
    cell = Cell(lab, plan, asked, seed)
    policy = arms.sft(cell)
    solutions = arms.drawn(cell, policy)
    kept = arms.positives(solutions, plan.kept_right)
    recalled = arms.taught(cell, kept, arms.RFT)
    yield f"rft, {len(kept)} solutions", recalled
    yield "sft as long", arms.sft(cell, as_long_as=len(kept))
    rollouts, labels = arms.credit(cell, policy, solutions)
    for arm in (arms.WHOLE, arms.PREFIX, arms.STEPS):
        pairs = arms.pairs(arm, lab.words, rollouts, labels, cell.dice(f"pairs {arm}"))
        for rate, pull in TRIES:
            for name, start in (("sft", policy), ("rft", recalled)):
                other = Cell(lab, _with(plan, rate, pull), asked, seed)
                title = f"{arm} from {name}, {len(pairs)} pairs, rate {rate:g}, likelihood {pull.likelihood:g}"
                yield title, arms.dpo(other, start, pairs, arm)
    for rate, sharpness in WEIGHTED:
        weighted = replace(plan, weighted=replace(plan.weighted, rate=rate), sharpness=sharpness)
        for name, start in (("sft", policy), ("rft", recalled)):
            net = arms.weighted(Cell(lab, weighted, asked, seed), start, solutions, labels)
            yield f"advantage from {name}, rate {rate:g}, sharpness {sharpness:g}", net


def _with(plan: Plan, rate: float, pull: Pull) -> Plan:
    passes: Passes = replace(plan.preferences, rate=rate)
    return replace(plan, preferences=passes, pull=pull)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m studies.stepwise.tuning", description="Tries on development problems."
    )
    parser.add_argument("seed", type=int, nargs="?", default=100)
    given = parser.parse_args()
    torch.set_num_threads(1)
    bench, exam = lab(BASE), Exam.of("dev", PROBLEMS)
    for name, net in tried(bench, given.seed):
        said(bench, exam, name, net)


if __name__ == "__main__":
    main()
