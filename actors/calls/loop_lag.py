"""For how long somebody's code holds the event loop, which belongs to thousands of other samples."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

MOST_LAG_S = 0.25
"""Nobody may hold the loop longer."""
LOOK_S = 0.005


@asynccontextmanager
async def watched_loop() -> AsyncIterator[list[float]]:
    """Around some work: how much too late each look came, in seconds. Whoever works sleeps between pieces of work, so
    that the watch sees each."""
    lags = [0.0]

    async def watch() -> None:
        while True:
            begun = time.monotonic()
            await asyncio.sleep(LOOK_S)
            lags.append(time.monotonic() - begun - LOOK_S)

    watching = asyncio.ensure_future(watch())
    try:
        await asyncio.sleep(0)  # the watch begins to wait
        yield lags
        await asyncio.sleep(2 * LOOK_S)
    finally:
        watching.cancel()
