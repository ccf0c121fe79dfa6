"""The CPU seconds that each process of a run takes, by what it does."""

import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress

import psutil
from msgspec import Struct

from deployments.monitoring.progress import Progress

LOOK_S = 1.0
OURS = {
    "ray::QueueShell": "queue",
    "ray::ConductorShell": "conductor",
    "ray::ReaderShell": "reader",
    "ray::WriterShell": "writer",
    "ray::ServeReplica": "replicas",
}
"""How the titles of a run's own processes begin, and what each is called."""
PARTS = OURS | {
    "ray::ServeController": "Serve's controller",
    "ray::ProxyActor": "Serve's proxy",
    "raylet": "Ray's raylet",
    "gcs_server": "Ray's GCS",
    "ray::DashboardAgent": "Ray's agents",
    "ray::RuntimeEnvAgent": "Ray's agents",
}
OTHERS = "other"


class Mark(Struct, frozen=True):
    """What the processes had taken when so many attempts were recorded."""

    attempts: int
    cpu_s: Mapping[str, float]


class ProcessorTimes:
    """Watches a run: looks once a second at this process and at all below it."""

    def __init__(self) -> None:
        self._marks: list[Mark] = []
        self._next_at = 0.0

    def __call__(self, progress: Progress) -> None:
        if progress.snapshot is not None and time.monotonic() >= self._next_at:
            self._next_at = time.monotonic() + LOOK_S
            self._marks.append(Mark(progress.snapshot.counts.attempts, _cpu_s()))

    def of_an_attempt(self) -> dict[str, float]:
        """Milliseconds of CPU for each attempt between 10% and 90% of all attempts, the largest first."""
        last = self._marks[-1].attempts
        inside = [mark for mark in self._marks if 0.1 * last <= mark.attempts <= 0.9 * last]
        first, final = inside[0], inside[-1]
        attempts = final.attempts - first.attempts
        taken = {part: 1e3 * (cpu_s - first.cpu_s.get(part, 0.0)) / attempts for part, cpu_s in final.cpu_s.items()}
        return dict(sorted(taken.items(), key=lambda one: -one[1]))


def _cpu_s() -> dict[str, float]:
    found: defaultdict[str, float] = defaultdict(float)
    driver = psutil.Process()
    for process in (driver, *driver.children(recursive=True)):
        with suppress(psutil.Error):  # it has ended
            times = process.cpu_times()
            part = "driver" if process == driver else _part(process)
            found[part] += times.user + times.system
    return found


def _part(process: psutil.Process) -> str:
    program, title = process.name(), " ".join(process.cmdline())
    return next((part for start, part in PARTS.items() if title.startswith(start) or program == start), OTHERS)
