"""A failed hop is retried in one place, within bounds."""

import asyncio
from random import Random

import pytest

from actors.hops import LONGEST_DELAY_S, RetryLimits, delay_s, hop
from schemas.errors import EngineError, ErrorKind, HopError

LIMITS = RetryLimits(retries=3, timeout_s=5, base_delay_s=0.25)


class Sleeps:
    def __init__(self) -> None:
        self.asked: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)


class Failing:
    """Fails as told, then answers."""

    def __init__(self, *errors: HopError) -> None:
        self.errors = list(errors)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


async def test_a_passing_fault_is_retried_and_the_answer_comes() -> None:
    """A replica dies once and is replaced: the sample does not notice."""
    sleeps, call = Sleeps(), Failing(EngineError(ErrorKind.RETRYABLE, "died"), EngineError(ErrorKind.RETRYABLE, "died"))
    assert await hop(call, LIMITS, sleep=sleeps, random=Random(0)) == "answer"
    assert call.calls == 3
    assert len(sleeps.asked) == 2
    assert 0.125 <= sleeps.asked[0] <= 0.25 <= sleeps.asked[1] <= 0.5


async def test_a_permanent_error_is_not_retried() -> None:
    """A prompt that is too long will be too long again."""
    call = Failing(EngineError(ErrorKind.PERMANENT, "too long"))
    with pytest.raises(EngineError, match="too long"):
        await hop(call, LIMITS, sleep=Sleeps(), random=Random(0))
    assert call.calls == 1


async def test_tries_are_bounded() -> None:
    """A server that never recovers costs four calls, not an endless loop."""
    call = Failing(*[EngineError(ErrorKind.RETRYABLE, str(number)) for number in range(9)])
    with pytest.raises(EngineError, match="3"):
        await hop(call, LIMITS, sleep=Sleeps(), random=Random(0))
    assert call.calls == 4


async def test_a_hang_becomes_a_retryable_error() -> None:
    """A server accepts the call and never answers."""

    async def hang() -> str:
        await asyncio.Event().wait()
        return "never"

    with pytest.raises(HopError, match=r"no answer within 0.01 s"):
        await hop(hang, RetryLimits(retries=1, timeout_s=0.01), sleep=Sleeps(), random=Random(0))


def test_the_other_sides_delay_is_kept() -> None:
    """429 with Retry-After: 7 means seven seconds, not our own guess; an absurd one is bounded."""
    overloaded = EngineError(ErrorKind.OVERLOADED, "429", retry_after_s=7)
    assert 7 <= delay_s(overloaded, 1, base_delay_s=0.25, random=Random(0)) <= 7.7
    absurd = EngineError(ErrorKind.OVERLOADED, "429", retry_after_s=1e9)
    assert delay_s(absurd, 1, base_delay_s=0.25, random=Random(0)) == LONGEST_DELAY_S
