"""No schedule of bursts, losses and drifts makes the real policy overspend, starve a pool or swing, in a world of
queues, slots and services that take their time.

Twelve schedules, the same ones each time: a continuous integration that fails by chance teaches nobody. SCHEDULES=500
draws so many, at random. A schedule that breaks a law is printed as it was drawn: making it smaller runs
hundreds of worlds, for minutes.
"""

import os

from hypothesis import Phase, given, note, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from benchmarks.simulator.report import figures
from benchmarks.simulator.scalers import Ours
from benchmarks.simulator.scenario import Scenario, Size, build
from benchmarks.simulator.world import World

REPLICAS = 12
SCHEDULES = os.environ.get("SCHEDULES")
TURNS = 4
"""Between two changes of the load: an overshoot by assumed rates, what measured ones mend, and each once more where
rejections drift and replicas are lost meanwhile."""
STARVED_S = 61
"""A pool that gives way after a cool-down: the longest that another waits for its first replica."""


@st.composite
def schedules(draw: st.DrawFn) -> Scenario:
    """One to three bursts of any size at any time, with losses, stragglers and rejections that drift."""
    plain = build("burst", Size(REPLICAS, attempts=600, hours=0.1, seed=draw(st.integers(0, 9))))
    bursts = draw(st.lists(st.tuples(st.floats(0, 600), st.integers(1, 200)), min_size=1, max_size=3))
    bursts = sorted((float(round(at)), orders) for at, orders in bursts)
    first, last = draw(st.floats(0, 0.6)), draw(st.floats(0, 0.6))
    least = {name: draw(st.integers(0, 1)) for name in plain.pools}
    lost, stragglers = draw(st.sampled_from([0.0, 0.0, 2.0])), draw(st.sampled_from([0.0, 0.2]))
    max_starting = draw(st.sampled_from([2, 1000]))
    note(f"seed {plain.seed}, bursts {bursts}, requeued {first} to {last}, least {least}")
    note(f"lost an hour {lost}, stragglers {stragglers}, max_starting {max_starting}")
    return replace(
        plain,
        pools={name: replace(pool, min=least[name]) for name, pool in plain.pools.items()},
        orders=lambda at: sum(orders for since, orders in bursts if since <= at),
        requeued=lambda at: first + (last - first) * min(1.0, at / 600),
        last_order_s=bursts[-1][0],
        rises=tuple(sorted({since for since, _ in bursts})),
        lost_per_hour=lost,
        stragglers=stragglers,
        max_starting=max_starting,
    )


@settings(
    max_examples=int(SCHEDULES or 12),
    deadline=None,
    derandomize=SCHEDULES is None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate] if SCHEDULES else [Phase.explicit, Phase.generate],
)
@given(schedules())
def test_no_schedule_overspends_starves_or_swings(scenario: Scenario) -> None:
    """Every order ends; the budget holds each second; no pool with work waits long for its first replica; and between
    two changes of the load no pool turns more often than TURNS times."""
    world = World(scenario, Ours(scenario))
    world.run()
    assert world.outstanding == 0
    waited = dict.fromkeys(scenario.pools, 0)
    for sample in world.samples:
        held = sum(pool.starting + pool.ready + pool.draining for pool in sample.pools.values())
        assert held <= scenario.accelerators, f"over the budget at {sample.at:.0f} s"
        for name, pool in sample.pools.items():
            waited[name] = waited[name] + 1 if sample.outstanding and not pool.starting + pool.ready else 0
            assert waited[name] <= STARVED_S, f"{name} starves at {sample.at:.0f} s"
    assert figures(world).turns <= TURNS
