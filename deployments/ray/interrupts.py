"""A request to end a run. Law: the first request makes it drain. A second Ctrl-C or SIGTERM stops it at once."""

import signal
import threading
from types import FrameType
from typing import Any


class StopRequest:
    """A request that any thread may make. A run checks it four times a second."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def ask(self) -> None:
        """Requests the end: samples in flight may finish, then the folder is closed."""
        self._asked.set()

    @property
    def asked(self) -> bool:
        return self._asked.is_set()


class Interrupts(StopRequest):
    """While entered, Ctrl-C and SIGTERM make the request. Outside the main thread it changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.ask()
