"""The simulated world: every order ends once, one seed gives one course, and no policy beats the bound."""

from collections.abc import Sequence
from functools import cache
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pytest import approx

from actors.queue.machine import QueueLimits, RegenerationQueue
from benchmarks.simulator.report import bound_s, figures
from benchmarks.simulator.scalers import Fixed, Ours, ServeDefault
from benchmarks.simulator.scenario import NAMES, Size, build, shape_of
from benchmarks.simulator.world import Work, World
from schemas.orders import Lease

SCALERS = {"ours": Ours, "serve": ServeDefault, "fixed": Fixed}
SMALL = Size(replicas=8, attempts=400, hours=0.15)
LARGER = Size(replicas=24, attempts=2400, hours=0.3)


pytestmark = pytest.mark.slow  # each world is hours of a cluster


@cache
def ran(name: str, scaler: str, size: Size = SMALL) -> World:
    scenario = build(name, size)
    world = World(scenario, SCALERS[scaler](scenario))
    world.run()
    return world


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scaler", SCALERS)
def test_every_order_ends_once(name: str, scaler: str) -> None:
    """Lost replicas and stragglers included: the queue's own count of issued orders is that of those ended."""
    world = ran(name, scaler)
    queue = world.queues[0]
    assert queue.issued == world.scenario.orders(world.scenario.last_order_s) == 320
    assert queue.accepted + queue.dead_lettered == queue.issued
    assert (queue.outstanding, queue.stale) == (0, 0)
    assert all(pool.busy == 0 and not pool.line for pool in world.pools.values())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scaler", SCALERS)
def test_accelerators_are_never_overbooked(name: str, scaler: str) -> None:
    """What starts, runs and drains is within the budget in every second, whoever decides."""
    world = ran(name, scaler)
    for sample in world.samples:
        held = sum(pool.starting + pool.ready + pool.draining for pool in sample.pools.values())
        assert held <= world.scenario.accelerators


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scaler", SCALERS)
def test_no_policy_beats_the_bound(name: str, scaler: str) -> None:
    """It leaves out what costs every policy time, and nothing else."""
    found = figures(ran(name, scaler))
    assert 0 < found.bound_s <= found.makespan_s
    assert 0 <= found.tail_loss <= found.idle_cost < 1
    assert 0 <= found.busy <= 1


@settings(max_examples=10, deadline=None)
@given(
    st.sampled_from(NAMES), st.sampled_from(sorted(SCALERS)), st.integers(1, 6), st.integers(20, 200),
    st.sampled_from([1, 2, 1000]), st.integers(0, 5),
)  # fmt: skip
def test_no_policy_beats_the_bound_at_any_size(
    name: str, scaler: str, replicas: int, attempts: int, starting: int, seed: int
) -> None:
    """Single accelerators, one start at a time, a handful of orders."""
    size = Size(replicas, attempts, slots=2, seed=seed, max_starting=starting, hours=0.1)
    found = figures(ran(name, scaler, size))
    assert found.bound_s <= found.makespan_s


def test_one_seed_gives_one_course() -> None:
    """Twice the same seed is twice the same world, second by second; another seed is another world."""
    scenario = build("spot", SMALL)
    again = World(scenario, Ours(scenario))
    again.run()
    assert again.samples == ran("spot", "ours").samples
    assert figures(ran("spot", "ours", replace(SMALL, seed=1))) != figures(again)


def test_leases_come_in_the_order_of_a_runs_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """The world asks the queue of a run and gives its leases to the generators as they come: repairs first, then the
    oldest, the fresh ones' share in between."""
    scenario = build("burst", SMALL)
    world = World(scenario, Fixed(scenario))
    told: list[tuple[str, int]] = []
    queue = world.queues[0]
    twin = RegenerationQueue(QueueLimits(max_attempts=4, lease_s=1e9, fresh_share=0.1), lambda a, b: 0.0)
    expected: list[tuple[str, int]] = []
    plan, lease, settle, submit = queue.plan, queue.lease, queue.settle, world.pools["generator"].submit

    def leased(now: float, conductor: str, limit: int) -> Sequence[Lease]:
        expected.extend((each.order.id, each.attempt) for each in twin.lease(now, conductor, limit))
        return lease(now, conductor, limit)

    def submitted(work: Work) -> None:
        told.append((work.lease.order.id, work.lease.attempt))
        submit(work)

    monkeypatch.setattr(queue, "plan", lambda *given: (twin.plan(*given), plan(*given))[1])
    monkeypatch.setattr(queue, "settle", lambda *given: (twin.settle(*given), settle(*given))[1])
    monkeypatch.setattr(queue, "lease", leased)
    monkeypatch.setattr(world.pools["generator"], "submit", submitted)
    world.run()
    assert isinstance(queue, RegenerationQueue)
    assert told == expected
    assert any(attempt > 1 for _, attempt in told[:-1])


def test_the_bound_of_a_burst_is_a_start_and_all_the_work() -> None:
    """800 accelerator-seconds on eight: the shortest start of 27 s, then 100 s."""
    assert bound_s(build("burst", SMALL), {1.0: 800.0}) == approx(127.0)


def test_the_bound_knows_how_many_start_at_once() -> None:
    """Two at a time: 2 from 27 s, 4 from 54 s, 6 from 81 s, 8 from 108 s on: 324 s of work by then, 400 left."""
    scenario = build("burst", replace(SMALL, max_starting=2))
    assert bound_s(scenario, {1.0: 724.0}) == approx(108.0 + 400 / 8)


def test_the_bound_of_work_that_comes_late_begins_when_it_comes() -> None:
    """A minute of eight accelerators' work at 1,000 s: whatever was done before, nobody ends sooner."""
    scenario = build("burst", SMALL)
    assert bound_s(scenario, {1.0: 800.0, 1000.0: 480.0}) == approx(1060.0)


def test_measured_times_give_the_shape() -> None:
    """Nine short ones and a long one: the mean is one, the long one stays ten times the others."""
    shape = shape_of([1.0] * 9 + [10.0])
    assert sum(shape) / len(shape) == approx(1.0)
    assert max(shape) == approx(10 * min(shape))
    scenario = build("burst", replace(SMALL, measured=[1.0] * 9 + [10.0]))
    draws = Random(0).choices(scenario.pools["faithfulness"].shape, k=100)
    assert set(draws) <= set(shape)


def test_a_fixed_pool_pays_for_the_night() -> None:
    """One wave: ours costs at most three quarters of a fixed pool that is as large as ours may become."""
    ours, fixed = (figures(ran("diurnal", scaler, LARGER)) for scaler in ("ours", "fixed"))
    assert ours.cost_h <= 0.75 * fixed.cost_h


def test_between_bursts_every_pool_is_at_its_minimum_within_the_cool_down() -> None:
    """60 s without work, and a second to see it."""
    found = figures(ran("bursts", "ours", LARGER))
    assert found.quiet_after_s is not None
    assert found.quiet_after_s <= 61


def test_a_burst_is_met_in_a_start_and_ten_seconds() -> None:
    """Every accelerator is ready; a start takes 30 s, or a tenth more. The backlog is worth it by what a call is taken
    to last before one has been measured."""
    found = figures(ran("burst", "ours", replace(LARGER, attempts=12_000)))
    assert found.full_after_s is not None
    assert found.full_after_s <= 10


def test_scenarios_say_where_their_load_changes() -> None:
    """Three bursts rise three times; a wave falls in its middle."""
    assert (build("bursts", SMALL).rises, build("diurnal", SMALL).falls) == ((0.0, 360.0, 720.0), (540.0,))
