"""Binary search as a strategy that a study brings: it keeps a plan's bounds, and loses to what runs use."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.credit.strategies import FULL, Strategy
from schemas.config_credit import Credit
from studies.stepwise.halving import binary
from tests.actors.credit.test_plan import CONFIGS, ends_within_its_bounds
from tests.doubles.credit_worlds import WORLDS, by_plan, label_of, score


@given(st.integers(1, 8), CONFIGS, st.booleans(), st.randoms(use_true_random=False), st.integers(0, 3))
@settings(deadline=None)
def test_a_plan_takes_a_strategy_from_outside(
    steps: int, config: Credit, wrong: bool, random: Random, check_steps: int
) -> None:
    """Never more under way or asked for than allowed, no draw twice, a label at the end."""
    ends_within_its_bounds(steps, config, wrong, random, binary(check_steps))


def test_a_label_says_how_its_rollouts_were_chosen() -> None:
    values = [0.9, 0.9, 0.0, 0.0]
    found = [label_of(values, Credit(), Random(1), strategy).strategy for strategy in (FULL, binary())]
    assert found == ["full", "binary"]


def test_halving_finds_first_pits_where_no_step_is_mended() -> None:
    """Goal: 90% agreement with 256 rollouts a step, at 40% of 16 a step."""
    world = WORLDS["fatal: no step is ever mended"]
    found = score(world, by_plan(Credit(), binary()), Credit().tolerance, solutions=100)
    assert found.agreement >= 0.95
    assert found.cost <= 0.3


def test_monotone_search_alone_is_not_to_be_trusted() -> None:
    """Q dips and recovers before the steps that halving looks at: it never sees the first pit, others mostly do."""
    values = [0.8, 0.8, 0.02, 0.8, 0.8, 0.8, 0.7, 0.0, 0.0]

    def found(strategy: Strategy) -> int:
        config = Credit(max_rollouts=200)
        return sum(label_of(values, config, Random(seed), strategy).first_pit == 2 for seed in range(40))

    assert found(binary(check_steps=0)) == 0
    assert found(FULL) >= 25


def test_looking_where_it_tells_most_beats_halving() -> None:
    """The policy's own solutions, where some mistakes are mended: the same share of rollouts, more first pits."""
    world = WORLDS["seldom mended"]
    alone, full = (
        score(world, by_plan(Credit(), strategy), 0.1, solutions=150) for strategy in (binary(check_steps=0), FULL)
    )
    assert full.agreement > alone.agreement + 0.05
