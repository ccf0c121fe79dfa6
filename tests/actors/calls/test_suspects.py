"""What a dead replica held: the innocent are answered and pay nothing, the culprit is found."""

import pytest

from actors.calls.retry import DEATHS, MOST_CRASHES, Try
from schemas.errors import EngineError, ErrorKind, HopError, PoolAwayError
from schemas.samples import Lane
from tests.actors.calls.test_retry import Failing, Server, pool
from tests.doubles.leaping_loop import leaping

CRASH = EngineError(ErrorKind.CRASHED, "the replica died")


def test_a_suspect_travels_in_less_and_less_company_and_is_not_charged() -> None:
    """The replica died with a hundred requests in it; this innocent one was among them, and once more among few."""

    async def main() -> None:
        call = Failing(CRASH, CRASH)
        assert await pool().ask(call) == "answer"
        assert call.tries == [Try(1, Lane.SHARED), Try(1, Lane.FEW), Try(1, Lane.ALONE)]

    leaping(main())


def test_what_kills_replicas_alone_while_others_are_answered_is_the_culprit() -> None:
    """A poisoned prompt: the evidence says how often, and that the pool was well in between."""

    async def main() -> None:
        asked = pool()

        class Deadly(Failing):
            async def __call__(self, this: Try) -> str:
                assert await asked.ask(Failing()) == "answer"
                return await super().__call__(this)

        call = Deadly(*[CRASH] * 9)
        with pytest.raises(HopError, match=f"killed {DEATHS} replicas while alone.*the replica died") as failed:
            await asked.ask(call)
        assert failed.value.kind is ErrorKind.CRASHED
        assert [this.lane for this in call.tries] == [Lane.SHARED, Lane.FEW, *[Lane.ALONE] * DEATHS]

    leaping(main())


def test_when_nobody_is_answered_the_pool_is_to_blame() -> None:
    """A node is out of memory and every replica dies at once: no request is the culprit, and the pool is given up when
    that does not end."""

    async def main() -> None:
        back = Server(CRASH, since=0, until=30.0)
        assert await pool().ask(back) == "answer"
        with pytest.raises(PoolAwayError, match="the replica died"):
            await pool().ask(Server(CRASH, since=0, until=1e9))
        assert sum(trial is None for _, trial in back.calls) <= MOST_CRASHES

    leaping(main())
