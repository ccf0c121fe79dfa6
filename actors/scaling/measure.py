"""From counters to signals: what a replica does a second, what an attempt costs, how long a start takes. Pure.

Laws: everything is measured over the last half minute or so (old counts fade by half every `HALF_LIFE_S`), so drifts
are followed and noise is not. A rate is calls over *busy* replica-seconds, so it is a full replica's rate at any load,
and it stays what it was while nothing runs. Calls under way count half, or a cold start would look like a slow model.
"""

from msgspec import Struct

from schemas.scaling import PoolSignals, Signals

HALF_LIFE_S = 20.0
ASSUMED_START_S = 30.0
"""Until a start has been seen: loading a small model."""
ENOUGH_CALLS = 16
"""A rate of fewer calls than this is noise."""
RARE = 0.05
"""Calls per attempt that a pool in use counts with at least: what repairs escalate to must be there when one comes."""


class PoolFacts(Struct, frozen=True):
    """Counters of one pool at one moment. `calls` and `tokens`: finished since whenever; only differences are used."""

    calls: int
    tokens: int
    running: float
    slots: int
    ready: int
    starting: int
    draining: int
    assumed_s: float = 1.0
    kv_used: float = 0.0
    breaker_open: bool = False


class Facts(Struct, frozen=True):
    """Counters of the whole run at one moment. `requeued`: attempts so far whose order came back."""

    at: float
    attempts: int
    requeued: int
    ready: int
    leased: int
    waiting: int
    oldest_s: float
    max_attempts: int
    expected: dict[str, float]
    """Calls per attempt to each pool, until they are measured; a pool that expects some never counts as unused."""
    pools: dict[str, PoolFacts]
    budget_spent: bool = False
    unread: bool = False


class PoolMeter(Struct, frozen=True):
    """Fading sums of one pool, and its starts."""

    calls: float = 0.0
    tokens: float = 0.0
    progress: float = 0.0
    busy_s: float = 0.0
    start_s: float | None = None
    loading_since: float | None = None


class Meter(Struct, frozen=True):
    """What `measure` keeps: the last facts, and fading sums since."""

    last: Facts | None = None
    attempts: float = 0.0
    requeued: float = 0.0
    pools: dict[str, PoolMeter] = {}


def measure(facts: Facts, meter: Meter) -> tuple[Signals, Meter]:
    """The policy's signals at this moment, and the meter for the next."""
    last = facts if meter.last is None else meter.last
    keep = 0.5 ** (max(0.0, facts.at - last.at) / HALF_LIFE_S)
    attempts = meter.attempts * keep + facts.attempts - last.attempts
    requeued = meter.requeued * keep + facts.requeued - last.requeued
    meters = {
        pool: _advance(meter.pools.get(pool, PoolMeter()), last.pools[pool], now, keep, (last.at, facts.at))
        for pool, now in facts.pools.items()
    }
    pools = {pool: _signals(now, meters[pool], attempts, facts.expected[pool]) for pool, now in facts.pools.items()}
    share = min(1.0, max(0.0, requeued / attempts)) if attempts >= ENOUGH_CALLS else 0.0
    signals = Signals(
        ready=facts.ready,
        leased=facts.leased,
        waiting=facts.waiting,
        oldest_s=facts.oldest_s,
        requeued=share,
        max_attempts=facts.max_attempts,
        pools=pools,
        budget_spent=facts.budget_spent,
        unread=facts.unread,
    )
    return signals, Meter(facts, attempts, requeued, meters)


def _advance(meter: PoolMeter, last: PoolFacts, now: PoolFacts, keep: float, between: tuple[float, float]) -> PoolMeter:
    calls = now.calls - last.calls
    busy_s = (between[1] - between[0]) * (_busy(last) + _busy(now)) / 2
    progress = calls + (_busy(now) - _busy(last)) * now.slots / 2
    loading = now.starting > 0
    since, start_s = meter.loading_since, meter.start_s
    if since is not None and now.ready > last.ready:
        start_s, since = between[1] - since, None
    return PoolMeter(
        calls=meter.calls * keep + calls,
        tokens=meter.tokens * keep + now.tokens - last.tokens,
        progress=meter.progress * keep + progress,
        busy_s=meter.busy_s * keep + busy_s,
        start_s=start_s,
        loading_since=(between[1] if since is None else since) if loading else None,
    )


def _busy(pool: PoolFacts) -> float:
    """Replicas' worth of slots that are taken."""
    return min(float(pool.ready), pool.running / pool.slots)


def _signals(now: PoolFacts, meter: PoolMeter, attempts: float, expected: float) -> PoolSignals:
    known = meter.calls >= ENOUGH_CALLS and meter.busy_s > 0 and meter.progress > 0
    tokens_per_call = max(1.0, meter.tokens / meter.calls) if known else 1.0
    return PoolSignals(
        calls_per_attempt=max(meter.calls / attempts, min(expected, RARE)) if attempts >= ENOUGH_CALLS else expected,
        tokens_per_call=tokens_per_call,
        tokens_per_s=tokens_per_call * meter.progress / meter.busy_s if known else None,
        slots=now.slots,
        running=now.running,
        ready=now.ready,
        starting=now.starting,
        draining=now.draining,
        start_s=ASSUMED_START_S if meter.start_s is None else meter.start_s,
        assumed_s=now.assumed_s,
        kv_used=now.kv_used,
        breaker_open=now.breaker_open,
    )
