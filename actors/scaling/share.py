"""How accelerators are shared, so that all pools finish their work at the same moment.

Law: an order passes every stage, so the run is as fast as its slowest pool. All pools get one drain time T, with
replicas = work / T, so that no pool waits for another. T is the horizon when the accelerators suffice, otherwise the
smallest T that fits. It is never less than the slowest pool needs at its own maximum: more replicas elsewhere would
only wait for that pool.
"""

import math
from collections.abc import Mapping

from msgspec import Struct

from schemas.scaling import PoolBounds

_HALVINGS = 40
"""Halvings of the interval of T. Its error is then far below one replica."""


class PoolShare(Struct, frozen=True):
    """`need`: the fraction of replicas that would do the work in the drain time. `exact`: the same within the pool's
    bounds. `replicas`: what the pool gets."""

    need: float
    exact: float
    replicas: int


def share(
    work_s: Mapping[str, float], bounds: Mapping[str, PoolBounds], *, accelerators: float, horizon_s: float
) -> dict[str, PoolShare]:
    """Replicas of every pool for its work (in replica-seconds). A pool with work gets at least one; the sum fits.

    Raises ValueError when one replica for each pool with work does not fit (such a configuration is refused earlier).
    """
    least = {pool: max(bound.min, 1 if work_s[pool] > 0 else 0) for pool, bound in bounds.items()}
    if not _within(least, bounds, accelerators):
        raise ValueError(f"{accelerators:g} accelerators do not hold one replica of each pool that has work")

    def exact(drain_s: float) -> dict[str, float]:
        return {
            pool: min(float(bound.max), max(float(least[pool]), work_s[pool] / drain_s))
            for pool, bound in bounds.items()
        }

    def fits(drain_s: float) -> bool:
        return _within(_whole(exact(drain_s)), bounds, accelerators)

    drain_s = max([horizon_s, *(work_s[pool] / bound.max for pool, bound in bounds.items())])
    if fits(drain_s):
        return {pool: PoolShare(work_s[pool] / drain_s, each, math.ceil(each)) for pool, each in exact(drain_s).items()}
    low, high = drain_s, 2 * drain_s
    while not fits(high):
        low, high = high, 2 * high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    shares = exact(high)
    replicas = _with_spare(_whole(shares), work_s, bounds, accelerators)
    return {pool: PoolShare(work_s[pool] / high, shares[pool], replicas[pool]) for pool in bounds}


def _whole(exact: Mapping[str, float]) -> dict[str, int]:
    return {pool: math.ceil(value) for pool, value in exact.items()}


def _taken(replicas: Mapping[str, int], bounds: Mapping[str, PoolBounds]) -> float:
    return sum(bounds[pool].accelerators * count for pool, count in replicas.items())


def _within(replicas: Mapping[str, int], bounds: Mapping[str, PoolBounds], accelerators: float) -> bool:
    """Whether the replicas fit. Fractions of accelerators add up with rounding errors, so a millionth is ignored."""
    return _taken(replicas, bounds) <= accelerators + 1e-6


def _with_spare(
    replicas: dict[str, int], work_s: Mapping[str, float], bounds: Mapping[str, PoolBounds], accelerators: float
) -> dict[str, int]:
    """Gives the accelerators that rounding left to the slowest pool that can use them."""
    while True:
        spare = accelerators - _taken(replicas, bounds)
        takers = [
            pool
            for pool, bound in bounds.items()
            if 0 < bound.accelerators <= spare and replicas[pool] < min(bound.max, work_s[pool])
        ]
        if not takers:
            return replicas
        slowest = max(takers, key=lambda pool: work_s[pool] / replicas[pool])
        replicas[slowest] += 1
