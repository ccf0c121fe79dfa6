"""Ctrl-C and SIGTERM as a request. Law: the first asks the run to drain; the second stops it at once."""

import signal
import threading
from types import FrameType
from typing import Any


class Interrupts:
    """While entered, `asked` tells whether an interrupt has come. Outside the main thread it changes nothing."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._previous: dict[int, Any] = {}

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._asked.is_set():
            raise KeyboardInterrupt
        self._asked.set()
