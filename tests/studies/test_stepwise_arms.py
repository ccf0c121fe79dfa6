"""What credit spends, and which pairs it makes, on a problem whose every step is known."""

import random
from dataclasses import replace
from itertools import chain, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.credit.plan import CreditPlan, RolloutOwner
from schemas.config_credit import Credit
from schemas.credit import PolicyVersion
from studies.arithmetic import tokenizer as world_tokenizer
from studies.arithmetic.models import SCALES, untrained
from studies.arithmetic.teacher import CLEAN
from studies.arithmetic.truth import right
from studies.arithmetic.world import BEYOND, problems
from studies.stepwise import arms, preferences
from studies.stepwise.arms import Cell
from studies.stepwise.credits import Credited, Rollouts, credited, target
from studies.stepwise.fit import Tuning, batches, filled
from studies.stepwise.lab import Lab, Solution
from studies.stepwise.net import from_library
from studies.stepwise.preferences import preference, totals
from studies.stepwise.restarts import FREE, NET, RANDOM, SCRATCH, Spent, Tries, compared, credit_cost, last_good
from studies.stepwise.rows import Words
from studies.stepwise.sample import Sampler
from studies.stepwise.study import FULL

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


def broken(lab: Lab) -> tuple[Rollouts, Credited]:
    """The wrong solution credited at its second step, with right ways known to go on before each of its two steps."""
    wrong, good = solution(lab, WRONG), solution(lab, RIGHT)
    lines = ["Ada = 2", *RIGHT[1:]]
    other = replace(solution(lab, lines), right=True)
    aim = target(wrong, 0)
    known = {steps: dict.fromkeys(range(12), steps < 2) for steps in range(aim.steps)}
    label = CreditPlan(aim, Credit(), known).label(RolloutOwner(PolicyVersion("test"), 0))
    rollouts = Rollouts(lab, lab.base, seed=0)
    rollouts.drawn[PROBLEM.text, aim.prefix(0)] = [other]
    rollouts.drawn[PROBLEM.text, aim.prefix(1)] = [good]
    return rollouts, Credited(wrong, aim, label)


def test_random_steps_are_as_many_as_critical_ones_and_stand_anywhere_up_to_the_pit(lab: Lab) -> None:
    """The control of credit: the same solutions, the same number of pairs, but not where something broke."""
    rollouts, one = broken(lab)
    seen: set[str] = set()
    for number in range(40):
        (pair,) = arms.pairs(arms.RANDOM, lab.words, rollouts, [one], random.Random(number))
        seen.add(lab.words.text(pair.rejected))
        (critical,) = arms.pairs(arms.STEPS, lab.words, rollouts, [one], random.Random(number))
        assert lab.words.text(critical.rejected) == f"{WRONG[1]}\n"
    assert seen == {f"{WRONG[0]}\n", f"{WRONG[1]}\n"}


def test_a_pair_at_the_first_pit_shares_its_beginning_where_it_can(lab: Lab) -> None:
    """As in the paper's algorithm: the next step where a right one is known there, else a whole right solution."""
    rollouts, one = broken(lab)
    (pair,) = arms.pairs(arms.FIRST_PIT, lab.words, rollouts, [one], random.Random(0))
    assert (lab.words.text(pair.chosen), lab.words.text(pair.rejected)) == (f"{RIGHT[1]}\n", f"{WRONG[1]}\n")
    del rollouts.drawn[PROBLEM.text, one.target.prefix(1)]
    (pair,) = arms.pairs(arms.FIRST_PIT, lab.words, rollouts, [one], random.Random(0))
    assert lab.words.text(pair.rejected) == f"{WRONG[0]}\n{WRONG[1]}\n"
    assert pair.prompt == lab.words.asked(PROBLEM.text)


def test_the_bases_own_draws_hold_a_net_near_to_it(lab: Lab) -> None:
    """Trained on a solution that the base would not write, the net moves less from the base's own draws with them."""
    cell = Cell(lab, FULL.plan, [PROBLEM], 0)
    drawn = lab.solutions(lab.base, [PROBLEM] * 8, seed=1)
    rows, own = arms.solution_rows(lab.words, [solution(lab, RIGHT)]), arms.solution_rows(lab.words, drawn)
    tuning = Tuning(steps=12, rate=3e-3, rows=9)
    free, held = (
        arms.going_on(cell, lab.base, rows + arms.held_rows(lab.words, drawn, pull), tuning, "low")
        for pull in (0.0, 1.0)
    )
    near, far = (totals(net, own, lab.words.pad).sum().item() for net in (held, free))
    assert near > far


def test_chosen_sides_alone_raise_their_likelihood_and_leave_the_policy(lab: Lab) -> None:
    """The control of negatives: what pairs teach without their rejected side. The policy itself is not changed."""
    rollouts, one = broken(lab)
    rows = arms.chosen_rows(arms.pairs(arms.STEPS, lab.words, rollouts, [one], random.Random(0)))
    before = totals(lab.base, rows, lab.words.pad).item()
    cell = Cell(lab, FULL.plan, [PROBLEM], 0)
    after = arms.going_on(cell, lab.base, rows, Tuning(steps=8, rate=1e-3, rows=1), arms.CHOSEN)
    assert totals(after, rows, lab.words.pad).item() > before
    assert totals(lab.base, rows, lab.words.pad).item() == before
    assert arms.going_on(cell, lab.base, [], Tuning(steps=8, rate=1e-3), arms.CHOSEN) is lab.base


def test_what_rollouts_completed_is_right_and_began_as_a_wrong_solution(lab: Lab) -> None:
    """Not what was drawn from the problem itself, nothing wrong, and equal ones once."""
    rollouts, one = broken(lab)
    after = one.target.prefix(1)
    rollouts.drawn[PROBLEM.text, after] += [solution(lab, WRONG), solution(lab, RIGHT)]
    assert arms.completed(rollouts, most=4) == [solution(lab, RIGHT)]
    assert arms.solution_rows(lab.words, [solution(lab, RIGHT)])[0].completion == solution(lab, RIGHT).ids


def test_a_restart_pays_its_prompt_its_prefix_and_its_credit(lab: Lab) -> None:
    """Two draws of four tokens each that come to nothing: everything that was read and written is counted."""
    rollouts, one = broken(lab)
    words = lab.words
    prompt, good = len(words.asked(PROBLEM.text)), len(words.ids(one.target.prefix(1)))
    tries = Tries(lab, lab.base, draws=2, seed=0)
    spent = compared(tries, [one], credit_cost(lab, rollouts), random.Random(0))
    drawn = [lab.sampler.completions(lab.base, [words.asked(PROBLEM.text)], seed=draw)[0] for draw in range(2)]
    assert spent[SCRATCH] == Spent(0, 2 * prompt + sum(map(len, drawn)))
    assert spent[FREE].tokens > 2 * (prompt + good)
    held = [found for found in rollouts.drawn.values() for found in found]
    assert spent[NET].tokens - spent[FREE].tokens == sum(prompt + len(each.ids) for each in held)
    assert (spent[NET].recovered, last_good(one)) == (spent[FREE].recovered, 1)
    randoms = {compared(tries, [one], 0, random.Random(n))[RANDOM].tokens for n in range(8)}
    assert randoms == {spent[SCRATCH].tokens, spent[FREE].tokens}


def test_a_step_of_pairs_sees_as_many_tokens_as_a_step_of_solutions(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sides of a pair count. What the loss is given is what is counted here."""
    rollouts, one = broken(lab)
    pairs = arms.pairs(arms.WHOLE, lab.words, rollouts, [one], random.Random(0)) * 8
    rows = arms.solution_rows(lab.words, [solution(lab, RIGHT)] * 8)
    tuning = Tuning(steps=6, rate=1e-4, tokens=4 * len(rows[0].completion))
    drawn = batches(rows, tuning, lambda row: len(row.completion), random.Random(0))
    assert [len(part) for part in islice(drawn, 6)] == [4] * 6
    seen: list[int] = []

    def counted(part, reference, pad, pull):
        seen.append(sum(len(pair.chosen) + len(pair.rejected) for pair in part))
        return preference(part, reference, pad, pull)

    monkeypatch.setattr(preferences, "preference", counted)
    preferences.preferred(lab.base, pairs, tuning, preferences.PLAIN, pad=lab.words.pad, rng=random.Random(0))
    assert abs(sum(seen) - 6 * (tuning.tokens or 0)) <= pairs[0].tokens


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(1, 200))
def test_a_step_sees_as_many_tokens_whatever_it_learns_from(sizes: list[int], tokens: int) -> None:
    """Over steps the count is what was asked for, within one item; and each pass has every item once."""
    seen = list(islice(filled(sizes, tokens, lambda size: size, random.Random(0)), 20))
    if max(sizes) <= tokens:
        over = [sum(map(sum, seen[:steps])) - steps * tokens for steps in range(1, 21)]
        assert all(0 <= one < max(sizes) for one in over)
    drawn = list(chain.from_iterable(seen))
    if len(drawn) >= len(sizes):
        assert sorted(drawn[: len(sizes)]) == sorted(sizes)
