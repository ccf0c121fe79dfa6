"""The chain of good and bad steps, against the sum over every way the steps could be."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.credit.chain import StepChain, bad_chances, evidences, first_bad, gains
from schemas.credit import RolloutTally

TALLY = st.integers(0, 12).flatmap(lambda n: st.integers(0, n).map(lambda k: RolloutTally(n, k)))
TALLIES = st.lists(TALLY, min_size=1, max_size=6)
CHAINS = st.builds(
    StepChain,
    bound=st.sampled_from([0.05, 0.1, 0.3]),
    wrong=st.booleans(),
    breaks=st.floats(0.05, 0.5),
    recovery=st.floats(0.0, 0.5),
)


def by_enumeration(tallies: list[RolloutTally], chain: StepChain) -> tuple[list[float], list[float]]:
    """First-bad and bad chances, summed over all 2^m ways."""
    steps = evidences(tallies, chain)
    first, bad, total = [0.0] * len(steps), [0.0] * len(steps), 0.0
    for way in product((False, True), repeat=len(steps)):
        weight, before = 1.0, False
        for step, is_bad in zip(steps, way, strict=True):
            if before:
                weight *= 1 - chain.recovery if is_bad else chain.recovery
            else:
                weight *= chain.breaks if is_bad else 1 - chain.breaks
            weight *= step.bad if is_bad else step.good
            before = is_bad
        total += weight
        for place, is_bad in enumerate(way):
            bad[place] += weight * is_bad
        if True in way:
            first[way.index(True)] += weight
    return [each / total for each in first], [each / total for each in bad]


@given(TALLIES, CHAINS)
def test_it_is_the_sum_over_every_way(tallies: list[RolloutTally], chain: StepChain) -> None:
    first, bad = by_enumeration(tallies, chain)
    steps = evidences(tallies, chain)
    assert first_bad(steps, chain) == pytest.approx(first, abs=1e-9)
    assert bad_chances(steps, chain) == pytest.approx(bad, abs=1e-9)


@given(TALLIES, CHAINS)
def test_a_wrong_solution_has_a_first_pit(tallies: list[RolloutTally], chain: StepChain) -> None:
    """Its last step is bad for sure, so the chances of all steps add up to one."""
    total = sum(first_bad(evidences(tallies, chain), chain))
    assert total == pytest.approx(1.0) if chain.wrong else total <= 1 + 1e-9


def test_a_later_right_rollout_speaks_for_the_steps_before_it() -> None:
    """Nobody drew from the first steps; the fourth is fine, so they most probably are."""
    chain = StepChain(0.1, wrong=True)
    unknown = [RolloutTally()] * 6
    known = [*unknown[:3], RolloutTally(2, 2), *unknown[4:]]
    assert bad_chances(evidences(known, chain), chain)[1] < 0.5 * bad_chances(evidences(unknown, chain), chain)[1]


def test_it_does_not_prove_them_good() -> None:
    """Ten failures at step 2 are believed against a success at step 4: Q need not fall from step to step."""
    chain = StepChain(0.1, wrong=True)
    tallies = [RolloutTally(3, 3), RolloutTally(12, 0), RolloutTally(), RolloutTally(3, 3), RolloutTally()]
    first = first_bad(evidences(tallies, chain), chain)
    assert first.index(max(first)) == 1


def test_what_is_certain_is_not_worth_a_rollout() -> None:
    """Behind a sure pit, and at a step that is surely good, a rollout tells nothing; at the open step it does."""
    chain = StepChain(0.1, wrong=True)
    told = gains([RolloutTally(8, 8), RolloutTally(3, 0), RolloutTally(12, 0), RolloutTally(), RolloutTally()], chain)
    assert set(told) == {1, 2, 3, 4}
    assert max(told, key=told.__getitem__) == 2
    assert told[1] < 0.01 * told[2] and told[4] < 0.2 * told[2]
