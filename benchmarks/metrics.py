"""What the metrics path costs: the loop of `benchmarks.loop` with it in half of the seconds and without it in the rest.

    python -m benchmarks.metrics [--passages 12000]

With: durations and scores are counted as attempts end, the endpoint is told every tick and scraped once (five times as
often as deployments/monitoring/prometheus.yml does). Without: none of that. One run holds both, second by second, as
a machine's pace drifts from minute to minute by more than what is measured. Seconds in which fewer than 10% or more
than 90% of the attempts were recorded do not count. Beside attempts per second, which other work on the machine blurs,
CPU time per attempt is compared: of all processes, and of the two in which the metrics path runs, where least else
blurs it; and the fold over the ledger's records is timed alone, which nothing disturbs.
"""

import argparse
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import median
from typing import Any
from unittest import mock

import psutil
import ray
from msgspec import Struct
from msgspec.structs import replace

import actors.queue.service
from actors.counts.distributions import AttemptDistributions
from actors.counts.entries import Entry
from actors.counts.tally import Tally
from benchmarks.loop import configuration, write_corpus
from deployments.monitoring.endpoint import Metrics
from deployments.monitoring.progress import Phase, Progress
from deployments.ray.actors import QueueShell
from deployments.run import run
from schemas.config import Dataset
from tests.doubles.ledgers import Scale, plausible_run

SLICE_S = 1.0
SETTLED = 3
"""After so many slices no process of the run begins any more."""
ATTEMPTS_PER_S = 2000
"""A conductor's goal: at this pace the fold's share of a core is told."""


def counting(at: float) -> bool:
    """Whether the second is one with metrics. `at`: seconds since the epoch; the same for every process.

    With, without, without, with, ... (Thue and Morse): nothing that beats every few seconds always meets the same ones.
    """
    return int(at / SLICE_S).bit_count() % 2 == 0


class NoDistributions(AttemptDistributions):
    """Counts nothing."""

    def apply(self, entry: Entry) -> None:
        pass


class HalfDistributions(AttemptDistributions):
    """Counts in seconds with metrics."""

    def apply(self, entry: Entry) -> None:
        if counting(time.time()):
            super().apply(entry)


class HalfCountingQueue(QueueShell):
    """The queue that counts for metrics in half of the seconds."""

    async def open(self) -> None:
        actors.queue.service.Tally = lambda: Tally(HalfDistributions())  # type: ignore[assignment]  # its own process
        await super().open()


class Mark(Struct, frozen=True):
    """The run at the beginning of a slice."""

    at: float
    attempts: int
    cpu_s: float
    """Of all processes of the run."""
    touched_cpu_s: float
    """Of the two that the metrics path runs in: this one and the queue's."""


class Slice(Struct, frozen=True):
    """What was done between two marks."""

    counting: bool
    per_s: float
    cpu_s: float
    """CPU seconds of all processes for each attempt."""
    touched_cpu_s: float


class Slices:
    """Watches a run, and tells its metrics in half of the slices, with one scrape."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._marks: list[Mark] = []
        self._queue: list[psutil.Process] = []
        self._others: list[psutil.Process] = []

    def __call__(self, progress: Progress) -> None:
        if progress.snapshot is not None and progress.phase is Phase.RUNNING:
            begins = not self._marks or int(progress.at / SLICE_S) != int(self._marks[-1].at / SLICE_S)
            if begins:
                self._marks.append(Mark(progress.at, progress.snapshot.counts.attempts, *self._cpu_s()))
            if counting(progress.at):
                self._metrics(progress)
                if begins:
                    _scrape(self._metrics.url)

    def _cpu_s(self) -> tuple[float, float]:
        """Of the processes that there are once the run is under way (to look for them each time is work too)."""
        if len(self._marks) < SETTLED:
            found = psutil.Process().children(recursive=True)
            self._queue = [each for each in found if _title(each).startswith(f"ray::{HalfCountingQueue.__name__}")]
            self._others = [each for each in found if each not in self._queue]
        touched = _sum_s([psutil.Process(), *self._queue])
        return touched + _sum_s(self._others), touched

    def slices(self) -> list[Slice]:
        """The whole ones of the middle of the run, in order."""
        last = self._marks[-1].attempts
        return [
            Slice(
                counting=counting(begin.at),
                per_s=(end.attempts - begin.attempts) / (end.at - begin.at),
                cpu_s=(end.cpu_s - begin.cpu_s) / (end.attempts - begin.attempts),
                touched_cpu_s=(end.touched_cpu_s - begin.touched_cpu_s) / (end.attempts - begin.attempts),
            )
            for begin, end in pairwise(self._marks)
            if 0.1 * last <= begin.attempts < end.attempts <= 0.9 * last and end.at - begin.at < 1.5 * SLICE_S
        ]


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has ended
        return ""


def _sum_s(processes: list[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        with suppress(psutil.Error):  # it has ended
            times = process.cpu_times()
            total += times.user + times.system
    return total


def _scrape(url: str | None) -> None:
    """From a thread, as Prometheus does not make the run wait either."""
    assert url is not None
    threading.Thread(target=lambda: urllib.request.urlopen(url, timeout=10).read()).start()


def measure(passages: int) -> list[Slice]:
    """One run in a folder of its own."""
    actor: Any = ray.remote
    queue = actor(num_cpus=0, max_concurrency=1000)(HalfCountingQueue)
    with tempfile.TemporaryDirectory() as name, mock.patch("deployments.ray.crew.QueueActor", queue):
        corpus = Path(name) / "corpus.jsonl"
        write_corpus(corpus, passages)
        config = configuration(corpus, rejected=0.2, concurrency=512)
        config = replace(config, dataset=Dataset(rows_per_shard=10 * passages, flush_s=3600.0))  # a shard is a burst
        with Metrics(config, port=0, say=lambda line: None) as metrics:
            slices = Slices(metrics)
            run(config, Path(name) / "run", watch=slices)
        return slices.slices()


def pairs(slices: list[Slice]) -> Iterator[tuple[Slice, Slice]]:
    """Neighbours with and without metrics, in this order; each slice in one pair at most."""
    waiting: Slice | None = None
    for each in slices:
        if waiting is None or waiting.counting is each.counting:
            waiting = each
        else:
            yield (waiting, each) if waiting.counting else (each, waiting)
            waiting = None


def likely(values: list[float]) -> str:
    """The median, and the interval in which it lies with 95% confidence."""
    random = Random(0)
    medians = sorted(median(random.choices(values, k=len(values))) for _ in range(1000))
    return f"{median(values):+.2%} (95% interval {medians[25]:+.2%} to {medians[974]:+.2%}, {len(values)} pairs)"


def fold_s(distributions: type[AttemptDistributions]) -> float:
    """CPU seconds of the whole fold for each attempt of a plausible run."""
    records = list(plausible_run(1, Scale(passages=1000)))
    taken = []
    for _ in range(5):
        tally = Tally(distributions())
        began_at = time.process_time()
        for record in records:
            tally.apply(record)
        taken.append((time.process_time() - began_at) / tally.summary().counts.attempts)
    return min(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=12_000)
    arguments = parser.parse_args()
    with_s, without_s = fold_s(AttemptDistributions), fold_s(NoDistributions)
    share = (with_s - without_s) * ATTEMPTS_PER_S
    print(
        f"the fold: {with_s * 1e6:.1f} µs an attempt, {without_s * 1e6:.1f} µs without durations and scores: ", end=""
    )
    print(f"{share:.2%} of a core at {ATTEMPTS_PER_S:,} attempts/s", flush=True)
    slices = measure(arguments.passages)
    pace, cpu_s = median(each.per_s for each in slices), median(each.cpu_s for each in slices)
    compared = list(pairs(slices))
    print(
        f"{len(slices)} seconds of one run, in the median {pace:,.0f} attempts/s and {cpu_s * 1e3:.2f} ms of CPU each"
    )
    print("with metrics against without:")
    print(f"  attempts/s            {likely([a.per_s / b.per_s - 1 for a, b in compared])}")
    print(f"  CPU of all processes  {likely([a.cpu_s / b.cpu_s - 1 for a, b in compared])}")
    more = [(a.touched_cpu_s - b.touched_cpu_s) / cpu_s for a, b in compared]
    print(f"  CPU of driver, queue  {likely(more)} of the CPU of all")


if __name__ == "__main__":
    main()
