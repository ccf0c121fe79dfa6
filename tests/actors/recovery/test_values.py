"""Off-policy estimates: right on the average where the truth is known, silent where the log does not tell."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.recovery.adaptive import Arm
from actors.recovery.decisions import Decision
from actors.recovery.values import policy_values, repair_values
from schemas.ids import OrderId
from schemas.recovery import (
    KNOWN_MODES,
    KNOWN_REPAIRS,
    Experience,
    FailureMode,
    Modes,
    RepairCount,
    RepairKind,
    Repairs,
    RepairTurn,
)

EDIT, QUOTE, AGAIN = Repairs.EDIT_UNSUPPORTED, Repairs.QUOTE_THEN_ANSWER, Repairs.RESAMPLE
OPTIONS = tuple(Arm(kind, RepairTurn.FIRST) for kind in (EDIT, QUOTE, AGAIN))
CHANCES = {EDIT: 0.3, QUOTE: 0.7, AGAIN: 0.2}
COSTS = {EDIT: 100, QUOTE: 150, AGAIN: 80}
FRESH = Experience(fresh_tried=100, fresh_accepted=75, fresh_tokens=10_000)


def logged(
    number: int, probabilities: dict[RepairKind, float], *, seed: int, rules: RepairKind = EDIT
) -> list[Decision]:
    random, decisions = Random(seed), []
    for place in range(number):
        kind = random.choices(list(probabilities), list(probabilities.values()))[0]
        good = random.random() < CHANCES[kind]
        decisions.append(
            Decision(
                OrderId(f"{place:032x}"), Modes.PARAMETRIC, OPTIONS, "test", Arm(kind, RepairTurn.FIRST),
                probabilities[kind], EDIT, good, COSTS[kind],
            )
        )  # fmt: skip
    return decisions


def test_the_estimate_is_what_the_policy_would_have_come_to() -> None:
    """From one log, three policies that it did not follow: truth within the interval, the ranking right."""
    log = logged(3000, {EDIT: 0.2, QUOTE: 0.3, AGAIN: 0.5}, seed=1)
    found = {each.policy: each for each in policy_values(log, FRESH, stop_below=0.25, seed=0)}
    for name, kind in (("naive_resample", AGAIN), ("rules", EDIT), ("greedy", QUOTE)):
        each = found[name]
        assert each.basis == "estimated"
        assert each.accepted.low is not None
        assert each.accepted.high is not None
        assert each.accepted.low <= 100 * CHANCES[kind] <= each.accepted.high
        assert each.tokens.value == pytest.approx(COSTS[kind])
        assert each.per_1000.value == pytest.approx(1000 * CHANCES[kind] / COSTS[kind], rel=0.15)
        assert each.covered == pytest.approx(1, abs=0.15)
        assert each.effective <= len(log)


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """A hundred logs: the 95% interval misses the truth in five of them on average; in more than twelve, one time in a
    thousand."""
    missed = 0
    for seed in range(100):
        log = logged(300, {EDIT: 0.2, QUOTE: 0.5, AGAIN: 0.3}, seed=seed)
        each = next(found for found in policy_values(log, FRESH, stop_below=0, seed=seed) if found.policy == "rules")
        assert each.accepted.low is not None
        assert each.accepted.high is not None
        missed += not each.accepted.low <= 30 <= each.accepted.high
    assert missed <= 12


def test_a_log_without_exploration_says_that_it_does_not_know() -> None:
    """Rules always edit: of resampling the log tells nothing, of the rules everything."""
    found = {each.policy: each for each in policy_values(logged(200, {EDIT: 1.0}, seed=0), FRESH, stop_below=0, seed=0)}
    assert found["naive_resample"].basis == "unknown"
    assert found["naive_resample"].accepted.value is None
    assert found["naive_resample"].covered == 0
    assert found["rules"].accepted.value == found["test"].accepted.value
    assert policy_values([], FRESH, stop_below=0, seed=0) == ()


def test_stopping_is_known_without_being_tried() -> None:
    """Nothing is worth its tokens: greedy stops at every decision, and that costs and yields nothing."""
    rich = Experience(fresh_tried=100, fresh_accepted=100, fresh_tokens=100)
    found = {each.policy: each for each in policy_values(logged(100, {EDIT: 1.0}, seed=0), rich, stop_below=1, seed=0)}
    assert found["greedy"].accepted.value == 0
    assert found["greedy"].covered == 1


cells = st.lists(
    st.builds(
        lambda mode, repair, turn, tried, share: RepairCount(
            mode, repair, turn, tried, int(tried * share), 100 * tried
        ),
        st.sampled_from(KNOWN_MODES), st.sampled_from(KNOWN_REPAIRS), st.sampled_from(RepairTurn),
        st.integers(1, 50), st.floats(0, 1),
    ),
    unique_by=lambda cell: (cell.mode, cell.repair, cell.turn),
    max_size=12,
)  # fmt: skip


@given(cells)
def test_repairs_are_summed_over_turns_and_nothing_is_lost(repairs: list[RepairCount]) -> None:
    """One row for each repair of a mode, its interval around its rate."""
    rows = repair_values(Experience(repairs=tuple(repairs)))
    assert len({(row.mode, row.repair) for row in rows}) == len(rows)
    assert sum(row.tried for row in rows) == sum(cell.tried for cell in repairs)
    assert sum(row.accepted for row in rows) == sum(cell.accepted for cell in repairs)
    for row in rows:
        assert row.chance.low is not None
        assert row.chance.high is not None
        assert row.chance.low <= row.accepted / row.tried <= row.chance.high
        assert row.per_1000.value == pytest.approx(1000 * row.accepted / row.tried / 100)


def test_errors_take_nothing_from_repairs_that_stops_keep() -> None:
    """Half of the repairs' attempts errored; a stop never does. The log is what it would have been without errors: 30
    of 100 decisions accepted where half of them stop and six of ten repairs are accepted."""
    random, decisions, lost = Random(4), list[Decision](), Counter[FailureMode]()
    repair = Arm(QUOTE, RepairTurn.FIRST)
    for place in range(4000):
        stops, good, errs = random.random() < 0.5, random.random() < 0.6, random.random() < 0.5
        made = Decision(
            OrderId(f"{place:032x}"), Modes.PARAMETRIC, OPTIONS, "test", None if stops else repair, 0.5, QUOTE,
            good and not stops, 0 if stops else 100,
        )  # fmt: skip
        if errs and not stops:
            lost[made.mode] += 1
        else:
            decisions.append(made)
    found = {each.policy: each for each in policy_values(decisions, FRESH, stop_below=0, seed=0, lost=lost)}
    assert found["test"].accepted.value == pytest.approx(30, abs=2)
    assert found["test"].tokens.value == pytest.approx(50, abs=2)
    assert found["rules"].accepted.value == pytest.approx(60, abs=3)
    assert found["rules"].covered == pytest.approx(1, abs=0.05)
    thinned = {each.policy: each for each in policy_values(decisions, FRESH, stop_below=0, seed=0)}
    assert thinned["test"].accepted.value == pytest.approx(20, abs=2)
