"""What a simulation amounts to: a few figures from its samples, one a second."""

from collections.abc import Mapping
from itertools import pairwise

from msgspec import Struct

from benchmarks.simulator.scenario import JITTER, Scenario
from benchmarks.simulator.world import Sample, World

FULL = 0.98
"""Share of the accelerators that are ready when a pool is in full use."""


class Figures(Struct, frozen=True):
    """Times in seconds, shares in [0, 1], cost in accelerator-hours. None where a run never came to it."""

    makespan_s: float
    bound_s: float
    """What no policy can undercut: see `bound_s`."""
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
    turns: int
    """Between growing and shrinking, of the pool that turned most often within one load change (a rise of the load, or
    its fall), beyond the turn that the change itself calls for."""

    @property
    def stretch(self) -> float:
        return self.makespan_s / self.bound_s


def figures(world: World) -> Figures:
    """Of a world that has run."""
    scenario, samples = world.scenario, world.samples
    seconds = list(zip(samples, [after.at - before.at for before, after in pairwise(samples)], strict=False))
    work_s = sum(world.work_s.values())
    start_s = max(pool.start_s for pool in scenario.pools.values())
    cost_s = sum(_held(scenario, sample) * step for sample, step in seconds)
    backlog = [(sample, step) for sample, step in seconds if sample.ready > 0]
    ready_s = sum(_ready(scenario, sample) * step for sample, step in backlog)
    last = max((sample.at for sample in samples if sample.ready > 0), default=0.0)
    tail = [(sample, step) for sample, step in seconds if sample.at > max(last, scenario.last_order_s)]
    full = [sample.at for sample in samples if _ready(scenario, sample) >= FULL * scenario.accelerators]
    return Figures(
        makespan_s=world.now_ended,
        bound_s=bound_s(scenario, world.work_s),
        busy=sum(_busy(scenario, sample) * step for sample, step in backlog) / ready_s if ready_s else 0.0,
        full_after_s=full[0] - start_s if full else None,
        tail_loss=sum((_held(scenario, each) - _busy(scenario, each)) * step for each, step in tail) / cost_s,
        cost_h=cost_s / 3600,
        idle_cost=1 - work_s / cost_s,
        quiet_after_s=_quiet_after(scenario, samples),
        turns=max(_turns(scenario, samples, name) for name in scenario.pools),
    )


def bound_s(scenario: Scenario, work_s: Mapping[float, float]) -> float:
    """The earliest end that any policy could reach, in seconds: for some moment, all work of the orders that came from
    then on is done on every accelerator that can be ready, without a gap.

    Ready are the pools' minima from the first moment; further replicas one shortest start after it, as many at once
    as may start at once, the next ones one start later. `work_s`: accelerator-seconds by the moment of arrival. That
    calls take their time one after the other, and that a judge waits for a generator, is not in the bound.
    """
    ends, left_s = [], 0.0
    for at in sorted(work_s, reverse=True):
        left_s += work_s[at]
        ends.append(_done(scenario, at, left_s))
    return max(ends)


def _done(scenario: Scenario, at: float, work_s: float) -> float:
    """When so much work that comes at that moment can be done."""
    start_s = (1 - JITTER) * min(pool.start_s for pool in scenario.pools.values())
    price = max(pool.accelerators for pool in scenario.pools.values())
    least = sum(pool.min * pool.accelerators for pool in scenario.pools.values())
    while True:
        starts = int(at / start_s + 1e-9)
        ready = min(float(scenario.accelerators), least + starts * scenario.max_starting * price)
        until = (starts + 1) * start_s
        if ready >= scenario.accelerators or ready * (until - at) >= work_s:
            return at + work_s / ready if ready else until
        work_s -= ready * (until - at)
        at = until


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


def _turns(scenario: Scenario, samples: list[Sample], name: str) -> int:
    changes = sorted({*scenario.rises, *_falls(scenario, samples)})
    spans = pairwise([*changes, float("inf")])
    return max(
        _reversals([sample.pools[name].wanted for sample in samples if since <= sample.at < until])
        for since, until in spans
    )


def _falls(scenario: Scenario, samples: list[Sample]) -> list[float]:
    """Where the load falls: after each rise, the moment from which no order was ready any more."""
    if scenario.falls:
        return list(scenario.falls)
    spans = pairwise([*scenario.rises, float("inf")])
    return [
        max((sample.at for sample in samples if since <= sample.at < until and sample.ready), default=since)
        for since, until in spans
    ]


def _reversals(wanted: list[int]) -> int:
    steps = [after - before for before, after in pairwise(wanted) if after != before]
    return sum((first > 0) != (second > 0) for first, second in pairwise(steps))
