"""What a run held and cost: nothing counted twice, nothing guessed."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.counts.bill import bill_of, is_spent, per_accelerator_hour
from actors.scaling.held import AcceleratorClock, ReplicaSize
from actors.scaling.measure import PoolFacts
from benchmarks.loop import configuration
from deployments.config.rules import broken_rule
from schemas.bill import Accelerator, HeldTime
from schemas.config_bounds import Budget
from schemas.config_deployed import Price
from schemas.distributions import AttemptEnd
from schemas.ledger import AcceptedEnd, Metered, Rejoined
from schemas.progress import Summary
from tests.actors.counts.records import FAITHFUL, GOOD, UNFAITHFUL, counted, first, planned, repaired

PLAIN = configuration(Path("corpus.jsonl"), rejected=0.0, concurrency=64)
GPU, CPU = Accelerator.GPU, Accelerator.CPU
HALF_HOUR = HeldTime("generator", GPU, 1800.0, 900.0)


def run_of_two_attempts() -> Summary:
    """Rejected, then accepted: 10 tokens each of the generator, 20 of the judge, 5 of the reward model."""
    plan, (order,) = planned(1)
    return counted(
        [
            plan,
            Rejoined(2.0, order.id, first(UNFAITHFUL, GOOD)),
            Metered(2.5, (HALF_HOUR,)),
            AcceptedEnd(3.0, order.id, repaired(FAITHFUL, GOOD)),
            Metered(3.5, (HALF_HOUR, HeldTime("faithfulness", GPU, 360.0, 0.0))),
        ]
    )


def test_what_replicas_held_is_added_up_once() -> None:
    """By role; a record that a call made twice has the same moment."""
    twice = Metered(2.5, (HALF_HOUR,))
    held = counted([twice, twice, Metered(9.0, (HALF_HOUR,))]).held
    assert held == (HeldTime("generator", GPU, 3600.0, 1800.0),)


def test_tokens_and_hours_are_priced_by_role() -> None:
    """The generator by the hour, the judge by tokens; the reward model has no price, and is named."""
    prices = {"generator": Price(accelerator_hour=2.0), "faithfulness": Price(prompt_tokens=1_000_000.0)}
    bill = bill_of(run_of_two_attempts(), prices)
    assert bill is not None
    assert {role.role: (role.tokens, role.hours) for role in bill.roles} == {
        "faithfulness": (40.0, 0.0),
        "generator": (0.0, 2.0),
    }
    assert (bill.cost, bill.accepted, bill.unpriced) == (42.0, 42.0, ("reward",))


def test_tokens_from_a_cache_have_a_price_of_their_own() -> None:
    """Three of ten prompt tokens came from the cache, at a tenth of the price; without that price all cost the same.
    What attempts cost adds up to it."""
    plan, (order,) = planned(1)
    made = repaired(FAITHFUL, GOOD)
    assert made.candidate is not None
    paid = replace(made.candidate.cost, prompt_tokens=10, completion_tokens=0, cached_tokens=3)
    made = replace(made, number=1, candidate=replace(made.candidate, cost=paid))
    summary = counted([plan, AcceptedEnd(3.0, order.id, made)])
    (role,) = [each for each in summary.roles if each.role == "generator"]
    assert (role.prompt_tokens, role.cached_tokens) == (10, 3)
    for cached, cost in ((100_000.0, 7.3), (0.0, 7.0), (None, 10.0)):
        bill = bill_of(summary, {"generator": Price(prompt_tokens=1_000_000.0, cached_tokens=cached)})
        assert bill is not None and bill.cost == pytest.approx(cost)
        assert sum(end.cost for end in bill.ends) == pytest.approx(cost)


def test_what_attempts_cost_adds_up_to_what_their_calls_took() -> None:
    """Two like attempts, one accepted: half of the tokens and half of the hours each."""
    prices = {"faithfulness": Price(prompt_tokens=1e6, accelerator_hour=10.0)}
    bill = bill_of(run_of_two_attempts(), prices)
    assert bill is not None
    assert {end.end: pytest.approx(end.cost) for end in bill.ends} == {
        AttemptEnd.ACCEPTED: 20.5,
        AttemptEnd.REJECTED: 20.5,
    }


def test_without_a_price_there_is_no_bill() -> None:
    """And a price by the hour names nobody who has none: hours are what is paid."""
    assert bill_of(run_of_two_attempts(), {}) is None
    bill = bill_of(run_of_two_attempts(), {"generator": Price(accelerator_hour=1.0)})
    assert bill is not None and bill.unpriced == ()
    nothing = bill_of(counted([]), {"generator": Price(accelerator_hour=1.0)})
    assert nothing is not None and (nothing.cost, nothing.accepted) == (0, None)


def test_the_headline_is_per_hour_of_an_accelerator() -> None:
    """One sample and 70 tokens in 1.1 hours; unknown where nothing was metered."""
    assert per_accelerator_hour(run_of_two_attempts()) == (GPU, pytest.approx(1 / 1.1), pytest.approx(70 / 1.1))
    assert per_accelerator_hour(counted([])) is None


def test_replicas_that_load_or_drain_hold_what_they_take() -> None:
    """Two of four slots taken of one ready replica with two GPUs, while another loads and a third drains."""
    clock = AcceleratorClock({"generator": ReplicaSize(GPU, 2.0), "reward": ReplicaSize(GPU, 0.0)})
    facts = PoolFacts(calls=0, recorded=0, tokens=0, running=2, slots=4, ready=1, starting=1, draining=1)
    clock.tick(100.0, {"generator": facts, "reward": facts})
    assert clock.take() == ()
    clock.tick(110.0, {"generator": facts, "reward": facts})
    assert clock.take() == (HeldTime("generator", GPU, 60.0, 10.0),)
    clock.tick(105.0, {"generator": facts})
    assert clock.take() == (), "a clock that goes back counts nothing"


def test_more_calls_than_slots_are_no_more_than_busy() -> None:
    """Calls that wait are no work; without a ready replica nothing is busy."""
    clock = AcceleratorClock({"generator": ReplicaSize(CPU, 1.0)})
    full = PoolFacts(calls=0, recorded=0, tokens=0, running=99, slots=4, ready=1, starting=0, draining=0)
    clock.tick(0.0, {"generator": full})
    clock.tick(1.0, {"generator": full})
    clock.tick(2.0, {"generator": replace(full, ready=0, starting=1)})
    assert clock.take() == (HeldTime("generator", CPU, 2.0, 1.0),)


def test_a_budget_of_cost_is_spent_when_the_bill_reaches_it() -> None:
    """42 by these prices: spent at 42, not at 43; never without a cost."""
    pool = replace(PLAIN.pools["generator"], price=Price(accelerator_hour=42.0))
    priced = replace(PLAIN, pools={"generator": pool})
    summary = run_of_two_attempts()
    assert is_spent(replace(priced, budget=Budget(cost=42.0)), summary)
    assert not is_spent(replace(priced, budget=Budget(cost=43.0)), summary)
    assert not is_spent(priced, summary)
    assert broken_rule(replace(PLAIN, budget=Budget(cost=1.0))) == "budget.cost: no pool and no gate has a price"
