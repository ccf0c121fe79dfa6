"""What credit spends, and which pairs it makes, on a problem whose every step is known."""

import random

import pytest

from actors.credit.plan import CreditPlan, RolloutOwner
from schemas.config_credit import Credit
from schemas.credit import PolicyVersion
from studies.arithmetic import tokenizer as world_tokenizer
from studies.arithmetic.models import SCALES, untrained
from studies.arithmetic.teacher import CLEAN
from studies.arithmetic.truth import right
from studies.arithmetic.world import BEYOND, problems
from studies.stepwise import arms
from studies.stepwise.credits import Credited, Rollouts, credited, target
from studies.stepwise.lab import Lab, Solution
from studies.stepwise.net import from_library
from studies.stepwise.rows import Words
from studies.stepwise.sample import Sampler

(PROBLEM,) = problems(BEYOND, 1, seed="arms")
RIGHT = CLEAN.solution(PROBLEM, random.Random(0)).splitlines()
WRONG = [RIGHT[0], "Ada = 1", *RIGHT[2:-1], "#### 0"]
"""Wrong from its second step on."""


@pytest.fixture(scope="module")
def lab() -> Lab:
    words = Words(world_tokenizer.build())
    net = from_library(untrained(SCALES["solver-small"], words.tokenizer, seed=1))
    sampler = Sampler(words.pad, words.end, longest=4)
    return Lab(net, words, sampler, sampler)


def solution(lab: Lab, lines: list[str]) -> Solution:
    text = "\n".join(lines)
    return Solution(PROBLEM, (*lab.words.ids(text), lab.words.end), text, ended=True, right=right(PROBLEM, text))


def test_solutions_that_were_there_do_not_eat_the_budget(lab: Lab) -> None:
    """Sixteen of them, and six rollouts of this solution's own: six are drawn, from its prefixes."""
    wrong = solution(lab, WRONG)
    rollouts = Rollouts(lab, lab.base, seed=0)
    rollouts.drawn[PROBLEM.text, ""] = [solution(lab, RIGHT)] * 8 + [wrong] * 8
    credited(rollouts, [wrong], Credit(max_rollouts=6, at_once=2, confidence=0.999))
    assert len(rollouts.drawn.pop((PROBLEM.text, ""))) >= 16
    assert 0 < sum(map(len, rollouts.drawn.values())) <= 6


def test_a_pair_of_steps_stands_where_the_solution_broke(lab: Lab) -> None:
    """After the same first step: the right second one against the wrong one, and no pair at the steps around it."""
    wrong, good = solution(lab, WRONG), solution(lab, RIGHT)
    aim = target(wrong, 0)
    known = {steps: dict.fromkeys(range(12), steps < 2) for steps in range(aim.steps)}
    label = CreditPlan(aim, Credit(), known).label(RolloutOwner(PolicyVersion("test"), 0))
    rollouts = Rollouts(lab, lab.base, seed=0)
    for steps in range(2):
        rollouts.drawn[PROBLEM.text, aim.prefix(steps)] = [good]
    (pair,) = arms.pairs(arms.STEPS, lab.words, rollouts, [Credited(wrong, aim, label)], random.Random(0))
    assert lab.words.text(pair.prompt).endswith(f"{RIGHT[0]}\n")
    assert (lab.words.text(pair.chosen), lab.words.text(pair.rejected)) == (f"{RIGHT[1]}\n", f"{WRONG[1]}\n")
    (prefix,) = arms.pairs(arms.PREFIX, lab.words, rollouts, [Credited(wrong, aim, label)], random.Random(0))
    assert lab.words.text(prefix.rejected) == f"{WRONG[0]}\n{WRONG[1]}\n"
