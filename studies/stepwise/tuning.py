"""What is tried before the study, on development problems alone: `python -m studies.stepwise.tuning SEED`.

Law: training problems are of a seed that the study never uses, and the test is not read. Tries differ: three of SFT's
rate, five of each kind of pairs, five of advantage weighting, one of RFT.
"""

import argparse
from dataclasses import dataclass, replace

import torch

from studies.arithmetic.world import BEYOND, problems
from studies.stepwise import arms
from studies.stepwise.__main__ import BASE, lab
from studies.stepwise.arms import Cell, Plan, Preference
from studies.stepwise.lab import Exam, Lab
from studies.stepwise.net import Net
from studies.stepwise.preferences import PLAIN, Pull
from studies.stepwise.primer import primed
from studies.stepwise.study import FULL

SIZE, PROBLEMS = 512, 400


@dataclass(frozen=True)
class Try:
    """How pairs are learnt: from which arm's policy, how fast, and what is weighed."""

    begin: str
    rate: float
    pull: Pull


RATES = (5e-4, 1e-3, 2e-3)
"""Of SFT."""
PAIRED = (
    Try(arms.RFT, 1e-4, PLAIN),
    Try(arms.RFT, 1e-4, Pull(beta=0.5, likelihood=0.3)),
    Try(arms.RFT, 1e-4, Pull(beta=1.0, likelihood=0.3)),
    Try(arms.RFT, 2e-4, Pull(beta=0.5, likelihood=0.3)),
    Try(arms.SFT, 3e-4, Pull(beta=0.3, likelihood=1.0)),
)
"""Of each kind of pairs."""
WEIGHTED = (
    (arms.SFT, 3e-4, 0.25), (arms.SFT, 1e-3, 0.25), (arms.SFT, 3e-4, 1.0), (arms.SFT, 1e-3, 1.0),
    (arms.RFT, 3e-4, 0.25),
)  # fmt: skip
"""Of advantage-weighted likelihood: from which arm's policy, rate and sharpness."""
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

    def say(self, name: str, net: Net) -> None:
        """Its errors, in a line."""
        marks = self.exam.marks(self.lab, net, seed=0)
        print(f"{name}: {marks.error:.3f}, sampled {marks.sampled_error:.3f}", flush=True)


def tries(bench: Bench) -> None:
    """All of them."""
    for rate in RATES:
        plan = replace(FULL.plan, likelihood=replace(FULL.plan.likelihood, rate=rate))
        bench.say(f"sft, rate {rate:g}", arms.sft(bench.cell(plan)))
    cell = bench.cell(FULL.plan)
    policy = arms.sft(cell)
    solutions = arms.drawn(cell, policy)
    kept = arms.positives(solutions, cell.plan.kept_right)
    begins = {arms.SFT: policy, arms.RFT: arms.taught(cell, kept, arms.RFT)}
    bench.say(f"rft, {len(kept)} solutions", begins[arms.RFT])
    bench.say("sft as long", arms.sft(cell, as_long_as=len(kept)))
    rollouts, labels = arms.credit(cell, policy, solutions)
    print(f"{len(labels)} wrong solutions credited", flush=True)
    for arm in PAIRS:
        pairs = arms.pairs(arm, cell.lab.words, rollouts, labels, cell.dice(f"pairs {arm}"))
        for one in PAIRED:
            passes = replace(FULL.plan.preferences[arm].passes, rate=one.rate)
            plan = replace(FULL.plan, preferences={arm: Preference(one.begin, passes, one.pull)})
            bench.say(f"{arm}, {one}, {len(pairs)} pairs", arms.dpo(bench.cell(plan), begins[one.begin], pairs, arm))
    for begin, rate, sharpness in WEIGHTED:
        plan = replace(FULL.plan, weighted=replace(FULL.plan.weighted, rate=rate), sharpness=sharpness)
        net = arms.weighted(bench.cell(plan), begins[begin], solutions, labels)
        bench.say(f"{arms.ADVANTAGE} from {begin}, rate {rate:g}, sharpness {sharpness:g}", net)


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
    bench.say("shipped", shipped.base)
    bench.say("base", base)
    tries(bench)


if __name__ == "__main__":
    main()
