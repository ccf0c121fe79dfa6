"""How long a piece of work holds the event loop, and what is not its fault."""

import time
from pathlib import Path

import pytest

from actors.calls import loop_lag
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


async def test_waiting_for_a_core_is_not_the_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine whose cores others have, each try of quick work takes long; Linux tells for how long it waited."""
    told = tmp_path / "schedstat"
    told.write_text("7 0 1\n")
    monkeypatch.setattr(loop_lag, "WAITED", told)

    async def preempted() -> None:
        time.sleep(0.3)  # noqa: ASYNC251 - as if another process had the core
        told.write_text(f"7 {int(told.read_text().split()[1]) + 300_000_000} 1\n")

    assert await held_loop_s([preempted]) <= MOST_LAG_S
