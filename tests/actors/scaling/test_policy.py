"""What the policy says of plain situations: facts, one decision, one expected list."""

import math

import pytest
from msgspec.structs import replace

from actors.scaling.policy import attempts_per_order, decide, idle, remember
from actors.scaling.share import share
from schemas.scaling import (
    Idle,
    Peak,
    PoolBounds,
    PoolMemory,
    PoolSignals,
    ScalingLimits,
    ScalingMemory,
    Signals,
    Why,
)

POOL = PoolSignals(1.0, 100.0, 100.0, 8, 0.0, ready=1, starting=0, draining=0, start_s=10.0)
"""One replica does one call a second."""
BOUNDS = PoolBounds(1, 100, 1.0)
NOTHING = ScalingMemory()


def signals(orders: int = 0, requeued: float = 0.0, **pools: PoolSignals) -> Signals:
    return Signals(orders, 0, 0, 0.0, requeued, 4, pools)


def limits(accelerators: float = math.inf, max_starting: int = 1000, **pools: PoolBounds) -> ScalingLimits:
    return ScalingLimits(pools, accelerators, 60.0, 5.0, max_starting, horizon_s=30.0)


def wanted(facts: Signals, bounds: ScalingLimits, memory: ScalingMemory = NOTHING, now: float = 0.0) -> dict:
    decided, _ = decide(facts, bounds, memory, now)
    return {pool: (decision.wanted, decision.why) for pool, decision in decided.pools.items()}


def test_replicas_are_started_for_a_horizon_of_work() -> None:
    """300 calls of a second each are 30 seconds of work for ten replicas."""
    assert wanted(signals(300, generator=POOL), limits(generator=BOUNDS)) == {"generator": (10, Why.WORK)}


def test_rejections_are_work_for_the_generator() -> None:
    """Half of all attempts come back: 300 orders are 563 attempts."""
    assert attempts_per_order(signals(300, 0.5, generator=POOL)) == 1.875
    assert wanted(signals(300, 0.5, generator=POOL), limits(generator=BOUNDS))["generator"] == (19, Why.WORK)


def test_accelerators_go_where_the_bottleneck_is() -> None:
    """The judge needs a third of the generator's time an order, the reward gate a sixth: 6 to 2 to 1."""
    judge, reward = replace(POOL, tokens_per_s=300.0), replace(POOL, tokens_per_s=600.0)
    facts = signals(100_000, generator=POOL, faithfulness=judge, reward=reward)
    bounds = limits(90.0, generator=BOUNDS, faithfulness=BOUNDS, reward=BOUNDS)
    assert [count for count, _ in wanted(facts, bounds).values()] == [60, 20, 10]


def test_no_pool_grows_past_what_the_slowest_can_take() -> None:
    """The judge may have two replicas only: more than four generators would wait for it."""
    facts = signals(
        100_000, generator=replace(POOL, tokens_per_s=200.0), faithfulness=replace(POOL, tokens_per_s=400.0)
    )
    bounds = limits(generator=BOUNDS, faithfulness=PoolBounds(1, 2, 1.0))
    assert [count for count, _ in wanted(facts, bounds).values()] == [4, 2]


def test_a_need_that_falls_is_followed_after_the_cool_down() -> None:
    """Ten replicas, work for three: nothing for 60 seconds, then three."""
    memory = ScalingMemory({"generator": PoolMemory(10, (Peak(0.0, 10),))})
    facts = signals(90, generator=replace(POOL, ready=10))
    bounds = limits(generator=BOUNDS)
    assert wanted(facts, bounds, memory, 59.0) == {"generator": (10, Why.STEADY)}
    assert wanted(facts, bounds, memory, 60.0) == {"generator": (4, Why.LESS_WORK)}


def test_the_last_order_keeps_one_replica() -> None:
    """A pool has one replica for any work at all: that least is no need, and room for noise above it is not kept."""
    memory = ScalingMemory({"generator": PoolMemory(3, (Peak(0.0, 3),))})
    facts = signals(1, generator=replace(POOL, ready=3, running=1))
    assert wanted(facts, limits(generator=BOUNDS), memory, 60.0) == {"generator": (1, Why.LESS_WORK)}


def test_an_idle_pool_goes_to_nothing() -> None:
    """Scale to zero, where the minimum is zero."""
    memory = ScalingMemory({"generator": PoolMemory(2, (Peak(0.0, 2),))})
    bounds = limits(generator=PoolBounds(0, 4, 1.0))
    assert wanted(signals(0, generator=POOL), bounds, memory, 60.0) == {"generator": (0, Why.NO_WORK)}


def test_a_draining_replica_still_holds_its_accelerator() -> None:
    """Four accelerators, one draining elsewhere: the generator gets the three that are free."""
    gone = replace(POOL, ready=0, draining=1)
    bounds = limits(4.0, generator=BOUNDS, faithfulness=PoolBounds(0, 4, 1.0))
    facts = signals(10_000, generator=replace(POOL, ready=1), faithfulness=replace(gone, calls_per_attempt=0.0))
    assert wanted(facts, bounds) == {"generator": (3, Why.BUDGET), "faithfulness": (0, Why.STEADY)}


def test_replicas_start_a_few_at_a_time() -> None:
    """Models are loaded by two at once, though the work asks for ten."""
    assert wanted(signals(300, generator=POOL), limits(max_starting=2, generator=BOUNDS)) == {
        "generator": (3, Why.START_LIMIT)
    }


def test_a_pool_with_too_much_gives_way() -> None:
    """The work has moved to the judge while the generator holds everything: after 5 seconds it lets go at once."""
    judge = replace(POOL, tokens_per_s=50.0)
    facts = signals(10_000, generator=replace(POOL, ready=9), faithfulness=judge)
    bounds = limits(10.0, generator=BOUNDS, faithfulness=BOUNDS)
    memory = ScalingMemory(
        {"generator": PoolMemory(9, (Peak(0.0, 9),)), "faithfulness": PoolMemory(1, (Peak(0.0, 1),))}
    )
    first, memory = decide(facts, bounds, memory, 1.0)
    assert [first.pools[pool].why for pool in ("generator", "faithfulness")] == [Why.STEADY, Why.BUDGET]
    later, _ = decide(facts, bounds, memory, 6.0)
    assert (later.pools["generator"].wanted, later.pools["generator"].why) == (4, Why.GAVE_WAY)


def test_a_small_gain_is_worth_a_move_after_a_cool_down() -> None:
    """52 generators beside 38 judges, for shares of 54 and 36: the run would end 4% sooner. Nothing for a minute, then
    the judges let go, and the generators have what is free."""
    judge = replace(POOL, tokens_per_s=54 / 36 * 100.0, ready=38)
    facts = signals(100_000, generator=replace(POOL, ready=52), faithfulness=judge)
    bounds = limits(90.0, generator=BOUNDS, faithfulness=BOUNDS)
    memory = ScalingMemory(
        {"generator": PoolMemory(52, (Peak(0.0, 54),)), "faithfulness": PoolMemory(38, (Peak(0.0, 38),))}
    )
    for now in (1.0, 11.0, 60.0):
        scaling, memory = decide(facts, bounds, memory, now)
        assert [each.wanted for each in scaling.pools.values()] == [52, 38]
    scaling, memory = decide(facts, bounds, memory, 61.0)
    assert scaling.pools["faithfulness"].wanted == 36
    freed = signals(100_000, generator=replace(POOL, ready=52), faithfulness=replace(judge, ready=36))
    scaling, _ = decide(freed, bounds, memory, 62.0)
    assert [each.wanted for each in scaling.pools.values()] == [54, 36]


def test_unmeasured_pools_begin_by_their_slots() -> None:
    """Before the first answer a call is taken to last a second: 2,400 orders, 8 slots, 30 seconds."""
    facts = signals(2400, generator=replace(POOL, tokens_per_s=None))
    assert wanted(facts, limits(generator=BOUNDS))["generator"] == (10, Why.WORK)


def test_a_full_queue_stands_for_more_than_it_holds() -> None:
    """The reader waits for room: every replica that may be there is worth having."""
    bounds = limits(50.0, generator=PoolBounds(1, 40, 1.0))
    assert wanted(replace(signals(300, generator=POOL), unread=True), bounds)["generator"] == (40, Why.WORK)


def test_the_window_keeps_its_highest_need() -> None:
    """Each entry is below the one before; what is too old leaves."""
    peaks = (Peak(1.0, 9), Peak(2.0, 5), Peak(3.0, 4))
    assert remember(peaks, Peak(4.0, 4), oldest_at=0.0) == (Peak(1.0, 9), Peak(2.0, 5), Peak(4.0, 4))
    assert remember(peaks, Peak(4.0, 1), oldest_at=1.0) == (Peak(2.0, 5), Peak(3.0, 4), Peak(4.0, 1))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (signals(0, generator=POOL), Idle.NO_WORK),
        (signals(9, generator=replace(POOL, running=8.0)), Idle.BUSY),
        (signals(9, generator=replace(POOL, kv_used=0.97)), Idle.BUSY),
        (signals(9, generator=replace(POOL, ready=0, starting=1)), Idle.STARTING),
        (signals(9, generator=replace(POOL, breaker_open=True)), Idle.BREAKER),
        (signals(9, generator=POOL, faithfulness=replace(POOL, running=50.0)), Idle.BACKPRESSURE),
        (replace(signals(9, generator=POOL), budget_spent=True), Idle.BUDGET),
    ],
)
def test_every_idle_pool_says_why(facts: Signals, expected: Idle) -> None:
    """The six answers to "why is it idle?"."""
    assert idle(facts, "generator", 1) is expected


def test_a_budget_too_small_for_one_of_each_is_refused() -> None:
    """A configuration is checked for this before a run starts."""
    with pytest.raises(ValueError, match="do not hold one replica of each"):
        share({"a": 1.0, "b": 1.0}, {"a": BOUNDS, "b": BOUNDS}, accelerators=1.0, horizon_s=1.0)
