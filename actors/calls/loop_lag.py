"""Measures how long a piece of code holds the event loop, which thousands of other samples share."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

MOST_LAG_S = 0.25
"""Code may hold the loop for this long at most."""
LOOK_S = 0.005
WAITED = Path("/proc/thread-self/schedstat")
TRIES = 3
"""A lag counts only if it is seen in every try: otherwise the machine was busy with something else."""


Work = Callable[[], Awaitable[object]]


async def held_loop_s(pieces: Sequence[Work]) -> float:
    """The longest time, in seconds, for which a piece of work held the loop. It stops at the first piece that holds it
    longer than MOST_LAG_S."""
    longest = 0.0
    for piece in pieces:
        longest = max(longest, await _held_s(piece))
        if longest > MOST_LAG_S:
            break
    return longest


async def _held_s(piece: Work) -> float:
    held = await _longest_lag_s(piece)
    for _ in range(TRIES - 1):
        if held <= MOST_LAG_S:
            break
        held = min(held, await _longest_lag_s(piece))
    return held


async def _longest_lag_s(piece: Work) -> float:
    lags = [0.0]

    async def watch() -> None:
        while True:
            begun, waited = time.monotonic(), _waited_for_a_core_s()
            await asyncio.sleep(LOOK_S)
            lags.append(time.monotonic() - begun - LOOK_S - (_waited_for_a_core_s() - waited))

    watching = asyncio.ensure_future(watch())
    try:
        await asyncio.sleep(0)  # the watch begins to wait
        await piece()
        await asyncio.sleep(2 * LOOK_S)
    finally:
        watching.cancel()
    return max(lags)


def _waited_for_a_core_s() -> float:
    """For how long this thread was ready and other processes had the cores: no fault of the work. Linux tells it."""
    try:
        return int(WAITED.read_text(encoding="ascii").split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0
