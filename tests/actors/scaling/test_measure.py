"""Counters in, signals out: rates do not depend on the load they were measured at."""

from msgspec.structs import replace
from pytest import approx

from actors.scaling.measure import Facts, Meter, PoolFacts, measure
from schemas.scaling import Signals

POOL = PoolFacts(calls=0, tokens=0, running=0.0, slots=8, ready=2, starting=0, draining=0)


def facts(at: float, *, attempts: int = 0, requeued: int = 0, **changed: float) -> Facts:
    pool = replace(POOL, **changed)
    return Facts(at, attempts, requeued, 0, 0, 0, 0.0, 4, {"generator": 1.0}, {"generator": pool})


def last_of(*seen: Facts) -> Signals:
    signals, meter = measure(seen[0], Meter())
    for each in seen[1:]:
        signals, meter = measure(each, meter)
    return signals


def test_nothing_is_known_before_calls_are_done() -> None:
    """No rate, and the expected calls an attempt."""
    pool = last_of(facts(0.0), facts(1.0, running=16)).pools["generator"]
    assert (pool.tokens_per_s, pool.calls_per_attempt) == (None, 1.0)


def test_a_rate_is_of_a_full_replica_whatever_the_load() -> None:
    """Half the slots taken, 32 calls a second: one full replica of the two does 32 calls a second."""
    seen = [facts(at, calls=32 * at, tokens=3200 * at, attempts=32 * at, running=8.0) for at in range(60)]
    signals = last_of(*seen)
    pool = signals.pools["generator"]
    assert pool.tokens_per_call == approx(100)
    assert pool.tokens_per_s == approx(3200)
    assert pool.calls_per_attempt == approx(1)


def test_a_rate_stays_what_it_was_while_nothing_runs() -> None:
    """Quiet minutes teach nothing."""
    busy = [facts(at, calls=32 * at, tokens=3200 * at, running=8.0) for at in range(60)]
    quiet = [facts(at, calls=32 * 59, tokens=3200 * 59) for at in (60, 61, 62)]
    assert last_of(*busy, *quiet).pools["generator"].tokens_per_s == approx(3200, rel=0.03)


def test_the_share_that_comes_back_follows_a_drift() -> None:
    """A fifth of attempts at first, a half later."""
    first = [facts(at, attempts=100 * at, requeued=20 * at) for at in range(60)]
    later = [facts(59 + at, attempts=5900 + 100 * at, requeued=1180 + 50 * at) for at in range(200)]
    assert last_of(*first).requeued == approx(0.2)
    assert last_of(*first, *later).requeued == approx(0.5, rel=0.01)


def test_a_start_is_measured() -> None:
    """From the first replica that loads to the first that is ready."""
    seen = [facts(0.0, ready=0, starting=1), facts(10.0, ready=0, starting=1), facts(42.0, ready=1)]
    assert last_of(*seen).pools["generator"].start_s == 42.0


def test_what_an_earlier_process_counted_is_no_rate() -> None:
    """A resumed run begins with the ledger's counts: they are where counting begins, not work of the first second."""
    assert last_of(facts(0.0, calls=9000, running=8.0), facts(1.0, calls=9000)).pools["generator"].tokens_per_s is None
