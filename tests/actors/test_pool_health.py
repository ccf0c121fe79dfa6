"""A pool that fails as a whole is doubted, probed one call at a time, paused when it is away, and opened again."""

import asyncio

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actors.pool_health import Admission, HealthLimits, PoolHealth
from schemas.errors import EngineError, ErrorKind, HopError

LIMITS = HealthLimits(window=8, failures=3, share=0.5, probe_s=1.0, outage_s=30.0)
LATE = 1e9
FAULT = EngineError(ErrorKind.RETRYABLE, "503")


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


def health(time: Time) -> PoolHealth[str]:
    return PoolHealth("generator", LIMITS, clock=lambda: time.now, sleep=time.sleep)


async def failing(pool: PoolHealth[str], calls: int) -> None:
    for _ in range(calls):
        assert await pool.admit(LATE) is Admission.OPEN
        pool.failed(FAULT)


async def test_some_failures_are_no_reason_to_doubt() -> None:
    """Two in a row after a start, or a few among many answers: calls go on."""
    pool = health(Time())
    await failing(pool, 2)
    for number in range(20):
        assert await pool.admit(LATE) is Admission.OPEN
        pool.answered(str(number))
    await failing(pool, 3)
    assert not pool.in_doubt
    assert pool.known_good == "19"


async def test_bad_requests_pause_nobody() -> None:
    """Only bad requests are left at a run's end: what was answered before is answered again, at once; no outage."""
    time = Time()
    pool = health(time)
    pool.answered("good")
    await failing(pool, 3)
    assert pool.in_doubt
    assert await pool.admit(LATE) is Admission.PROBE
    assert pool.pause is None
    pool.probed(None)
    assert (pool.in_doubt, pool.outages, time.now) == (False, 0, 0.0)


async def test_an_outage_pauses_and_the_first_answer_opens() -> None:
    """A server is gone for ten seconds: one probe a second is tried, nobody else, and then all go at once."""
    time = Time()
    pool = health(time)
    await failing(pool, 3)
    probes = 0
    while time.now < 10:
        assert await pool.admit(LATE) is Admission.PROBE
        pool.probed(FAULT)
        probes += 1
    assert 9 <= probes <= 12
    assert pool.pause is not None
    assert "3 of the last 3 calls failed" in pool.pause.why
    assert await pool.admit(LATE) is Admission.PROBE
    waiting = asyncio.ensure_future(pool.admit(LATE))
    await asyncio.sleep(0)
    assert not waiting.done()
    pool.probed(None)
    assert await waiting is Admission.OPEN
    assert (pool.pause, pool.outages) == (None, 1)


async def test_a_call_waits_no_longer_than_the_outage_bound() -> None:
    """A server that never comes back: the order ends with the reason why."""
    time = Time()
    pool = health(time)
    await failing(pool, 3)
    deadline = pool.deadline()
    with pytest.raises(HopError, match="generator did not come back: 3 of the last 3"):
        while await pool.admit(deadline) is Admission.PROBE:
            pool.probed(FAULT)
    assert 29 <= time.now <= 32


@pytest.mark.parametrize("kind", [ErrorKind.PERMANENT, ErrorKind.NONSENSE, ErrorKind.OVERLOADED])
async def test_a_requests_own_fault_says_nothing_against_the_pool(kind: ErrorKind) -> None:
    """Prompts that are too long, judges that write prose, a full queue: no outage; as a probe's
    answer it says that the pool is well, unless it asks to wait."""
    pool = health(Time())
    for _ in range(20):
        pool.failed(HopError(kind, "not the pool"))
    assert not pool.in_doubt
    for _ in range(20):
        pool.failed(FAULT)
    assert await pool.admit(LATE) is Admission.PROBE
    pool.probed(HopError(kind, "not the pool"))
    assert pool.in_doubt is (kind is ErrorKind.OVERLOADED)
    assert pool.pause is None


async def test_a_prober_that_leaves_makes_room_for_the_next() -> None:
    """The run is drained while a probe is under way: the next caller probes."""
    pool = health(Time())
    await failing(pool, 3)
    assert await pool.admit(LATE) is Admission.PROBE
    pool.left()
    assert await pool.admit(LATE) is Admission.PROBE


async def test_every_failed_call_is_counted_by_kind() -> None:
    """For the metrics: a prompt too long is the request's own fault and counts too, and so does what is not charged."""
    pool = health(Time())
    pool.failed(EngineError(ErrorKind.PERMANENT, "too long"))
    for _ in range(4):
        pool.failed(FAULT)
    assert pool.in_doubt
    assert pool.failures == {ErrorKind.PERMANENT: 1, ErrorKind.RETRYABLE: 4}


class Breaker(RuleBasedStateMachine):
    """Any schedule of admissions and ends: never two probes at once, and never shut for good."""

    def __init__(self) -> None:
        super().__init__()
        self.time = Time()
        self.pool = health(self.time)
        self.calls = self.probes = 0

    @rule()
    def admit(self) -> None:
        coroutine = self.pool.admit(LATE)
        try:
            coroutine.send(None)
        except StopIteration as admitted:
            if admitted.value is Admission.PROBE:
                self.probes += 1
            else:
                self.calls += 1
        except HopError:
            raise AssertionError("refused without having waited") from None
        else:
            coroutine.close()

    @precondition(lambda self: self.calls)
    @rule(end=st.sampled_from(["answered", "left", *ErrorKind]), wait=st.floats(0.0, 2.0))
    def end(self, end: str | ErrorKind, wait: float) -> None:
        self.calls -= 1
        if isinstance(end, ErrorKind):
            self.pool.failed(HopError(end, "told so"))
        elif end == "answered":
            self.pool.answered("a call")
        self.time.now += wait

    @precondition(lambda self: self.probes)
    @rule(end=st.sampled_from(["answered", "left", *ErrorKind]), wait=st.floats(0.0, 2.0))
    def end_probe(self, end: str | ErrorKind, wait: float) -> None:
        self.probes -= 1
        if end == "left":
            self.pool.left()
        else:
            self.pool.probed(HopError(end, "told so") if isinstance(end, ErrorKind) else None)
        self.time.now += wait

    @invariant()
    def one_probe(self) -> None:
        assert self.probes <= 1
        assert self.pool.in_doubt or self.pool.pause is None

    def teardown(self) -> None:
        if self.probes:
            self.pool.left()
        self.time.now += LIMITS.probe_s
        asyncio.run(self._opens())

    async def _opens(self) -> None:
        if await self.pool.admit(LATE) is Admission.PROBE:
            self.pool.probed(None)
        assert await self.pool.admit(LATE) is Admission.OPEN


Breaker.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestBreaker = Breaker.TestCase
