"""A plan asks, learns and ends, for any results in any order; and what it finds in worlds with known Q."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.credit.plan import CreditPlan
from actors.credit.strategies import FULL, Strategy
from actors.credit.targets import target_of
from schemas.config_credit import Credit
from schemas.credit import Ask, CreditTarget, PitRule, Stop
from schemas.errors import GleanerError
from schemas.ids import OrderId, PassageId
from tests.doubles.credit_worlds import SOURCE, WORLDS, by_number, by_plan, label_of, score

CONFIGS = st.builds(
    Credit,
    best_of=st.sampled_from([1, 5]),
    min_rollouts=st.integers(0, 3),
    max_rollouts=st.integers(1, 30),
    at_once=st.integers(1, 6),
)


def target(steps: int, *, wrong: bool = True) -> CreditTarget:
    return CreditTarget(PassageId("p"), OrderId("o"), 1, "." * steps, tuple(range(1, steps + 1)), wrong=wrong)


@given(st.integers(1, 8), CONFIGS, st.booleans(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_with_any_results_it_ends_within_its_bounds(steps: int, config: Credit, wrong: bool, random: Random) -> None:
    """Results in any order, failures among them: never more under way or asked for than allowed, no draw twice."""
    ends_within_its_bounds(steps, config, wrong, random, FULL)


def ends_within_its_bounds(steps: int, config: Credit, wrong: bool, random: Random, strategy: Strategy) -> None:
    """Whatever the strategy; `tests/studies/test_stepwise_halving.py` holds it of one that a study brings."""
    plan = CreditPlan(target(steps, wrong=wrong), config, {}, strategy=strategy)
    asked: list[Ask] = []
    while not plan.done:
        asks = plan.next()
        asked += asks
        assert len(plan.pending) <= config.at_once
        assert plan.pending or plan.done, "nothing is under way, and nothing is asked for"
        told = random.sample(sorted(plan.pending, key=lambda ask: (ask.steps, ask.draw)), min(1, len(plan.pending)))
        for ask in told:
            plan.learn(ask, random.choice([True, False, None]))
    assert len(asked) == len(set(asked)) <= config.max_rollouts
    assert all(1 <= ask.steps <= steps - wrong for ask in asked), "a whole wrong solution is known to be worth 0"
    label = plan.label(SOURCE)
    assert (label.stopped is Stop.DECIDED) == (label.probability >= config.confidence)
    assert label.first_pit is None or 1 <= label.first_pit <= steps
    if wrong:
        assert label.first_pit is not None
    for value in label.values:
        assert 0 <= value.k <= value.n
        assert value.q is None or value.low <= value.q <= value.high


@given(st.integers(2, 7), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_what_is_known_is_not_asked_for(steps: int, random: Random) -> None:
    """A resumed plan that gets the earlier results asks only for other draws and reaches the same tallies."""
    config = Credit(max_rollouts=20, at_once=1)
    values = [0.6] * steps + [0.0]
    plan = CreditPlan(target(steps), config, {})
    known: dict[int, dict[int, bool | None]] = {}
    for _ in range(random.randrange(8)):
        for ask in plan.next():
            right = random.random() < values[ask.steps]
            plan.learn(ask, right)
            known.setdefault(ask.steps, {})[ask.draw] = right
    again = CreditPlan(target(steps), config, known)
    assert [(value.n, value.k) for value in again.label(SOURCE).values] == [
        (value.n, value.k) for value in plan.label(SOURCE).values
    ]
    assert again.done or again.next() == plan.next() or plan.done
    assert all(ask.draw not in known.get(ask.steps, {}) for ask in again.pending)


def test_a_result_that_was_not_asked_for_is_refused() -> None:
    plan = CreditPlan(target(4), Credit(), {})
    (first, *_) = plan.next()
    plan.learn(first, right=True)
    with pytest.raises(GleanerError, match="was not asked for"):
        plan.learn(first, right=True)


def test_the_prefixes_are_the_solutions_own_steps() -> None:
    """Offsets as `actors.text.steps` cuts them; joined they are the solution."""
    solution = "First 2 + 2 = 4.\n\nThen 4 * 3 = 11.\n#### 11"
    cut = target_of(PassageId("p"), OrderId("o"), 2, solution)
    assert [cut.prefix(steps) for steps in range(4)] == ["", "First 2 + 2 = 4.\n\n", solution[:-7], solution]


def test_advantages_add_up() -> None:
    """A_i = Q_i - Q_(i-1): over all steps, what the solution was worth at the beginning is lost."""
    label = label_of([0.8, 0.8, 0.7, 0.0, 0.0], Credit(min_rollouts=12, max_rollouts=60), Random(1))
    assert label.advantage(1) is None, "nobody drew from the problem itself"
    rest = [label.advantage(step) for step in (2, 3, 4)]
    assert sum(each for each in rest if each is not None) == pytest.approx(-(label.values[1].q or 0.0))
    assert label.advantage(3) == min(each for each in rest if each is not None)


def test_a_right_solution_may_have_no_pit() -> None:
    """No step of it has Q = 0, though one is worse than the others."""
    values = [0.9, 0.9, 0.3, 0.9, 0.9]
    plan, random = CreditPlan(target(4, wrong=False), Credit(max_rollouts=400, min_rollouts=30), {}), Random(3)
    while not plan.done:
        for ask in plan.next():
            plan.learn(ask, random.random() < values[ask.steps])
    assert (plan.label(SOURCE).rule, plan.label(SOURCE).first_pit) == (PitRule.ZERO, None)


def test_sequential_stopping_finds_first_pits_at_a_share_of_the_rollouts() -> None:
    """Goal: 90% agreement with 256 rollouts a step, at 40% of 16 a step."""
    found = score(WORLDS["fatal: no step is ever mended"], by_plan(Credit()), Credit().tolerance, solutions=100)
    assert found.agreement >= 0.95
    assert found.cost <= 0.3


def test_as_good_as_sixteen_at_less_than_half() -> None:
    """Also where some mistakes are mended and Q lies close to what counts as 0."""
    world = WORLDS["seldom mended"]
    sixteen = score(world, by_number(16, 0.1), 0.1, solutions=100)
    full = score(world, by_plan(replace(Credit(), at_once=1)), 0.1, solutions=100)
    assert full.agreement >= sixteen.agreement - 0.05
    assert full.cost <= 0.4
