"""How long a piece of work holds the event loop, and what is not its fault."""

import time

from actors.calls.loop_lag import MOST_LAG_S, held_loop_s


async def test_a_pause_that_comes_once_is_the_machines() -> None:
    """Another process takes the core for a moment: done again, the same work holds nobody up."""
    pauses = [0.3]

    async def work() -> None:
        time.sleep(pauses.pop() if pauses else 0)  # noqa: ASYNC251 - that is the pause

    assert await held_loop_s([work]) <= MOST_LAG_S


async def test_what_holds_the_loop_each_time_is_found() -> None:
    """Behind work that does not; what follows is not waited for."""
    done = []

    async def quick() -> None:
        done.append("quick")

    async def slow() -> None:
        done.append("slow")
        time.sleep(0.3)  # noqa: ASYNC251 - that is its fault

    assert await held_loop_s([quick, slow, quick]) > MOST_LAG_S
    assert done == ["quick", "slow", "slow", "slow"]
