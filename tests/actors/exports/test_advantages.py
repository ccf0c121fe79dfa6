"""Which steps are critical: none that lost nothing, at every number of rollouts; most of those that lost much."""

from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import beta, binom

from actors.exports.advantages import FALSE, LEAST, SURE, critical_steps, fall_chance, weight, weights
from schemas.config_credit import Credit
from schemas.credit import PrefixValue, RolloutTally
from tests.doubles.credit_worlds import label_of

FALLS = (0.01, 0.05, 0.1, 0.2, 0.3)
NUMBERS = (1, 2, 3, 4, 5, 8, 16, 40)
"""Of rollouts on a side: a plan gives one to a step behind the pit, and up to all of its 48 to one."""
TRUTHS = np.linspace(0, 1, 101)
TALLY = st.integers(LEAST, 40).flatmap(lambda n: st.integers(0, n).map(lambda k: RolloutTally(n, k)))


def side(n: int, k: int) -> PrefixValue:
    """What a label says of a prefix of so many rollouts; q and the interval take no part."""
    return PrefixValue(1, 1, n, k, q=0.5, low=0.0, high=1.0)


def called(n_before: int, n_after: int, fall: float) -> np.ndarray:
    """Of every outcome, whether the step is called critical. [k before, k after]"""
    found = np.zeros((n_before + 1, n_after + 1))
    for k, after in product(range(n_before + 1), range(n_after + 1)):
        chance = fall_chance(side(n_before, k), side(n_after, after), fall)
        found[k, after] = chance is not None and chance >= SURE
    return found


@pytest.mark.parametrize("fall", [0.01, 0.05, 0.2])
def test_a_neutral_step_is_neutral_at_every_number_of_rollouts(fall: float) -> None:
    """Q is the same before and after; counted exactly over all outcomes: 16 rollouts against 1, 2 or 3 too, as a plan
    leaves them. Comparing posterior means called 400 of 400 such steps critical."""
    for n_before, n_after in product(NUMBERS, NUMBERS):
        table = called(n_before, n_after, fall)
        of_before = binom.pmf(np.arange(n_before + 1)[None], n_before, TRUTHS[:, None])
        of_after = binom.pmf(np.arange(n_after + 1)[None], n_after, TRUTHS[:, None])
        rate = np.einsum("qi,ij,qj->q", of_before, table, of_after).max()
        assert rate <= FALSE, (n_before, n_after, rate)


def test_good_steps_of_a_solution_lose_nothing() -> None:
    """All good steps of simulated solutions are worth 1, whatever the plan gives them: none is ever critical."""
    random = Random(3)
    for _ in range(40):
        steps = random.randint(4, 8)
        pit = random.randint(2, steps)
        values = [1.0] * pit + [0.0] * (steps + 1 - pit)
        label = label_of(values, Credit(max_rollouts=random.choice([16, 48]), min_rollouts=3), random)
        assert critical_steps(label, 0.2, before=pit) == []
        assert all(not weight(label, step) for step in range(1, pit))


@pytest.mark.parametrize("truth", [0.2, 0.5, 0.8])
def test_neutral_steps_under_a_plan_that_stops_when_it_likes(truth: float) -> None:
    """How many rollouts a step gets follows from what they say; the rate of false calls holds all the same."""
    random, false, steps = Random(5), 0, 0
    for _ in range(120):
        values = [truth] * 5 + [0.0, 0.0]
        label = label_of(values, Credit(min_rollouts=random.choice([1, 3, 6])), random)
        for step in range(2, 5):
            chance = fall_chance(label.values[step - 1], label.values[step], 0.1)
            steps += chance is not None
            false += chance is not None and chance >= SURE
    assert steps > 20
    assert false / steps <= FALSE


def test_what_is_lost_is_found() -> None:
    """The power, exactly: a step from Q 0.9 to 0.02 that counts as critical from a fall of 0.2 on. With three rollouts
    behind it and 16 before, three of four are found; with eight on both sides 19 of 20."""
    found = {}
    for n_before, n_after in ((16, 3), (16, 4), (8, 8), (16, 16)):
        before, after = (binom.pmf(np.arange(n + 1), n, q) for n, q in ((n_before, 0.9), (n_after, 0.02)))
        found[n_before, n_after] = round(float(before @ called(n_before, n_after, 0.2) @ after), 2)
    assert found == {(16, 3): 0.74, (16, 4): 0.92, (8, 8): 0.94, (16, 16): 1.0}


@settings(max_examples=60, deadline=None)
@given(TALLY, TALLY, st.sampled_from(FALLS))
def test_the_chance_is_the_integral(before: RolloutTally, after: RolloutTally, fall: float) -> None:
    """Against an adaptive integration over x itself."""
    one, other = ((tally.k + 0.5, tally.n - tally.k + 0.5) for tally in (before, after))
    middle = one[0] / sum(one)
    parts = [
        quad(lambda x: beta.pdf(x, *one) * beta.cdf(x - fall, *other), low, high, limit=200)[0]
        for low, high in ((fall, max(fall, middle)), (max(fall, middle), 1.0))
    ]
    chance = fall_chance(side(before.n, before.k), side(after.n, after.k), fall)
    assert chance == pytest.approx(sum(parts), abs=2e-3)


def test_what_is_known_exactly_needs_no_rollouts() -> None:
    """A whole wrong solution is worth 0: a last step behind 8 of 8 is critical, one behind 0 of 8 is not."""
    nothing = PrefixValue(2, 2, q=0.0, low=0.0, high=0.0)
    for k, critical in ((8, True), (0, False)):
        chance = fall_chance(side(8, k), nothing, 0.2)
        assert chance is not None and (chance >= SURE) == critical
    assert fall_chance(nothing, side(8, 0), 0.2) == 0.0
    assert fall_chance(nothing, nothing, 0.2) == 0.0


def test_a_side_without_rollouts_decides_nothing() -> None:
    """Fewer than three rollouts on a side, or none: no call, and no weight."""
    for n in range(LEAST):
        assert fall_chance(side(n, n), side(16, 0), 0.2) is None
        assert fall_chance(side(16, 16), side(n, 0), 0.2) is None
    assert fall_chance(PrefixValue(0, 0), side(16, 0), 0.2) is None
    label = label_of([0.9, 0.9, 0.0, 0.0], Credit(max_rollouts=1), Random(1))
    assert set(weights(label)) <= {None, 0.0}


def test_a_step_that_helps_has_its_weight_too() -> None:
    """Q rises from 0.1 to 0.9: the weight is the difference, where it is sure."""
    label = label_of([0.1, 0.1, 0.9, 0.0], Credit(min_rollouts=24, max_rollouts=200), Random(2))
    rise = weight(label, 2)
    assert rise is not None and rise > 0.5 and rise == label.advantage(2)
