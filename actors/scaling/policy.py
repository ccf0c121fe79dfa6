"""When replicas are added and removed. Pure: takes signals, memory and `now`; gives a decision and the next memory.

Laws: replicas that run, start or drain never need more than the accelerators. A pool with work gets a replica. A pool
grows at once. It shrinks only to the highest need of the last cool-down, and never below the replicas at work. In a
band around the need nothing moves, so that noise does not reverse a decision. When accelerators are not where the
bottleneck is, other pools shrink to their share and free what the bottleneck needs: after `rebalance_s` if the run
would gain much, after a cool-down if it would gain little. A removed replica drains first, and counts until it is gone.
"""

import math
from collections.abc import Mapping

from msgspec import Struct

from actors.scaling.share import PoolShare, share
from schemas.scaling import (
    Idle,
    Move,
    Peak,
    PoolDecision,
    PoolMemory,
    PoolSignals,
    ScalingDecision,
    ScalingLimits,
    ScalingMemory,
    Signals,
    Why,
)

UNREAD = 1000.0
"""The factor on the visible backlog while the reader waits for room: more than any pool can use."""
BAND, BAND_LEAST = 0.03, 0.15
"""Something moves only when the need differs from the present number by this share of it, and by this many replicas at
least: above the noise of measured rates, below what would cost 5% of a run's time."""
MUCH, LITTLE = 0.1, 0.015
"""Shares of the remaining time that another split of the accelerators would save. A smaller one than LITTLE is noise of
measured rates, or one replica more or less."""
KEPT_BACK = 0.01
"""The part of its share that a pool keeps on top when it shrinks at once, after few measurements: if it shrinks too
far, the replica is missing for a drain and a start."""
ROOM = 0.05
"""Room above the replicas at work, for work that comes as fast as it is done: without it a queue builds up and reverses
the decision."""
SCARCE = 1.001
"""If the work is more than this times what the horizon allows, accelerators or a pool's own maximum are too few."""
STARTS = 3
"""The horizon is at least so many start-ups. A replica must pay for its start. And feedback with a delay of one
start-up does not oscillate when it is spread over more than e = 2.7 of them."""
KV_FULL = 0.95
"""A KV cache this full admits no further request: the replica is full, whatever its slots say."""
FULL = 0.9
"""With this share of its slots taken a pool counts as busy."""


class _Pool(Struct):
    """One pool during a decision."""

    wanted: int
    goal: int
    low: int
    share: PoolShare
    why: Why = Why.STEADY


def decide(
    signals: Signals, limits: ScalingLimits, memory: ScalingMemory, now: float
) -> tuple[ScalingDecision, ScalingMemory]:
    """Replicas for every pool of `limits`, with reasons. Call it about once a second, each time with its last
    memory."""
    work_s = {pool: work(signals, facts) for pool, facts in signals.pools.items()}
    starts = [facts.start_s for pool, facts in signals.pools.items() if work_s[pool] > 0]
    horizon_s = max([limits.horizon_s, *(STARTS * start_s for start_s in starts)])
    shares = share(work_s, limits.pools, accelerators=limits.accelerators, horizon_s=horizon_s)
    scarce = any(work_s[pool] > SCARCE * horizon_s * each.need for pool, each in shares.items())
    pools, peaks = {}, {}
    for pool, bounds in limits.pools.items():
        past = memory.pools.get(pool) or _first(signals.pools[pool], bounds.min, now)
        band = max(BAND_LEAST, BAND * shares[pool].exact)
        high = min(bounds.max, max(shares[pool].replicas, math.ceil(shares[pool].need + band)))
        high = bounds.min if work_s[pool] == 0 else max(high, min(bounds.max, kept(signals.pools[pool])))
        peaks[pool] = remember(past.peaks, Peak(now, high), oldest_at=now - limits.cooldown_s)
        low = max(1 if work_s[pool] > 0 else 0, bounds.min, math.ceil(shares[pool].exact - band))
        pools[pool] = _aim(past.wanted, min(low, shares[pool].replicas), shares[pool], peaks[pool][0].replicas)
        if pools[pool].why is Why.LESS_WORK and work_s[pool] == 0:
            pools[pool].why = Why.NO_WORK
        if pools[pool].why is Why.STEADY and past.wanted == bounds.max and work_s[pool] > horizon_s * bounds.max:
            pools[pool].why = Why.MAXIMUM
        fell = past.last is Move.DOWN
        if scarce and not fell and pools[pool].why is Why.STEADY and past.wanted < shares[pool].replicas:
            pools[pool].goal, pools[pool].why = shares[pool].replicas, Why.WORK
    saved = _saved(pools, work_s, limits)
    short_since = _since(memory.short_since, now) if saved > MUCH else None
    uneven_since = _since(memory.uneven_since, now) if saved > _least(pools, work_s) else None
    if _lasts(uneven_since, now, limits.cooldown_s):
        _give_way(pools, above=0.0)
    elif _lasts(short_since, now, limits.rebalance_s):
        _give_way(pools, above=KEPT_BACK)
    granted = _grant(pools, signals, limits)
    decided = {
        pool: PoolDecision(
            granted[pool],
            each.wanted,
            each.share.exact,
            each.why,
            idle(signals, pool, granted[pool]),
            signals.pools[pool].slots,
        )
        for pool, each in pools.items()
    }
    pasts = {
        pool: PoolMemory(granted[pool], peaks[pool], _moved(memory.pools.get(pool), each.wanted, granted[pool]))
        for pool, each in pools.items()
    }
    return ScalingDecision(now, decided), ScalingMemory(pasts, short_since, uneven_since)


def work(signals: Signals, pool: PoolSignals) -> float:
    """The replica-seconds of a pool that the outstanding orders need, with the attempts that rejections add."""
    orders = signals.outstanding * (UNREAD if signals.unread else 1.0)
    return orders * attempts_per_order(signals) * pool.calls_per_attempt * call_s(pool)


def attempts_per_order(signals: Signals) -> float:
    """1 + r + r² … up to the limit, where r is the share of attempts whose order goes back to the queue."""
    if signals.requeued >= 1:
        return float(signals.max_attempts)
    return (1 - signals.requeued**signals.max_attempts) / (1 - signals.requeued)


def call_s(pool: PoolSignals) -> float:
    """The replica-seconds of one call."""
    if pool.tokens_per_s is None or pool.tokens_per_call <= 0:
        return pool.assumed_s / pool.slots
    return pool.tokens_per_call / pool.tokens_per_s


def kept(pool: PoolSignals) -> int:
    """The replicas at work now, and a little room. They are not removed, whatever the backlog is."""
    return math.ceil(min(float(pool.ready), pool.running / pool.slots) * (1 + ROOM))


def full(pool: PoolSignals) -> float:
    """The share of a pool's ready slots that are taken; 1 when its KV cache admits no more."""
    if pool.ready == 0:
        return 0.0
    return 1.0 if pool.kv_used >= KV_FULL else min(1.0, pool.running / (pool.slots * pool.ready))


def idle(signals: Signals, pool: str, wanted: int) -> Idle:
    """The reason why a pool's slots are not full."""
    facts = signals.pools[pool]
    if facts.breaker_open:
        return Idle.BREAKER
    if signals.budget_spent:
        return Idle.BUDGET
    if full(facts) >= FULL:
        return Idle.BUSY
    if facts.ready == 0 and signals.outstanding:
        return Idle.STARTING if wanted or facts.starting else Idle.BUDGET
    others = (other for name, other in signals.pools.items() if name != pool)
    held_up = signals.ready > 0 or (signals.leased > 0 and any(full(other) >= FULL for other in others))
    return Idle.BACKPRESSURE if held_up else Idle.NO_WORK


def remember(peaks: tuple[Peak, ...], newest: Peak, *, oldest_at: float) -> tuple[Peak, ...]:
    """The decreasing peaks of a window, so that the first is the window's maximum."""
    kept = [peak for peak in peaks if peak.at > oldest_at and peak.replicas > newest.replicas]
    return (*kept, newest)


def _first(facts: PoolSignals, least: int, now: float) -> PoolMemory:
    wanted = max(least, facts.ready + facts.starting)
    return PoolMemory(wanted, (Peak(now, wanted),))


def _moved(past: PoolMemory | None, before: int, after: int) -> Move | None:
    if after == before:
        return None if past is None else past.last
    return Move.UP if after > before else Move.DOWN


def _aim(wanted: int, low: int, share: PoolShare, peak: int) -> _Pool:
    if wanted < low:
        return _Pool(wanted, share.replicas, low, share, Why.WORK)
    if wanted > peak:
        return _Pool(wanted, peak, low, share, Why.LESS_WORK)
    return _Pool(wanted, wanted, low, share)


def _saved(pools: dict[str, _Pool], work_s: Mapping[str, float], limits: ScalingLimits) -> float:
    """The share of the remaining time that the shares would save, compared with the present numbers. 0 when no
    accelerator has to move for that, because enough are free."""
    room = _room(pools, limits)
    if not any(
        each.wanted < each.share.replicas and limits.pools[pool].accelerators > room for pool, each in pools.items()
    ):
        return 0.0
    works = [pool for pool in pools if work_s[pool] > 0]
    best_s = max((work_s[pool] / pools[pool].share.replicas for pool in works), default=0.0)
    now_s = max((work_s[pool] / pools[pool].wanted if pools[pool].wanted else math.inf for pool in works), default=0.0)
    return 1 - best_s / now_s if now_s > 0 else 0.0


def _least(pools: dict[str, _Pool], work_s: Mapping[str, float]) -> float:
    """The least saving that is worth a drain and a start: half of what one more replica of the slowest pool would save.
    With few replicas one of them is many percent, and measured rates are no more exact than that."""
    works = [pool for pool in pools if work_s[pool] > 0]
    slowest = min(works, key=lambda pool: pools[pool].wanted / work_s[pool], default=None)
    return LITTLE if slowest is None else max(LITTLE, 0.5 / (pools[slowest].wanted + 1))


def _room(pools: dict[str, _Pool], limits: ScalingLimits) -> float:
    """Accelerators that no pool wants."""
    return limits.accelerators - sum(
        limits.pools[pool].accelerators * min(each.wanted, each.goal) for pool, each in pools.items()
    )


def _since(since: float | None, now: float) -> float:
    return now if since is None else since


def _lasts(since: float | None, now: float, for_s: float) -> bool:
    return since is not None and now - since >= for_s


def _free(pools: dict[str, _Pool], signals: Signals, limits: ScalingLimits) -> float:
    """Accelerators that are neither held nor promised. A draining replica holds its own until it is gone."""
    held = 0.0
    for pool, each in pools.items():
        facts = signals.pools[pool]
        count = max(min(each.wanted, each.goal), facts.ready + facts.starting) + facts.draining
        held += limits.pools[pool].accelerators * count
    return limits.accelerators - held


def _give_way(pools: dict[str, _Pool], *, above: float) -> None:
    """Shrinks pools to their share. `above`: the part of the share that is kept on top."""
    for each in pools.values():
        most = max(each.share.replicas, math.floor(each.share.exact * (1 + above)))
        if each.wanted > most and each.goal > most:
            each.goal, each.why = most, Why.GAVE_WAY


def _grant(pools: dict[str, _Pool], signals: Signals, limits: ScalingLimits) -> dict[str, int]:
    """Shrinks pools to their goals. Grows the others, the neediest first, as accelerators and start-ups allow."""
    granted = {pool: min(each.wanted, each.goal) for pool, each in pools.items()}
    growing = sorted(
        (pool for pool, each in pools.items() if each.goal > each.wanted),
        key=lambda pool: pools[pool].wanted / pools[pool].goal,
    )
    loading = sum(max(0, wanted - signals.pools[pool].ready) for pool, wanted in granted.items())
    starts = max(0, limits.max_starting - loading)
    lacking = sum(pools[pool].goal - pools[pool].wanted for pool in growing)
    free = _free(pools, signals, limits)
    for pool in growing:
        each, price = pools[pool], limits.pools[pool].accelerators
        more = each.goal - each.wanted
        affordable = more if price * more <= free else math.floor(max(0.0, free) / price + 1e-9)
        startable = min(starts, math.ceil(starts * more / lacking))
        lacking -= more
        step = min(more, affordable, startable)
        if step < more:
            each.why = Why.BUDGET if affordable <= startable else Why.START_LIMIT
        granted[pool] += step
        free -= price * step
        starts -= step
    return granted
