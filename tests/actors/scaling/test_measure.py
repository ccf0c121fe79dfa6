"""Counters in, signals out: rates do not depend on the load they were measured at."""

from msgspec.structs import replace
from pytest import approx

from actors.scaling.measure import Meter, PoolFacts, RunFacts, measure
from schemas.scaling import Signals

POOL = PoolFacts(calls=0, recorded=0, tokens=0, running=0.0, slots=8, ready=2, starting=0, draining=0)


def facts(at: float, *, attempts: int = 0, requeued: int = 0, **changed: float) -> RunFacts:
    pool = replace(POOL, **changed)
    return RunFacts(at, attempts, requeued, 0, 0, 0, 0.0, 4, {"generator": 1.0}, {"generator": pool})


def signals_of(*seen: RunFacts) -> list[Signals]:
    found, meter = [], Meter()
    for each in seen:
        signals, meter = measure(each, meter)
        found.append(signals)
    return found


def last_of(*seen: RunFacts) -> Signals:
    return signals_of(*seen)[-1]


def test_nothing_is_known_before_calls_are_done() -> None:
    """No rate, and the expected calls an attempt."""
    pool = last_of(facts(0.0), facts(1.0, running=16)).pools["generator"]
    assert (pool.tokens_per_s, pool.calls_per_attempt) == (None, 1.0)


def test_a_rate_is_of_a_full_replica_whatever_the_load() -> None:
    """Half the slots taken, 32 calls a second: one full replica of the two does 32 calls a second."""
    seen = [
        facts(at, calls=32 * at, recorded=32 * at, tokens=3200 * at, attempts=32 * at, running=8.0) for at in range(60)
    ]
    signals = last_of(*seen)
    pool = signals.pools["generator"]
    assert pool.tokens_per_call == approx(100)
    assert pool.tokens_per_s == approx(3200)
    assert pool.calls_per_attempt == approx(1)


def test_a_slow_replica_is_measured_too() -> None:
    """One replica, eight calls that take 80 s: six a minute. Its first sixteen are enough, and it stays known."""
    seen = [facts(at, calls=at // 10, recorded=at // 10, tokens=10 * at, running=8.0, ready=1) for at in range(1200)]
    rates = [last.pools["generator"].tokens_per_s for last in signals_of(*seen)]
    assert rates[159] is None
    assert all(rate is not None for rate in rates[170:])
    assert rates[-1] == approx(10, rel=0.1)


def test_a_rate_stays_what_it_was_while_nothing_runs() -> None:
    """Quiet minutes teach nothing."""
    busy = [facts(at, calls=32 * at, recorded=32 * at, tokens=3200 * at, running=8.0) for at in range(60)]
    quiet = [facts(at, calls=32 * 59, recorded=32 * 59, tokens=3200 * 59) for at in (60, 61, 62)]
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


def test_what_waits_between_two_stages_is_no_second_call() -> None:
    """A slow judge: the generator has answered twice as many calls as attempts have ended. An attempt takes one."""
    seen = [facts(at, calls=64 * at, recorded=32 * at, attempts=32 * at, running=16.0) for at in range(60)]
    assert last_of(*seen).pools["generator"].calls_per_attempt == approx(1)


def test_starts_that_end_one_after_the_other_are_timed_each() -> None:
    """Four begin together and are ready in turn: the last took 33 s, and is not taken for one of a single second."""
    seen = [facts(0.0, ready=0, starting=0), facts(1.0, ready=0, starting=4)]
    seen += [facts(31.0 + done, ready=done, starting=4 - done) for done in (1, 2, 3)]
    assert last_of(*seen).pools["generator"].start_s == 33.0


def test_a_start_that_is_given_up_is_not_timed() -> None:
    """Two load, the later one is taken back; one more begins: the next to be ready is the first."""
    seen = [facts(0.0, ready=0, starting=1), facts(5.0, ready=0, starting=2), facts(9.0, ready=0, starting=1)]
    seen += [facts(20.0, ready=0, starting=2), facts(30.0, ready=1, starting=1), facts(60.0, ready=2)]
    assert last_of(*seen[:-1]).pools["generator"].start_s == 30.0
    assert last_of(*seen).pools["generator"].start_s == 40.0


def test_a_conductor_that_counts_anew_takes_nothing_back() -> None:
    """Its calls begin at nothing again: no call of this second, and none less."""
    seen = [facts(at, calls=32 * at, running=8.0) for at in range(60)]
    again = [facts(60, calls=3, running=8.0), *(facts(60 + at, calls=3 + 32 * at, running=8.0) for at in range(1, 60))]
    assert last_of(*seen, *again).pools["generator"].tokens_per_s == approx(32, rel=0.03)


def test_what_an_earlier_process_counted_is_no_rate() -> None:
    """A resumed run begins with the ledger's counts: they are where counting begins, not work of the first second."""
    assert last_of(facts(0.0, calls=9000, running=8.0), facts(1.0, calls=9000)).pools["generator"].tokens_per_s is None
