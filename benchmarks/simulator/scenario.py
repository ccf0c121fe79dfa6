"""What is simulated: pools, how orders arrive, what goes wrong. Times in seconds, all of it drawn from one seed."""

from collections.abc import Callable, Sequence
from math import exp, pi, sin
from random import Random

from msgspec import Struct

GENERATOR, JUDGE, REWARD = "generator", "faithfulness", "reward"
SIGMA = 0.6
"""Of the lognormal service times, as measured of completions' lengths."""
LONGEST = 4.0
"""Medians that a service takes at most: completions are cut at `max_tokens`."""
DRAWS = 1 << 16
BURSTS = 3
START_S, JITTER = 30.0, 0.1
"""Of a start, and the part of it by which one differs from another."""


class PoolModel(Struct, frozen=True):
    """One pool: a service takes `mean_s` times a draw from `shape`, a start `start_s` within a tenth."""

    mean_s: float
    slots: int
    accelerators: float
    start_s: float
    max: int
    shape: tuple[float, ...]
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
    max_starting: int = 1 << 20
    """Replicas that load at once, whoever asks: the model store serves no more."""
    rises: tuple[float, ...] = (0.0,)
    falls: tuple[float, ...] = ()
    """When the load begins to rise, and to fall where that is not the moment its backlog is gone."""


class Size(Struct, frozen=True):
    """`attempts`: about so many cut the same hours of work. `measured`: service times that give their distribution its
    shape; a lognormal one without them. `hours`: of a burst's work; the other scenarios take twice that."""

    replicas: int
    attempts: int
    slots: int = 4
    seed: int = 0
    max_starting: int = 1 << 20
    measured: Sequence[float] = ()
    hours: float = 1.0


def shape_of(measured: Sequence[float]) -> tuple[float, ...]:
    """Draws with the mean 1: measured times, or lognormal ones that are cut at LONGEST medians."""
    random = Random(0)
    draws = measured or [min(LONGEST, exp(random.gauss(0.0, SIGMA))) for _ in range(DRAWS)]
    mean = sum(draws) / len(draws)
    return tuple(draw / mean for draw in draws)


def _pools(size: Size, order_s: float) -> dict[str, PoolModel]:
    """Three pools that take 70%, 20% and 10% of `order_s` slot-seconds an attempt, on an accelerator a replica, or on
    a third of one where there are not three."""
    shares = {GENERATOR: 0.7, JUDGE: 0.2, REWARD: 0.1}
    price = min(1.0, size.replicas / len(shares))
    shape = shape_of(size.measured)
    return {
        name: PoolModel(share * order_s / price, size.slots, price, START_S, size.replicas, shape)
        for name, share in shares.items()
    }


def build(name: str, size: Size) -> Scenario:
    """A scenario by name."""
    steady = 0.2
    orders = int(size.attempts * (1 - steady))
    span_s = 3600.0 * size.hours * (1 if name == "burst" else 2)
    bursts = tuple(span_s * number / BURSTS for number in range(BURSTS))
    load = {"burst": 1.0, "diurnal": 0.45, "drift": 0.45, "spot": 0.6, "bursts": 0.4}[name]
    pools = _pools(size, load * span_s * size.replicas * size.slots / size.attempts)

    def arrived(at: float) -> int:
        match name:
            case "burst":
                return orders
            case "bursts":
                return orders * sum(at >= start for start in bursts) // BURSTS
            case "diurnal":
                phase = 2 * pi * at / span_s
                return min(orders, int(orders * (at / span_s - sin(phase) / (2 * pi))))
            case _:
                return min(orders, int(orders * at / span_s))

    def requeued(at: float) -> float:
        return 0.05 + 0.3 * min(1.0, at / span_s) if name == "drift" else steady

    return Scenario(
        name=name, pools=pools, accelerators=size.replicas, orders=arrived,
        last_order_s={"burst": 0.0, "bursts": bursts[-1]}.get(name, span_s), requeued=requeued,
        lost_per_hour=0.3 if name == "spot" else 0.0, stragglers=0.02 if name == "spot" else 0.0,
        seed=size.seed, max_starting=size.max_starting, rises=bursts if name == "bursts" else (0.0,),
        falls=(span_s / 2,) if name == "diurnal" else (),
    )  # fmt: skip


NAMES = ("burst", "bursts", "diurnal", "drift", "spot")
