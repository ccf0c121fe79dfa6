"""`gleaner run --profile-start`: where the seconds go until the first accepted sample, by step and by process."""

import time
from collections import Counter, defaultdict
from contextlib import suppress
from pathlib import PurePath

import psutil
from msgspec import Struct
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table

from deployments.monitoring.progress import Progress

REPLICA = "ray::ServeReplica:"
STEPS = (
    "the configuration is read and checked",
    "Ray and Serve are up",
    "the queue has its folder",
    "the first model answers",
    "all models answer",
    "the first call has ended",
    "the first sample is accepted",
)
"""What a start comes to, in this order, but for the middle ones on a busy machine."""


class ProcessCost(Struct, frozen=True):
    """Processes of one kind: how many there were, and their seconds of CPU."""

    kind: str
    count: int
    cpu_s: float


class StartProfile:
    """Watches a run's beginning; times are as fine as its looks, four in a second. Make it when the configuration is
    read."""

    def __init__(self) -> None:
        self._born = psutil.Process().create_time()
        self._names: dict[str, str] = {}
        self._reached = {STEPS[0]: time.time()}
        self.costs: list[ProcessCost] = []
        """When the first sample was accepted; empty before."""

    def __call__(self, progress: Progress) -> None:
        """Looks at the run."""
        if self.costs:
            return
        self._names |= {each.name: each.role for each in progress.replicas}
        running = [each.running > 0 for each in progress.replicas]
        calls = any(flow.ended for each in progress.conductors for flow in each.pools)
        holds = (
            True,
            True,
            progress.snapshot is not None,
            any(running),
            bool(running) and all(running),
            calls,
            progress.snapshot is not None and progress.snapshot.counts.accepted > 0,
        )
        for step, reached in zip(STEPS, holds, strict=True):
            if reached:
                self._reached.setdefault(step, progress.at)
        if holds[-1]:
            self.costs = costs(self._names)

    @property
    def steps(self) -> list[tuple[str, float]]:
        """What was reached, with the seconds since the command was given."""
        return [(step, self._reached[step] - self._born) for step in STEPS if step in self._reached]

    def view(self) -> RenderableType:
        """Two tables for a person."""
        steps = Table("from the command to", "seconds", box=box.SIMPLE_HEAD)
        steps.columns[1].justify = "right"
        for step, seconds in self.steps:
            steps.add_row(step, f"{seconds:.1f}")
        by_process = Table("process, by then", "of them", "CPU s", box=box.SIMPLE_HEAD)
        for column in by_process.columns[1:]:
            column.justify = "right"
        for cost in self.costs:
            by_process.add_row(cost.kind, str(cost.count), f"{cost.cpu_s:.1f}")
        return Group(steps, by_process)


def costs(names: dict[str, str]) -> list[ProcessCost]:
    """This process and all below it, the dearest first. `names`: the roles of Serve's applications."""
    here = psutil.Process()
    count, cpu = Counter[str](), defaultdict[str, float](float)
    for process in (here, *here.children(recursive=True)):
        with suppress(psutil.Error):
            times, kind = process.cpu_times(), "the command" if process == here else kind_of(process.cmdline(), names)
            count[kind] += 1
            cpu[kind] += times.user + times.system
    return [ProcessCost(kind, count[kind], cpu[kind]) for kind in sorted(cpu, key=lambda kind: -cpu[kind])]


def kind_of(command: list[str], names: dict[str, str]) -> str:
    """What a process of a run is for."""
    title = " ".join(command)
    if title.startswith(REPLICA):
        application = title.removeprefix(REPLICA).partition(":")[0]
        return f"replicas of {names.get(application, application)}"
    if title.startswith("ray::"):
        return title.removeprefix("ray::").partition(".")[0].rpartition(":")[2].removesuffix("Shell").lower()
    if "forking/worker.py" in title or "forking.early" in title:
        return "what workers are forked from"
    script = next((each for each in command[1:] if each.endswith(".py")), command[0] if command else "ended")
    return PurePath(script).stem
