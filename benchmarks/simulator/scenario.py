"""What is simulated: pools, how orders arrive, what goes wrong. Times in seconds, all of it drawn from one seed."""

from collections.abc import Callable
from math import exp, pi, sin
from random import Random

from msgspec import Struct

GENERATOR, JUDGE, REWARD = "generator", "faithfulness", "reward"
SIGMA = 0.6
"""Of the lognormal service times, as measured of completions' lengths."""
LONGEST = 4.0
"""Medians that a service takes at most: completions are cut at `max_tokens`."""
DRAWS = 1 << 16


class PoolModel(Struct, frozen=True):
    """One pool: a service takes a lognormal time, a start `start_s` within a tenth."""

    median_s: float
    slots: int
    accelerators: float
    start_s: float
    max: int
    min: int = 0


class Scenario(Struct, frozen=True):
    """`orders(t)`: how many have arrived by t, in all; `requeued(t)`: share of attempts rejected and tried again."""

    name: str
    pools: dict[str, PoolModel]
    accelerators: int
    orders: Callable[[float], int]
    last_order_s: float
    requeued: Callable[[float], float]
    lost_per_hour: float = 0.0
    """Share of ready replicas that a spot market takes back each hour."""
    stragglers: float = 0.0
    """Share of replicas that take three times as long."""
    seed: int = 0
    changes: int = 1
    """How often the load changes: bursts, or rises of a wave."""


def service_times(random: Random, median_s: float) -> list[float]:
    """Lognormal draws, cut at LONGEST medians."""
    return [median_s * min(LONGEST, exp(random.gauss(0.0, SIGMA))) for _ in range(DRAWS)]


def mean_service(median_s: float) -> float:
    """Of `service_times`."""
    draws = service_times(Random(0), median_s)
    return sum(draws) / len(draws)


def _pools(replicas: int, slots: int, order_s: float) -> dict[str, PoolModel]:
    """Three pools that take 70%, 20% and 10% of `order_s` slot-seconds an attempt, on one accelerator a replica."""
    shares = {GENERATOR: 0.7, JUDGE: 0.2, REWARD: 0.1}
    unit = mean_service(1.0)
    return {name: PoolModel(share * order_s / unit, slots, 1.0, 30.0, replicas) for name, share in shares.items()}


def build(name: str, *, replicas: int, attempts: int, slots: int, seed: int) -> Scenario:
    """A scenario by name. `attempts`: about so many events' worth of work; service times follow from it."""
    steady = 0.2
    orders = int(attempts * (1 - steady))
    span_s = 3600.0 if name == "burst" else 7200.0
    load = {"burst": 1.0, "diurnal": 0.45, "drift": 0.45, "spot": 0.6, "bursts": 0.4}[name]
    pools = _pools(replicas, slots, load * span_s * replicas * slots / attempts)

    def arrived(at: float) -> int:
        match name:
            case "burst":
                return orders
            case "bursts":
                return orders * sum(at >= start for start in (0.0, 2400.0, 4800.0)) // 3
            case "diurnal":
                phase = 2 * pi * at / span_s
                return min(orders, int(orders * (at / span_s - sin(phase) / (2 * pi))))
            case _:
                return min(orders, int(orders * at / span_s))

    def requeued(at: float) -> float:
        return 0.05 + 0.3 * min(1.0, at / span_s) if name == "drift" else steady

    return Scenario(
        name=name, pools=pools, accelerators=replicas, orders=arrived,
        last_order_s={"burst": 0.0, "bursts": 4800.0}.get(name, span_s), requeued=requeued,
        lost_per_hour=0.3 if name == "spot" else 0.0, stragglers=0.02 if name == "spot" else 0.0,
        seed=seed, changes=3 if name == "bursts" else 1,
    )  # fmt: skip


NAMES = ("burst", "bursts", "diurnal", "drift", "spot")
