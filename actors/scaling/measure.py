"""From counters to signals: a replica's rate, an attempt's cost, a start's duration. Pure.

Laws: everything is measured over the last minute or so of work. Old counts fade by half every `HALF_LIFE_S`, those for
rates, which change more slowly, every `RATE_HALF_LIFE_S`: so drifts are followed and noise is not. A rate is calls per
*busy* replica-second, so it is a full replica's rate at any load. Counts fade only with work: after a quiet hour a
burst is met with the rates of the last one. The last `ENOUGH_CALLS` never fade, or a slow model's rate would never be
known. Calls under way count in part, or a cold start would look like a slow model. Calls per attempt come from attempts
that have ended: an attempt between two stages would count for the first stage alone.
"""

from msgspec import Struct

from schemas.scaling import PoolSignals, Signals

HALF_LIFE_S = 20.0
RATE_HALF_LIFE_S = 60.0
ASSUMED_S, ASSUMED_CLASSIFY_S = 4.0, 0.4
"""A call's time in a full replica until it is measured: some hundred tokens from a model that fills an accelerator, or
a classifier's single pass. They are high on purpose: needless replicas go after a cool-down, but missing replicas cost
the run its first minutes."""
ASSUMED_START_S = 30.0
"""The duration of a start until one was measured: that of loading a small model."""
UNDER_WAY = 0.3
"""The weight of a call under way: (1 - c²) / 2 by renewal theory, where c is the coefficient of variation of service
times. c² is about 0.4 for completions. The weight would be a half if all calls took the same time."""
ENOUGH_CALLS = 16
"""A rate from fewer calls is noise."""
RARE = 0.05
"""The least calls per attempt of a pool in use: the pool for escalations must exist when one comes."""


class PoolFacts(Struct, frozen=True):
    """Counters of one pool at one moment, from any starting point: only differences are used. `calls`: answered so far.
    `recorded` and `tokens`: of attempts that have ended."""

    calls: int
    recorded: int
    tokens: int
    running: float
    slots: int
    ready: int
    starting: int
    draining: int
    assumed_s: float = ASSUMED_S
    kv_used: float = 0.0
    breaker_open: bool = False


class RunFacts(Struct, frozen=True):
    """Counters of the whole run at one moment. `requeued`: attempts so far whose order went back to the queue."""

    at: float
    attempts: int
    requeued: int
    ready: int
    leased: int
    waiting: int
    oldest_s: float
    max_attempts: int
    expected: dict[str, float]
    """Expected calls per attempt to each pool, until they are measured. A pool that expects some is never unused."""
    pools: dict[str, PoolFacts]
    budget_spent: bool = False
    unread: bool = False


Loading = tuple[tuple[float, int], ...]


class PoolMeter(Struct, frozen=True):
    """Fading sums of one pool. `loading`: since when, and how many replicas load, the oldest first."""

    calls: float = 0.0
    recorded: float = 0.0
    tokens: float = 0.0
    progress: float = 0.0
    busy_s: float = 0.0
    start_s: float | None = None
    loading: Loading = ()


class Meter(Struct, frozen=True):
    """The state of `measure`: the last facts, and fading sums."""

    last: RunFacts | None = None
    attempts: float = 0.0
    requeued: float = 0.0
    pools: dict[str, PoolMeter] = {}


def measure(facts: RunFacts, meter: Meter) -> tuple[Signals, Meter]:
    """The policy's signals for this moment, and the meter for the next."""
    last = facts if meter.last is None else meter.last
    keep = _keep(facts, last)
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


def _keep(facts: RunFacts, last: RunFacts) -> float:
    """The part of the attempts' counts that remains: all of it while no attempt ends."""
    return 1.0 if facts.attempts == last.attempts else 0.5 ** (max(0.0, facts.at - last.at) / HALF_LIFE_S)


def _advance(meter: PoolMeter, last: PoolFacts, now: PoolFacts, keep: float, between: tuple[float, float]) -> PoolMeter:
    since, at = between
    busy_s = max(0.0, at - since) * (_busy(last) + _busy(now)) / 2
    keep_rate = _keep_rate(meter.calls, busy_s / max(1, now.ready))
    calls = max(0, now.calls - last.calls)
    loading, took_s = _started(meter.loading, max(0, now.ready - last.ready), at)
    return PoolMeter(
        calls=meter.calls * keep_rate + calls,
        recorded=meter.recorded * keep + now.recorded - last.recorded,
        tokens=meter.tokens * keep + now.tokens - last.tokens,
        progress=meter.progress * keep_rate + calls + (_busy(now) - _busy(last)) * now.slots * UNDER_WAY,
        busy_s=meter.busy_s * keep_rate + busy_s,
        start_s=meter.start_s if took_s is None else took_s,
        loading=_loading(loading, now.starting, at),
    )


def _keep_rate(known: float, busy_s: float) -> float:
    """The part of a rate's counts that remains, at least the last `ENOUGH_CALLS`. At four calls a minute the half-life
    alone would leave six calls, and the rate would never be known."""
    if known <= ENOUGH_CALLS:
        return 1.0
    return max(ENOUGH_CALLS / known, 0.5 ** (busy_s / RATE_HALF_LIFE_S))


def _started(loading: Loading, ready: int, now: float) -> tuple[Loading, float | None]:
    """The replicas that still load after so many became ready, the oldest first, and the last one's loading time."""
    took_s = None
    while ready > 0 and loading:
        (since, count), loading = loading[0], loading[1:]
        took_s = now - since
        if count > ready:
            loading = ((since, count - ready), *loading)
        ready -= count
    return loading, took_s


def _loading(loading: Loading, starting: int, now: float) -> Loading:
    """The loading replicas, so many in all. Additional ones began now; if there are fewer, the last to begin gave
    up."""
    more = starting - sum(count for _, count in loading)
    if more > 0:
        return (*loading, (now, more))
    while more < 0:
        since, count = loading[-1]
        loading = loading[:-1] if count + more <= 0 else (*loading[:-1], (since, count + more))
        more = min(0, count + more)
    return loading


def _busy(pool: PoolFacts) -> float:
    """The number of replicas that the running calls would fill."""
    return min(float(pool.ready), pool.running / pool.slots)


def _signals(now: PoolFacts, meter: PoolMeter, attempts: float, expected: float) -> PoolSignals:
    known = meter.calls > ENOUGH_CALLS - 0.5 and meter.busy_s > 0 and meter.progress > 0
    tokens_per_call = max(1.0, meter.tokens / meter.recorded) if meter.recorded >= ENOUGH_CALLS else 1.0
    return PoolSignals(
        calls_per_attempt=max(meter.recorded / attempts, min(expected, RARE)) if attempts >= ENOUGH_CALLS else expected,
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
