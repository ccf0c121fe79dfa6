"""A thread for a sink's code. Law: what it does there, also a loop of its own that it holds, is waited for by its
courier alone: the writer of shards, and other sinks, go on."""

import asyncio
import inspect
import threading
from collections.abc import Callable
from typing import Any


class SinkThread:
    """Runs one sink's calls, one at a time; what it makes in one call (a session, say) is good for the next."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"sink-{name}", daemon=True)

    async def called(self, function: Callable[..., Any], *given: object) -> Any:
        """What the function gives, async or not."""
        if not self._thread.is_alive():
            self._thread.start()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_called(function, given), self._loop))

    def end(self) -> None:
        """Lets the thread go; a call that hangs in it dies with the process."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=1.0)
        if not self._thread.is_alive():
            self._loop.close()


async def _called(function: Callable[..., Any], given: tuple[object, ...]) -> Any:
    said = function(*given)
    return await said if inspect.isawaitable(said) else said
