"""A pool that fails as a whole is paused, probed one call at a time, and opened by its first answer."""

import asyncio

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actors.pool_health import Admission, HealthLimits, PoolHealth
from schemas.errors import EngineError, ErrorKind, HopError

LIMITS = HealthLimits(window=8, failures=3, share=0.5, probe_s=1.0, outage_s=30.0)
FAULT = EngineError(ErrorKind.RETRYABLE, "503")


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


def health(time: Time) -> PoolHealth:
    return PoolHealth("generator", LIMITS, clock=lambda: time.now, sleep=time.sleep)


async def failing(pool: PoolHealth, calls: int) -> None:
    for _ in range(calls):
        pool.failed(await pool.admit(), FAULT)


async def test_some_failures_are_no_outage() -> None:
    """Two in a row after a start, or a few among many answers: calls go on."""
    pool = health(Time())
    await failing(pool, 2)
    for _ in range(20):
        pool.answered(await pool.admit())
    await failing(pool, 3)
    assert pool.pause is None


async def test_an_outage_pauses_and_the_first_answer_opens() -> None:
    """A server is gone for ten seconds: one probe a second is tried, nobody else, and then all go at once."""
    time = Time()
    pool = health(time)
    await failing(pool, 3)
    assert pool.pause is not None
    assert "3 of the last 3 calls failed" in pool.pause.why
    probes = 0
    while time.now < 10:
        assert await pool.admit() is Admission.PROBE
        probes += 1
        assert pool.failed(Admission.PROBE, FAULT)
    assert 9 <= probes <= 11
    admission = await pool.admit()
    waiting = asyncio.ensure_future(pool.admit())
    await asyncio.sleep(0)
    assert not waiting.done()
    pool.answered(admission)
    assert await waiting is Admission.OPEN
    assert pool.pause is None


async def test_what_was_under_way_when_the_pool_failed_is_not_charged() -> None:
    """Hundreds of calls fail in the same second: only those that showed the outage are charged for it."""
    pool = health(Time())
    under_way = [await pool.admit() for _ in range(10)]
    charged = [pool.failed(admission, FAULT) for admission in under_way]
    assert charged == [True] * 3 + [False] * 7


async def test_a_call_waits_no_longer_than_the_outage_bound() -> None:
    """A server that never comes back: the order ends with the reason why."""
    time = Time()
    pool = health(time)
    await failing(pool, 3)
    assert await pool.admit() is Admission.PROBE
    with pytest.raises(HopError, match="generator did not come back: 3 of the last 3"):
        await pool.admit()
    assert 29 <= time.now <= 32


@pytest.mark.parametrize("kind", [ErrorKind.PERMANENT, ErrorKind.NONSENSE, ErrorKind.OVERLOADED])
async def test_a_requests_own_fault_says_nothing_against_the_pool(kind: ErrorKind) -> None:
    """Prompts that are too long, judges that write prose, a full queue: no outage."""
    pool = health(Time())
    for _ in range(20):
        pool.failed(await pool.admit(), HopError(kind, "not the pool"))
    assert pool.pause is None


async def test_a_probe_whose_caller_leaves_makes_room_for_the_next() -> None:
    """The run is drained while a probe is under way: the next caller probes."""
    pool = health(Time())
    await failing(pool, 3)
    pool.left(await pool.admit())
    assert await pool.admit() is Admission.PROBE


async def test_every_failed_call_is_counted_by_kind() -> None:
    """For the metrics: a prompt too long is the request's own fault and counts too, and so does what is not charged."""
    pool = health(Time())
    under_way = [await pool.admit() for _ in range(5)]
    pool.failed(under_way[0], EngineError(ErrorKind.PERMANENT, "too long"))
    charged = [pool.failed(admission, FAULT) for admission in under_way[1:]]
    assert charged == [True, True, True, False]
    assert pool.failures == {ErrorKind.PERMANENT: 1, ErrorKind.RETRYABLE: 4}


class Breaker(RuleBasedStateMachine):
    """Any schedule of admissions and ends: never two probes at once, and never shut for good."""

    def __init__(self) -> None:
        super().__init__()
        self.time = Time()
        self.pool = health(self.time)
        self.under_way: list[Admission] = []

    @rule()
    def admit(self) -> None:
        coroutine = self.pool.admit()
        try:
            coroutine.send(None)
        except StopIteration as admitted:
            self.under_way.append(admitted.value)
        except HopError:
            raise AssertionError("refused without having waited") from None
        else:
            coroutine.close()

    @precondition(lambda self: self.under_way)
    @rule(
        position=st.integers(0, 10**6), end=st.sampled_from(["answered", "left", *ErrorKind]), wait=st.floats(0.1, 2.0)
    )
    def end(self, position: int, end: str | ErrorKind, wait: float) -> None:
        admission = self.under_way.pop(position % len(self.under_way))
        if isinstance(end, ErrorKind):
            self.pool.failed(admission, HopError(end, "told so"))
        elif end == "left":
            self.pool.left(admission)
        else:
            self.pool.answered(admission)
        self.time.now += wait

    @invariant()
    def one_probe(self) -> None:
        assert self.under_way.count(Admission.PROBE) <= 1

    def teardown(self) -> None:
        while self.under_way:
            self.pool.left(self.under_way.pop())
        self.time.now += LIMITS.probe_s
        asyncio.run(self._opens())

    async def _opens(self) -> None:
        self.pool.answered(await self.pool.admit())
        assert self.pool.pause is None


Breaker.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestBreaker = Breaker.TestCase
