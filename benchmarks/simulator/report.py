"""What a simulation amounts to: a few figures from its samples, one a second."""

from itertools import pairwise

from msgspec import Struct

from benchmarks.simulator.scenario import Scenario
from benchmarks.simulator.world import Sample, World

FULL = 0.98
"""Share of the accelerators that are ready when a pool is in full use."""


class Figures(Struct, frozen=True):
    """Times in seconds, shares in [0, 1], cost in accelerator-hours. None where a run never came to it."""

    makespan_s: float
    bound_s: float
    """All work on all accelerators without a gap: after one start-up, and after any moment the work that comes then."""
    busy: float
    """Of ready slots while orders waited in the queue."""
    full_after_s: float | None
    """From the first order to ready replicas on nearly all accelerators, less one start-up."""
    tail_loss: float
    """Accelerator time unused after the last order was leased, as a share of all."""
    cost_h: float
    idle_cost: float
    """Share of the cost that computed nothing: starts, gaps, tails, cool-downs."""
    quiet_after_s: float | None
    """From the end of work, while more was to come, until every pool was at its minimum; the longest."""
    reversals: int
    """Turns between growing and shrinking, of the pool with most."""

    @property
    def stretch(self) -> float:
        return self.makespan_s / self.bound_s


def figures(world: World) -> Figures:
    """Of a world that has run."""
    scenario, samples = world.scenario, world.samples
    seconds = list(zip(samples, [after.at - before.at for before, after in pairwise(samples)], strict=False))
    work_s = sum(pool.work_s / pool.model.slots * pool.model.accelerators for pool in world.pools.values())
    start_s = max(pool.start_s for pool in scenario.pools.values())
    cost_s = sum(_held(scenario, sample) * step for sample, step in seconds)
    backlog = [(sample, step) for sample, step in seconds if sample.ready > 0]
    ready_s = sum(_ready(scenario, sample) * step for sample, step in backlog)
    last = max((sample.at for sample in samples if sample.ready > 0), default=0.0)
    tail = [(sample, step) for sample, step in seconds if sample.at > max(last, scenario.last_order_s)]
    full = [sample.at for sample in samples if _ready(scenario, sample) >= FULL * scenario.accelerators]
    return Figures(
        makespan_s=world.now_ended,
        bound_s=max(start_s + work_s / scenario.accelerators, _bound(scenario, work_s / scenario.accelerators)),
        busy=sum(_busy(scenario, sample) * step for sample, step in backlog) / ready_s if ready_s else 0.0,
        full_after_s=full[0] - start_s if full else None,
        tail_loss=sum((_held(scenario, each) - _busy(scenario, each)) * step for each, step in tail) / cost_s,
        cost_h=cost_s / 3600,
        idle_cost=1 - work_s / cost_s,
        quiet_after_s=_quiet_after(scenario, samples),
        reversals=max(_reversals([sample.pools[name].wanted for sample in samples]) for name in scenario.pools),
    )


def _bound(scenario: Scenario, least_s: float) -> float:
    """Whatever was done before a moment, the orders that come from then on take their share of `least_s`."""
    total = scenario.orders(scenario.last_order_s)
    return max(at + least_s * (1 - scenario.orders(at - 1) / total) for at in range(1, int(scenario.last_order_s) + 2))


def _held(scenario: Scenario, sample: Sample) -> float:
    return sum(
        scenario.pools[name].accelerators * (pool.starting + pool.ready + pool.draining)
        for name, pool in sample.pools.items()
    )


def _ready(scenario: Scenario, sample: Sample) -> float:
    return sum(scenario.pools[name].accelerators * pool.ready for name, pool in sample.pools.items())


def _busy(scenario: Scenario, sample: Sample) -> float:
    return sum(
        scenario.pools[name].accelerators * pool.busy / scenario.pools[name].slots
        for name, pool in sample.pools.items()
    )


def _quiet_after(scenario: Scenario, samples: list[Sample]) -> float | None:
    """Gaps between bursts only: a run's end takes every replica down at once."""
    longest, since = None, None
    for before, now in pairwise(samples):
        if before.outstanding and not now.outstanding:
            since = now.at
        elif since is not None and now.outstanding:
            since = None
        at_least = all(pool.starting + pool.ready == scenario.pools[name].min for name, pool in now.pools.items())
        if since is not None and at_least:
            longest, since = max(longest or 0.0, now.at - since), None
    return longest


def _reversals(wanted: list[int]) -> int:
    steps = [after - before for before, after in pairwise(wanted) if after != before]
    return sum((first > 0) != (second > 0) for first, second in pairwise(steps))
