"""A thread for one sink's code. Law: only the sink's courier waits for that code, even if it blocks the thread's event
loop. The writer of shards and other sinks go on."""

import asyncio
import inspect
import threading
from collections.abc import Callable
from typing import Any


class SinkThread:
    """Runs one sink's calls, one at a time. What a call makes (a session, say) stays usable in the next call."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"sink-{name}", daemon=True)

    async def called(self, function: Callable[..., Any], *given: object) -> Any:
        """The function's result, whether it is async or not."""
        if not self._thread.is_alive():
            self._thread.start()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_called(function, given), self._loop))

    def end(self) -> None:
        """Stops the thread. A call that hangs in it ends with the process."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=1.0)
        if not self._thread.is_alive():
            self._loop.close()


async def _called(function: Callable[..., Any], given: tuple[object, ...]) -> Any:
    result = function(*given)
    return await result if inspect.isawaitable(result) else result
