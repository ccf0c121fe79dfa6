"""When replicas are added and taken away. Pure: signals, memory and `now` in; a decision and the next memory out.

Laws: replicas that run, start or drain never hold more than the accelerators. A pool with work gets a replica. A pool
grows at once and shrinks only to the highest need of the last cool-down, and never below what is at work; around the
need lies a band in which nothing moves, so that noise turns nothing round. When accelerators lie where the bottleneck
is not, others fall to their share and free what it needs: at once (after `rebalance_s`) when the run would gain much
by that, after a cool-down when it would gain little. What is taken away drains first, and counts until it is gone.
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
"""How many times the visible backlog there is while the reader waits for room: more than any pool can use."""
BAND, BAND_LEAST = 0.03, 0.15
"""Share of a need, and replicas at least, by which it must leave the present number before anything moves: above the
noise of measured rates, below what would cost 5% of a run's time."""
MUCH, LITTLE = 0.1, 0.015
"""Parts of the remaining time that another split of the accelerators would save. Less than little is noise of measured
rates, or one replica more or less."""
KEPT_BACK = 0.01
"""Part of its share that a pool keeps on top when it gives way at once, by young figures: what it gives too much is
missed for a drain and a start."""
ROOM = 0.05
"""Above the replicas at work, for a flow that comes as fast as it is done: without it a queue builds, and turns it."""
SCARCE = 1.001
"""So much more work than the horizon takes, and accelerators or a pool's own maximum do not suffice."""
STARTS = 3
"""The horizon in start-ups, at least. A replica pays for its start; and feedback that comes one start-up late does not
ring when it is spread over more than e = 2.7 of them."""
KV_FULL = 0.95
"""From here on a KV cache admits no further request: its replica is full whatever its slots say."""
FULL = 0.9
"""Share of slots taken from which a pool counts as busy."""


class _Pool(Struct):
    """One pool while it is decided on."""

    wanted: int
    goal: int
    low: int
    share: PoolShare
    why: Why = Why.STEADY


def decide(
    signals: Signals, limits: ScalingLimits, memory: ScalingMemory, now: float
) -> tuple[ScalingDecision, ScalingMemory]:
    """Replicas for every pool of `limits`, with reasons. Call it about once a second with its own last memory."""
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
        pool: PoolDecision(granted[pool], each.wanted, each.share.exact, each.why, idle(signals, pool, granted[pool]))
        for pool, each in pools.items()
    }
    pasts = {
        pool: PoolMemory(granted[pool], peaks[pool], _moved(memory.pools.get(pool), each.wanted, granted[pool]))
        for pool, each in pools.items()
    }
    return ScalingDecision(now, decided), ScalingMemory(pasts, short_since, uneven_since)


def work(signals: Signals, pool: PoolSignals) -> float:
    """Replica-seconds that the outstanding orders will take of a pool, the attempts that rejections add included."""
    orders = signals.outstanding * (UNREAD if signals.unread else 1.0)
    return orders * attempts_per_order(signals) * pool.calls_per_attempt * call_s(pool)


def attempts_per_order(signals: Signals) -> float:
    """1 + r + r² … up to the limit, r being the share of attempts that come back."""
    if signals.requeued >= 1:
        return float(signals.max_attempts)
    return (1 - signals.requeued**signals.max_attempts) / (1 - signals.requeued)


def call_s(pool: PoolSignals) -> float:
    """Replica-seconds of one call."""
    if pool.tokens_per_s is None or pool.tokens_per_call <= 0:
        return pool.assumed_s / pool.slots
    return pool.tokens_per_call / pool.tokens_per_s


def kept(pool: PoolSignals) -> int:
    """Replicas that are at work now, and a little room: these are not taken away, whatever the backlog."""
    return math.ceil(min(float(pool.ready), pool.running / pool.slots) * (1 + ROOM))


def full(pool: PoolSignals) -> float:
    """Share of a pool's ready slots that are taken; 1 when its KV cache admits no more."""
    if pool.ready == 0:
        return 0.0
    return 1.0 if pool.kv_used >= KV_FULL else min(1.0, pool.running / (pool.slots * pool.ready))


def idle(signals: Signals, pool: str, wanted: int) -> Idle:
    """Why a pool's slots are not full."""
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
    """The falling peaks of a window: its first entry is the window's maximum."""
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
    """Part of the remaining time that the shares would save against what is wanted now. None (0) where no accelerator
    has to move for that: some are wanted by nobody."""
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
    """The least saving that is worth a drain and a start: half of what one replica more of the slowest pool would save.
    Of few replicas one is many percent, and measured rates are no better than that."""
    works = [pool for pool in pools if work_s[pool] > 0]
    slowest = min(works, key=lambda pool: pools[pool].wanted / work_s[pool], default=None)
    return LITTLE if slowest is None else max(LITTLE, 0.5 / (pools[slowest].wanted + 1))


def _room(pools: dict[str, _Pool], limits: ScalingLimits) -> float:
    """Accelerators that nobody wants."""
    return limits.accelerators - sum(
        limits.pools[pool].accelerators * min(each.wanted, each.goal) for pool, each in pools.items()
    )


def _since(since: float | None, now: float) -> float:
    return now if since is None else since


def _lasts(since: float | None, now: float, for_s: float) -> bool:
    return since is not None and now - since >= for_s


def _free(pools: dict[str, _Pool], signals: Signals, limits: ScalingLimits) -> float:
    """Accelerators that nobody holds or has been promised. A draining replica holds its own to the end."""
    held = 0.0
    for pool, each in pools.items():
        facts = signals.pools[pool]
        count = max(min(each.wanted, each.goal), facts.ready + facts.starting) + facts.draining
        held += limits.pools[pool].accelerators * count
    return limits.accelerators - held


def _give_way(pools: dict[str, _Pool], *, above: float) -> None:
    """`above`: part of a share that is kept on top of it. What was given too much is missed for a drain and a start."""
    for each in pools.values():
        most = max(each.share.replicas, math.floor(each.share.exact * (1 + above)))
        if each.wanted > most and each.goal > most:
            each.goal, each.why = most, Why.GAVE_WAY


def _grant(pools: dict[str, _Pool], signals: Signals, limits: ScalingLimits) -> dict[str, int]:
    """Falls as aimed; grows, the neediest pool first, as far as accelerators and start-ups allow."""
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
