"""The page of a run that goes on: a process beside the run's own, which pays nothing for it.

Law: the page ends with the run, however that ends: it lives as long as a pipe that this process alone holds open. A
page that does not start costs the run one line.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from deployments.monitoring.beside import with_our_packages
from deployments.monitoring.progress import Progress

ENDING_S = 3.0


class PageBeside:
    """The page of a run's folder while the block runs; call it with every Progress. `say` is told the address once."""

    def __init__(self, output: Path, say: Callable[[str], None]) -> None:
        self._output = output
        self._say = say
        self._told = b""
        self._is_told = False

    def __enter__(self) -> Self:
        command = [sys.executable, "-P", "-m", "deployments.page", str(self._output.absolute())]
        self._page = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=with_our_packages(),
            start_new_session=True,  # Ctrl-C asks the run to drain: its page stays until it has
        )
        assert self._page.stdout is not None
        os.set_blocking(self._page.stdout.fileno(), False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._page.stdin is not None and self._page.stdout is not None
        self._page.stdin.close()
        try:
            self._page.wait(ENDING_S)
        except subprocess.TimeoutExpired:
            self._page.kill()
            self._page.wait()
        self._page.stdout.close()

    def __call__(self, progress: Progress) -> None:
        if self._is_told:
            return
        assert self._page.stdout is not None
        try:
            part = os.read(self._page.stdout.fileno(), 4096)
        except BlockingIOError:  # it still starts
            return
        self._told += part
        self._is_told = not part or self._told.endswith(b"\n")
        if self._is_told:
            address = self._told.decode().strip()
            ending = "while the run lasts; later: `gleaner page`"
            self._say(f"page at {address} {ending}" if part else "no page: it did not start; `gleaner page` says why")
