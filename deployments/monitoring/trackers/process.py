"""A tracker's process: `python -m deployments.monitoring.trackers.process`, which hears of the run on standard input.

Law: it reads the run's folder and never writes to it but below `trackers/`. It ends with its input: nothing is left of
it when the run's process is gone. What fails is answered, and tried again with the next message, by a new client.
"""

import os
import sys
from pathlib import Path
from typing import IO

from actors.ledger.sqlite import LedgerReader
from actors.metrics.curves import curves
from actors.metrics.memory import Memory, remember, seen
from deployments.monitoring.trackers.messages import (
    TOLD,
    AllTaken,
    NotTaken,
    ToldBegin,
    ToldEnd,
    ToldMoment,
    Tracker,
    received,
    send,
)
from schemas.errors import described

NICENESS = 10


def made(begin: ToldBegin) -> Tracker:
    """The tracker of a first message: its packages are imported, and no server is asked yet."""
    with LedgerReader(Path(begin.output)) as ledger:
        folder = ledger.folder
    trackers = begin.config.trackers
    match begin.tracker:
        case "wandb" if trackers.wandb is not None:
            from deployments.monitoring.trackers.wandb_run import WandbRun

            return WandbRun(trackers.wandb, begin, folder)
        case "mlflow" if trackers.mlflow is not None:
            from deployments.monitoring.trackers.mlflow_run import MlflowRun

            return MlflowRun(trackers.mlflow, begin, folder)
        case "otel" if trackers.otel is not None:
            from deployments.monitoring.trackers.otel import OtelRun

            return OtelRun(trackers.otel, begin, folder)
        case _:
            raise ValueError(f"trackers.{begin.tracker} is not configured")


class TrackedRun:
    """The run as this process knows it, and its tracker."""

    def __init__(self) -> None:
        self._begin: ToldBegin | None = None
        self._memory = Memory()
        self._tracker: Tracker | None = None

    def take(self, data: bytes) -> None:
        """Takes in one message. Raises whatever the tracker does, which is then made again with the next one."""
        message = TOLD.decode(data)
        if isinstance(message, ToldBegin):
            self._begin = message
            self._tracker = made(message)
            return
        assert self._begin is not None, "the first message was not ToldBegin"
        try:
            tracker = self._tracker = self._tracker or made(self._begin)
            self._tell(tracker, self._begin, message)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Leaves the tracker as it is."""
        tracker, self._tracker = self._tracker, None
        if tracker is not None:
            try:
                tracker.close()
            except Exception as error:  # noqa: BLE001 - it failed already, or the run is over
                print(f"not closed: {described(error)}", file=sys.stderr)  # noqa: T201

    def _tell(self, tracker: Tracker, begin: ToldBegin, message: ToldMoment | ToldEnd) -> None:
        if isinstance(message, ToldEnd):
            tracker.finish(complete=message.complete)
            return
        self._memory = remember(self._memory, message.moment)
        now = seen(begin.run, message.moment, self._memory)
        tracker.follow(now, curves(now, message.bill))


def serve(told: IO[bytes], answers: IO[bytes]) -> None:
    """Answers every message until the input ends."""
    run = TrackedRun()
    while (data := received(told)) is not None:
        try:
            run.take(data)
        except Exception as error:  # noqa: BLE001 - a client library, and any server behind it
            send(answers, NotTaken(described(error)))
        else:
            send(answers, AllTaken())
    run.close()


def main() -> None:
    """Serves on standard input and output. What a client library prints goes to standard error."""
    os.nice(NICENESS)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
