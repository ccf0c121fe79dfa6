"""A bug inside a replica is the pool's fault when every request meets it, else the fault of the one that does."""

import asyncio
from collections.abc import Callable, Coroutine
from random import Random

import pytest

from actors.calls.clocks import Clocks
from actors.calls.health import HealthLimits
from actors.calls.retry import CalledPool, RetryLimits, Try
from deployments.serve.replica import Health, answer_each
from schemas.errors import ErrorKind, Failure, HopError, PoolAwayError
from schemas.stages import PauseKind
from tests.doubles.engines import InstantEngine, InstantOptions
from tests.doubles.leaping_loop import leaping, now

LIMITS = RetryLimits(retries=2, timeout_s=5, base_delay_s=0.25)


class Prompt:
    """A request: its text is its id."""

    def __init__(self, text: str) -> None:
        self.id = text


class Server:
    """A pool of one replica whose engine fails for some texts; `asked` is what it was sent."""

    def __init__(self, fails: Callable[[str], Exception | None]) -> None:
        self._fails = fails
        self._health = Health(InstantEngine(InstantOptions()), stall_s=60, clock=now)
        self.asked: list[str] = []
        clocks = Clocks(wall=lambda: 1e9 + now(), monotonic=now)
        self.pool: CalledPool[str] = CalledPool(
            "judge", LIMITS, HealthLimits(outage_s=60), clocks=clocks, sleep=asyncio.sleep, random=Random(0)
        )

    def ask(self, text: str) -> Coroutine[None, None, str]:
        async def call(this: Try) -> str:
            return await self._reply("fixed" if this.trial is not None else text)

        return self.pool.ask(call, text)

    async def _reply(self, text: str) -> str:
        self.asked.append(text)
        async for replies in answer_each([Prompt(text)], self._answer, self._health):
            for reply in replies:
                if isinstance(reply, Failure):
                    raise HopError(reply.kind, reply.detail, reply.retry_after_s)
        return text

    async def _answer(self, request: Prompt) -> Prompt:
        await asyncio.sleep(0.1)
        if (error := self._fails(request.id)) is not None:
            raise error
        return request


def test_a_bug_that_every_request_meets_costs_no_order() -> None:
    """A custom judge of a new version: three prompts and a fixed line all fail, so the pool is paused, in its words."""

    async def main() -> None:
        server = Server(lambda text: TypeError("classify() got an unexpected keyword"))
        asking = [asyncio.ensure_future(server.ask(text)) for text in ("one", "two", "three")]
        await asyncio.sleep(10)
        pause = server.pool.pause()
        assert pause is not None and pause.kind is PauseKind.REFUSED and "TypeError: classify() got" in pause.why
        assert not any(each.done() for each in asking)
        ends = await asyncio.gather(*asking, return_exceptions=True)
        assert [type(end) for end in ends] == [PoolAwayError] * 3
        assert [server.asked.count(text) for text in ("one", "two", "three")] == [1, 1, 1]

    leaping(main())


def test_a_bug_that_one_request_meets_is_its_own() -> None:
    """One odd text breaks an engine's parsing: it ends after its tries, the others never wait."""

    async def main() -> None:
        server = Server(lambda text: KeyError("choices") if text == "odd" else None)
        texts = ["before", "odd", *(str(number) for number in range(20))]
        ends = await asyncio.gather(*(server.ask(text) for text in texts), return_exceptions=True)
        failed = [end for end in ends if isinstance(end, HopError)]
        assert [(end.kind, "KeyError: 'choices'" in end.detail) for end in failed] == [(ErrorKind.REFUSED, True)]
        assert server.asked.count("odd") == 1 + LIMITS.retries
        assert server.pool.pause() is None

    leaping(main())


@pytest.mark.parametrize("error", [ConnectionResetError("reset"), TimeoutError(), MemoryError()])
def test_what_the_machine_or_the_network_did_may_pass(error: Exception) -> None:
    """A custom engine lets its socket's error through: tried again, as any passing fault."""

    async def main() -> None:
        errors = [ExceptionGroup("a task group's", [error])]
        server = Server(lambda text: errors.pop() if errors else None)
        assert await server.ask("x") == "x"
        assert server.pool.health.failures == {ErrorKind.RETRYABLE: 1}

    leaping(main())
