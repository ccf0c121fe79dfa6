"""Which view of a run is shown, and how often: a board that redraws itself on a terminal, plain lines anywhere else.

Law: watching is cheap and never fails a run; the board's thread draws at most REFRESH_PER_S times a second.
"""

import logging
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO, cast

from rich.console import Console
from rich.live import Live

from deployments.monitoring.progress import Phase, Progress
from deployments.terminal.board import board
from deployments.terminal.lines import Lines
from deployments.terminal.rates import Flow, Window, flow
from deployments.terminal.screen import put
from schemas.errors import OutputError

log = logging.getLogger("gleaner.terminal")
REFRESH_PER_S = 4


class Watcher:
    """Takes every Progress of a run and shows it until left. `name` is the run's; `clock` gives epoch seconds.
    `wanted`: the accepted samples that end the run, if a number of them does."""

    def __init__(
        self,
        name: str,
        console: Console,
        *,
        quiet: bool,
        wanted: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._name = name
        self._wanted = wanted
        self._clock = clock
        self._console = console
        self._window = Window()
        self._started_at = clock()
        self._progress = Progress(at=self._started_at, phase=Phase.STARTING, note="loading Ray")
        self._flow: Flow = flow((self._progress,))
        self._lines = Lines(name, self._started_at)
        self._live: Live | None = None
        redrawn = console.is_terminal and not console.is_dumb_terminal
        self._plain = not quiet and not redrawn
        if not quiet and redrawn:
            self._live = Live(
                console=console, get_renderable=self._board, refresh_per_second=REFRESH_PER_S, transient=True
            )

    @property
    def drained(self) -> bool:
        """The run was asked to stop before its end."""
        return self._progress.phase is Phase.DRAINING

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        self(self._progress)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Gives the terminal back."""
        if self._live is not None:
            self._live.stop()

    def __call__(self, progress: Progress) -> None:
        window = self._window.add(progress)
        self._flow = flow(window)
        self._progress = progress
        if self._plain:
            self._tell(progress)

    def _tell(self, progress: Progress) -> None:
        try:
            for line in self._lines.of(progress, self._flow):
                put(line, cast(TextIO, self._console.file))
        except (OSError, OutputError) as error:  # `| head`, a full disk under a log: the run goes on unseen
            self._plain = False
            log.warning("progress is told no more", extra={"error": str(error)})

    def _board(self):
        return board(
            self._progress,
            self._flow,
            name=self._name,
            elapsed_s=self._clock() - self._started_at,
            wanted=self._wanted,
            height=self._console.height,
        )
