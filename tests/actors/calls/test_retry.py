"""A failed hop is retried in one place, within bounds; whose fault it was is known before an order pays for it."""

import asyncio
from collections.abc import Coroutine
from itertools import pairwise
from random import Random

import pytest

from actors.calls.clocks import Clocks
from actors.calls.health import HealthLimits, Trial
from actors.calls.retry import BELIEVED_S, LONGEST_DELAY_S, CalledPool, RetryLimits, Try, delay_s
from schemas.errors import EngineError, ErrorKind, HopError, PoolAwayError
from schemas.stages import PauseKind
from tests.doubles.leaping_loop import leaping, now

LIMITS = RetryLimits(retries=3, timeout_s=5, base_delay_s=0.25)
AWAY = EngineError(ErrorKind.RETRYABLE, "nobody answers")
REFUSED = EngineError(ErrorKind.REFUSED, "127.0.0.1: HTTP 401; the key is refused")
TOO_LONG = EngineError(ErrorKind.PERMANENT, "too long")
BUSY = EngineError(ErrorKind.OVERLOADED, "429")


def pool(*, outage_s: float = 60.0, limits: RetryLimits = LIMITS) -> CalledPool[str]:
    clocks = Clocks(wall=lambda: 1e9 + now(), monotonic=now)
    health = HealthLimits(outage_s=outage_s)
    return CalledPool("generator", limits, health, clocks=clocks, sleep=asyncio.sleep, random=Random(0))


class Failing:
    """Fails as scripted, then answers. A fixed trial is answered and is no part of the script."""

    def __init__(self, *errors: HopError) -> None:
        self.errors = list(errors)
        self.tries: list[Try] = []
        self.trials: list[float] = []

    async def __call__(self, this: Try) -> str:
        if this.trial is not None:
            self.trials.append(now())
            return "answer"
        self.tries.append(this)
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


class Server:
    """One that answers in 0.1 s, and fails between two moments whoever asks it."""

    def __init__(self, error: HopError, since: float, until: float) -> None:
        self._error, self._since, self._until = error, since, until
        self.calls: list[tuple[float, Trial | None]] = []

    async def __call__(self, this: Try) -> str:
        self.calls.append((now(), this.trial))
        await asyncio.sleep(0.1)
        if self._since <= now() < self._until:
            raise self._error
        return "answer"

    def trials(self) -> list[float]:
        return [at for at, trial in self.calls if trial is not None]


async def ends_of(*asking: Coroutine[None, None, str]) -> list[str | BaseException]:
    return await asyncio.gather(*asking, return_exceptions=True)


def test_a_passing_fault_is_retried_and_the_answer_comes() -> None:
    """A server answers 503 twice: the sample does not notice."""

    async def main() -> None:
        call = Failing(AWAY, AWAY)
        assert await pool().ask(call) == "answer"
        assert [this.number for this in call.tries] == [1, 2, 3]
        assert 0.125 + 0.25 <= now() <= 0.25 + 0.5

    leaping(main())


def test_what_one_prompt_alone_meets_ends_its_order_at_once() -> None:
    """A prompt that is too long will be too long again: the pool is asked once what it answered before, and not closed.
    The very first order of a run is no worse off: a fixed one-line call speaks for it."""

    async def main() -> None:
        for before in ([Failing()], []):
            asked = pool()
            for good in before:
                await asked.ask(good)
            call = Failing(TOO_LONG)
            with pytest.raises(EngineError, match="too long"):
                await asked.ask(call, "this prompt")
            assert len(call.tries) == 1
            assert sum(len(each.trials) for each in (*before, call)) == 1
            assert (asked.health.outages, asked.pause()) == (0, None)

    leaping(main())


@pytest.mark.parametrize("error", [TOO_LONG, REFUSED])
def test_one_bad_prompt_among_two_hundred_is_one_dead_letter(error: HopError) -> None:
    """One passage is longer than the model's context: its order ends with that error, 199 are answered, no pause."""

    async def main() -> None:
        asked, room = pool(), asyncio.Semaphore(16)
        paused = []

        async def order(number: int) -> str:
            async def call(this: Try) -> str:
                await asyncio.sleep(0.1)
                if number == 77 and this.trial is not Trial.FIXED:
                    raise error
                return "answer"

            async with room:
                try:
                    return await asked.ask(call, number)
                finally:
                    paused.append(asked.pause())

        ends = await ends_of(*(order(number) for number in range(200)))
        assert [end for end in ends if end != "answer"] == [error]
        assert set(paused) == {None}
        assert asked.health.outages == 0

    leaping(main())


@pytest.mark.parametrize("kind", [ErrorKind.REFUSED, ErrorKind.PERMANENT])
def test_a_key_that_is_refused_from_the_fourth_call_on_charges_nobody(kind: ErrorKind) -> None:
    """A key expires in the night: the pool is paused and tried every two seconds; it is renewed after a minute, and all
    go on, uncharged."""

    async def main() -> None:
        server = Server(EngineError(kind, "the key is refused"), since=0.35, until=60.0)
        asked, room = pool(outage_s=600), asyncio.Semaphore(8)
        for number in range(3):
            await asked.ask(server, number)

        async def order(number: int) -> str:
            async with room:
                return await asked.ask(server, number)

        orders = asyncio.ensure_future(ends_of(*(order(number) for number in range(3, 100))))
        await asyncio.sleep(30)
        pause = asked.pause()
        assert pause is not None
        assert (pause.kind, pause.waiting) == (PauseKind.REFUSED, 8)
        assert "the key is refused" in pause.why
        assert pause.until is not None
        assert pause.until - pause.since == pytest.approx(600)
        assert set(await orders) == {"answer"}
        asked_meanwhile = [trial for at, trial in server.calls if 1.0 <= at < 60.0]
        assert 27 <= len(asked_meanwhile) <= 31
        assert None not in asked_meanwhile
        assert now() < 60.0 + 2.2 + 97 / 8 * 0.1 + 0.5

    leaping(main())


def test_a_pool_that_never_answered_must_refuse_three_prompts_and_a_fixed_line() -> None:
    """A template that refuses the system role, a model that is not there: the first three orders meet it, and so does
    the fixed call. Two orders alone are enough when the fixed call is refused twice."""

    async def main() -> None:
        for orders in (2, 3):
            server, asked = Server(REFUSED, since=0, until=1e9), pool()
            ends = await ends_of(*(asked.ask(server, number) for number in range(orders)))
            assert [type(end) for end in ends] == [PoolAwayError] * orders
            assert [trial for _, trial in server.calls].count(None) == orders
            assert asked.health.outages == 1

    leaping(main())


def test_prompts_that_are_all_bad_are_their_own_fault() -> None:
    """A moderated corpus: every order is refused from the first on, the fixed line is answered. No pause, no outage."""

    async def main() -> None:
        asked = pool()
        ends = await ends_of(*(asked.ask(Failing(TOO_LONG), number) for number in range(30)))
        assert ends == [TOO_LONG] * 30
        assert asked.health.outages == 0

    leaping(main())


def test_a_server_that_refuses_the_cheap_trial_alone_is_not_to_blame() -> None:
    """It was away for a while, and refuses one token: the whole call is tried before it is blamed."""

    async def main() -> None:
        class Fussy(Server):
            async def __call__(self, this: Try) -> str:
                answer = await super().__call__(this)
                if this.trial is Trial.QUICK:
                    raise EngineError(ErrorKind.REFUSED, "max_tokens must be at least 16")
                return answer

        server, asked = Fussy(AWAY, since=0.15, until=9.0), pool()
        assert await asked.ask(server) == "answer"
        assert set(await ends_of(*(asked.ask(server, number) for number in range(9)))) == {"answer"}
        assert now() < 9 + 4 + 1

    leaping(main())


def test_tries_are_bounded_while_others_are_answered() -> None:
    """A request that never gets through costs four calls, not an endless loop."""

    async def main() -> None:
        asked = pool()

        class Bad(Failing):
            async def __call__(self, this: Try) -> str:
                assert await asked.ask(Failing()) == "answer"
                return await super().__call__(this)

        call = Bad(*[EngineError(ErrorKind.RETRYABLE, str(number)) for number in range(9)])
        with pytest.raises(EngineError, match="3"):
            await asked.ask(call)
        assert len(call.tries) == 4

    leaping(main())


def test_a_server_that_answers_nobody_is_given_up_and_no_order_pays() -> None:
    """The only request there is fails, and nothing was answered before: the pool is to blame."""

    async def main() -> None:
        server = Server(AWAY, since=0, until=1e9)
        with pytest.raises(PoolAwayError, match=r"generator does not answer, since .*nobody answers") as raised:
            await pool().ask(server)
        assert raised.value.since == pytest.approx(1e9)
        assert 60 <= now() <= 63
        assert [trial for _, trial in server.calls].count(None) == 3
        assert len(server.trials()) <= 31

    leaping(main())


def test_a_silent_server_is_given_up_like_one_that_is_away() -> None:
    """It accepts every call and never answers: after two time-outs it is in doubt, and given up in time."""

    async def main() -> None:
        async def hang(this: Try) -> str:
            await asyncio.Event().wait()
            return "never"

        with pytest.raises(PoolAwayError, match="no answer"):
            await pool(outage_s=60).ask(hang)
        assert 60 <= now() <= 66

    leaping(main())


def test_the_other_sides_delay_is_kept() -> None:
    """429 with Retry-After: 7 means seven seconds, not our own guess, and two minutes are two minutes; an absurd one is
    not believed."""
    for asked_s in (7.0, 120.0):
        overloaded = EngineError(ErrorKind.OVERLOADED, "429", retry_after_s=asked_s)
        assert asked_s <= delay_s(overloaded, 1, base_delay_s=0.25, random=Random(0)) <= 1.1 * asked_s
    absurd = EngineError(ErrorKind.OVERLOADED, "429", retry_after_s=BELIEVED_S + 1)
    assert delay_s(absurd, 1, base_delay_s=0.25, random=Random(0)) == LONGEST_DELAY_S
    assert delay_s(BUSY, 10_000, base_delay_s=0.25, random=Random(0)) <= LONGEST_DELAY_S == 60.0


def test_a_busy_pool_is_asked_ever_more_seldom_and_kills_no_order() -> None:
    """429 without Retry-After for eight minutes: fifty orders make some hundred calls instead of thousands, and all are
    answered; what is shown meanwhile is a pool that asks to wait."""

    async def main() -> None:
        server, asked = Server(BUSY, since=0, until=480.0), pool(outage_s=600)
        orders = asyncio.ensure_future(ends_of(*(asked.ask(server, number) for number in range(50))))
        await asyncio.sleep(4)
        assert asked.pause() is None
        await asyncio.sleep(20)
        pause = asked.pause()
        assert pause is not None
        assert (pause.kind, pause.since) == (PauseKind.OVERLOADED, pytest.approx(1e9))
        assert pause.waiting >= 48
        assert sum(at < 20 for at, _ in server.calls) < 50 * 9
        assert set(await orders) == {"answer"}
        assert now() < 480 + 61
        assert len(server.calls) < 50 * 20
        assert asked.pause() is None

    leaping(main())


def test_a_pool_that_only_asks_to_wait_is_given_up_in_time() -> None:
    """429 for ever (no credit left): the run stops when nothing was answered for `outage_s`; no order ends."""

    async def main() -> None:
        asked = pool(outage_s=100)
        ends = await ends_of(*(asked.ask(Server(BUSY, 0, 1e9), number) for number in range(5)))
        assert {type(end) for end in ends} == {PoolAwayError}
        assert 100 <= now() <= 101

    leaping(main())


def test_an_order_is_not_killed_because_others_are_served_first() -> None:
    """One order is told to wait for a quarter of an hour, while others are answered: it is answered in the end."""

    async def main() -> None:
        asked, unlucky = pool(outage_s=60), Server(BUSY, 0, 900.0)
        waiting = asyncio.ensure_future(asked.ask(unlucky))
        while now() < 960:
            await asked.ask(Failing())
            await asyncio.sleep(1)
        assert await waiting == "answer"

    leaping(main())


def test_what_fails_while_the_pool_is_away_is_charged_to_nobody() -> None:
    """Thirty calls at once, a server that is gone for twelve seconds: each is answered in the end, at its first try but
    for the five that showed it, within two seconds of its return; one trial goes every two seconds."""

    async def main() -> None:
        server, asked = Server(AWAY, since=0.15, until=12.0), pool()
        assert await asked.ask(server) == "answer"
        assert set(await ends_of(*(asked.ask(server, number) for number in range(30)))) == {"answer"}
        assert now() <= 12.0 + 2.0 + 0.5
        assert asked.health.outages == 1
        trials = server.trials()
        assert 5 <= len(trials) <= 8
        assert min(later - earlier for earlier, later in pairwise(trials)) >= 2.0
        assert sum(trial is None for _, trial in server.calls) <= 1 + 2 * 30

    leaping(main())


def test_bad_requests_at_the_end_are_charged_and_pause_nobody() -> None:
    """Thirty requests that can never be answered are all that is left: four tries each, a trial now and then."""

    async def main() -> None:
        asked, good = pool(), Failing()
        assert await asked.ask(good) == "answer"
        calls = [Failing(*[AWAY] * 99) for _ in range(30)]
        ends = await ends_of(*(asked.ask(call, number) for number, call in enumerate(calls)))
        assert ends == [AWAY] * 30
        assert {len(call.tries) for call in calls} == {LIMITS.retries + 1}
        assert asked.health.outages == 0

    leaping(main())


def test_the_caller_that_watches_may_go() -> None:
    """The sample that waits for the pool on behalf of all is cancelled in the middle of a trial: another watches."""

    async def main() -> None:
        server, asked = Server(AWAY, since=0.15, until=9.0), pool()
        await asked.ask(server)
        orders = [asyncio.ensure_future(asked.ask(server, number)) for number in range(9)]
        for number in range(4):
            await asyncio.sleep(1.03)
            orders[number].cancel()
        ends = await asyncio.gather(*orders, return_exceptions=True)
        assert ends[4:] == ["answer"] * 5
        assert asked.waiting == 0

    leaping(main())
