"""A failed hop is retried in one place, within bounds."""

import asyncio
from random import Random

import pytest

from actors.hops import DEATHS, LONGEST_DELAY_S, MOST_CRASHES, Call, RetryLimits, Try, delay_s, hop
from actors.pool_health import HealthLimits, PoolHealth
from schemas.errors import EngineError, ErrorKind, HopError
from schemas.samples import Lane

LIMITS = RetryLimits(retries=3, timeout_s=5, base_delay_s=0.25)
CRASH = EngineError(ErrorKind.CRASHED, "the replica died")


class Sleeps:
    def __init__(self) -> None:
        self.asked: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)


def pool() -> PoolHealth[Call[str]]:
    now = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    return PoolHealth("generator", HealthLimits(outage_s=60), clock=lambda: now, sleep=sleep)


class Failing:
    """Fails as told, then answers."""

    def __init__(self, *errors: HopError) -> None:
        self.errors = list(errors)
        self.tries: list[Try] = []

    @property
    def calls(self) -> int:
        return len(self.tries)

    async def __call__(self, this: Try) -> str:
        self.tries.append(this)
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


class Clock:
    """Time that passes when everybody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            await asyncio.sleep(0)
            self.now += 0.001


class Away(Failing):
    """Fails until a moment."""

    def __init__(self, clock: Clock, until: float) -> None:
        super().__init__()
        self._clock = clock
        self.until = until

    async def __call__(self, this: Try) -> str:
        answer = await super().__call__(this)
        if self._clock.now < self.until:
            raise EngineError(ErrorKind.RETRYABLE, "nobody answers")
        return answer


def _pool_with_clock() -> tuple[PoolHealth[Call[str]], Clock]:
    clock = Clock()
    return PoolHealth("generator", HealthLimits(outage_s=60), clock=lambda: clock.now, sleep=clock.sleep), clock


async def test_a_passing_fault_is_retried_and_the_answer_comes() -> None:
    """A server answers 503 twice: the sample does not notice."""
    sleeps, call = Sleeps(), Failing(EngineError(ErrorKind.RETRYABLE, "503"), EngineError(ErrorKind.RETRYABLE, "503"))
    assert await hop(call, LIMITS, pool(), sleep=sleeps, random=Random(0)) == "answer"
    assert call.calls == 3
    assert len(sleeps.asked) == 2
    assert 0.125 <= sleeps.asked[0] <= 0.25 <= sleeps.asked[1] <= 0.5


async def test_a_permanent_error_is_not_retried() -> None:
    """A prompt that is too long will be too long again."""
    call = Failing(EngineError(ErrorKind.PERMANENT, "too long"))
    with pytest.raises(EngineError, match="too long"):
        await hop(call, LIMITS, pool(), sleep=Sleeps(), random=Random(0))
    assert call.calls == 1


async def test_tries_are_bounded_while_others_are_answered() -> None:
    """A request that never gets through costs four calls, not an endless loop."""
    health = pool()

    class Bad(Failing):
        async def __call__(self, this: Try) -> str:
            assert await hop(Failing(), LIMITS, health, sleep=Sleeps(), random=Random(0)) == "answer"
            return await super().__call__(this)

    call = Bad(*[EngineError(ErrorKind.RETRYABLE, str(number)) for number in range(9)])
    with pytest.raises(EngineError, match="3"):
        await hop(call, LIMITS, health, sleep=Sleeps(), random=Random(0))
    assert call.calls == 4


async def test_a_server_that_answers_nobody_is_waited_for() -> None:
    """The only request there is fails, and nothing was answered before: who is to blame? It waits for the longest
    outage, and says so."""
    call = Failing(*[EngineError(ErrorKind.RETRYABLE, "503")] * 1000)
    with pytest.raises(HopError, match=r"did not come back: a call failed 3 times, and nobody was answered"):
        await hop(call, LIMITS, pool(), sleep=Sleeps(), random=Random(0))
    assert sum(not this.is_probe for this in call.tries) == 3


async def test_a_hang_becomes_a_retryable_error() -> None:
    """A server accepts the call and never answers."""

    async def hang(this: Try) -> str:
        await asyncio.Event().wait()
        return "never"

    with pytest.raises(HopError, match=r"no answer within 0.01 s"):
        await hop(hang, RetryLimits(retries=1, timeout_s=0.01), pool(), sleep=Sleeps(), random=Random(0))


def test_the_other_sides_delay_is_kept() -> None:
    """429 with Retry-After: 7 means seven seconds, not our own guess; an absurd one is bounded."""
    overloaded = EngineError(ErrorKind.OVERLOADED, "429", retry_after_s=7)
    assert 7 <= delay_s(overloaded, 1, base_delay_s=0.25, random=Random(0)) <= 7.7
    absurd = EngineError(ErrorKind.OVERLOADED, "429", retry_after_s=1e9)
    assert delay_s(absurd, 1, base_delay_s=0.25, random=Random(0)) == LONGEST_DELAY_S


async def test_a_full_pool_is_waited_for_within_the_outage() -> None:
    """429 twenty times: none is a try; 429 for ever ends when the outage bound is reached."""
    busy = EngineError(ErrorKind.OVERLOADED, "429", retry_after_s=2)
    call = Failing(*[busy] * 20)
    assert await hop(call, LIMITS, pool(), sleep=Sleeps(), random=Random(0)) == "answer"
    assert {this.number for this in call.tries} == {1}
    with pytest.raises(EngineError, match="429"):
        await hop(Failing(*[busy] * 40), LIMITS, pool(), sleep=Sleeps(), random=Random(0))


async def test_what_fails_while_the_pool_is_away_is_charged_to_nobody() -> None:
    """Thirty calls at once, a server that is gone for ten seconds: each is answered in the end, at its first try but
    for the five that showed it; what was answered before is asked again every second."""
    health, clock = _pool_with_clock()
    good = Away(clock, until=0.0)
    assert await hop(good, LIMITS, health, sleep=clock.sleep, random=Random(0)) == "answer"
    good.until = clock.now + 10.0
    calls = [Away(clock, until=good.until) for _ in range(30)]
    answers = await asyncio.gather(*(hop(call, LIMITS, health, sleep=clock.sleep, random=Random(0)) for call in calls))
    assert answers == ["answer"] * 30
    assert max(this.number for call in calls for this in call.tries) <= 2
    assert health.outages == 1
    assert 9 <= sum(this.is_probe for this in good.tries) <= 13


async def test_bad_requests_at_the_end_are_charged_and_pause_nobody() -> None:
    """Thirty requests that can never be answered are all that is left: four tries each, a probe now and then."""
    health, clock = _pool_with_clock()
    good = Failing()
    assert await hop(good, LIMITS, health, sleep=clock.sleep, random=Random(0)) == "answer"
    calls = [Away(clock, until=1e9) for _ in range(30)]
    ends = await asyncio.gather(
        *(hop(call, LIMITS, health, sleep=clock.sleep, random=Random(0)) for call in calls), return_exceptions=True
    )
    assert all(isinstance(end, EngineError) for end in ends)
    assert {len(call.tries) for call in calls} == {LIMITS.retries + 1}
    assert health.outages == 0


async def test_a_suspect_travels_in_less_and_less_company_and_is_not_charged() -> None:
    """The replica died with a hundred requests in it; this innocent one was among them, and once more among few."""
    call = Failing(CRASH, CRASH)
    assert await hop(call, LIMITS, pool(), sleep=Sleeps(), random=Random(0)) == "answer"
    assert call.tries == [Try(1, Lane.SHARED), Try(1, Lane.FEW), Try(1, Lane.ALONE)]


async def test_what_kills_replicas_alone_while_others_are_answered_is_the_culprit() -> None:
    """A poisoned prompt: the evidence says how often, and that the pool was well in between."""
    health = pool()

    class Deadly(Failing):
        async def __call__(self, this: Try) -> str:
            assert await hop(Failing(), LIMITS, health, sleep=Sleeps(), random=Random(0)) == "answer"
            return await super().__call__(this)

    call = Deadly(*[CRASH] * 9)
    with pytest.raises(HopError, match=f"killed {DEATHS} replicas while alone.*the replica died") as failed:
        await hop(call, LIMITS, health, sleep=Sleeps(), random=Random(0))
    assert failed.value.kind is ErrorKind.CRASHED
    assert [this.lane for this in call.tries] == [Lane.SHARED, Lane.FEW, *[Lane.ALONE] * DEATHS]


async def test_when_nobody_is_answered_the_pool_is_to_blame() -> None:
    """A node is out of memory and every replica dies at once: no request is the culprit before the bound."""
    call = Failing(*[CRASH] * (MOST_CRASHES - 1))
    assert await hop(call, LIMITS, pool(), sleep=Sleeps(), random=Random(0)) == "answer"
    with pytest.raises(HopError, match=f"{MOST_CRASHES} replicas died under it"):
        await hop(Failing(*[CRASH] * MOST_CRASHES), LIMITS, pool(), sleep=Sleeps(), random=Random(0))
