"""What the metrics path costs: the loop of `benchmarks.loop` with and without it, in pairs, on one Ray.

    python -m benchmarks.metrics [--pairs 5] [--passages 3000]

With: durations and scores are counted as attempts end, the endpoint is told every tick and scraped each second (five
times as often as deployments/monitoring/prometheus.yml does). Without: no such counts, no endpoint. Beside attempts
per second, which a busy machine makes noisy, the CPU time of every process of the run is compared, per attempt, between
the moments at which 10% and 90% of the attempts were recorded.
"""

import argparse
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import psutil
import ray
from msgspec import Struct

import actors.queue_service
from actors.distributions import AttemptDistributions
from actors.tally import Tally
from benchmarks.loop import SLOTS, Rates, configuration, write_corpus
from deployments.actors import QueueShell
from deployments.cluster import cluster
from deployments.metrics import Metrics
from deployments.progress import Progress
from deployments.run import run
from schemas.config import RunConfig
from schemas.distributions import AttemptEnd
from schemas.orders import Attempt
from tests.doubles.ledgers import Scale, plausible_run

SCRAPE_S = 1.0
ATTEMPTS_PER_S = 2000
"""A conductor's goal: at this pace the fold's share of a core is told."""


class NoDistributions(AttemptDistributions):
    """Counts nothing."""

    def attempted(self, attempt: Attempt, end: AttemptEnd, ready_at: float) -> None:
        pass

    def ended(self, end: AttemptEnd, seconds: float) -> None:
        pass


class PlainQueueShell(QueueShell):
    """The queue without the counts that only metrics need."""

    async def open(self) -> None:
        actors.queue_service.Tally = lambda: Tally(NoDistributions())  # type: ignore[assignment]  # this actor's process
        await super().open()


class Cost(Struct, frozen=True):
    """Of one run."""

    attempts_per_s: float
    cpu_s: float
    """CPU seconds of all processes for each attempt."""


class Meter:
    """Watches a run: its rate, and the CPU time of this process and all below it."""

    def __init__(self, orders: int) -> None:
        self._rates = Rates()
        self._orders = orders
        self._marks: list[tuple[int, float]] = []

    def __call__(self, progress: Progress) -> None:
        self._rates(progress)
        attempts = 0 if progress.snapshot is None else progress.snapshot.counts.attempts
        if len(self._marks) < 2 and attempts >= (0.1, 0.9)[len(self._marks)] * self._orders:
            self._marks.append((attempts, _cpu_s()))

    def cost(self) -> Cost:
        """What the run took."""
        (first, before), (last, after) = self._marks
        return Cost(self._rates.per_second(), (after - before) / (last - first))


def _cpu_s() -> float:
    total = 0.0
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.Error:  # it has ended
            continue
        total += times.user + times.system
    return total


@contextmanager
def scraped(url: str | None) -> Iterator[None]:
    """Asks for the page every SCRAPE_S seconds, from a thread."""
    assert url is not None
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(SCRAPE_S):
            with urllib.request.urlopen(url, timeout=10) as reply:
                reply.read()

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        ended.set()
        asking.join()


def with_metrics(config: RunConfig, folder: Path, meter: Meter) -> None:
    """What `gleaner run` does beside a Prometheus."""
    with Metrics(config, port=0, say=lambda line: None) as metrics, scraped(metrics.url):

        def watch(progress: Progress) -> None:
            meter(progress)
            metrics(progress)

        run(config, folder, watch=watch)


def without(config: RunConfig, folder: Path, meter: Meter) -> None:
    """The same with nobody to tell."""
    actor: Any = ray.remote
    plain = actor(num_cpus=0, max_concurrency=1000)(PlainQueueShell)
    with mock.patch("deployments.run.QueueActor", plain):
        run(config, folder, watch=meter)


def measure(passages: int, *, metrics: bool) -> Cost:
    """One run in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        corpus = Path(name) / "corpus.jsonl"
        write_corpus(corpus, passages)
        config = configuration(corpus, rejected=0.2, concurrency=512)
        meter = Meter(passages * SLOTS)
        (with_metrics if metrics else without)(config, Path(name) / "run", meter)
        return meter.cost()


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
    parser.add_argument("--passages", type=int, default=3000)
    parser.add_argument("--pairs", type=int, default=5)
    arguments = parser.parse_args()
    with_s, without_s = fold_s(AttemptDistributions), fold_s(NoDistributions)
    share = (with_s - without_s) * ATTEMPTS_PER_S
    print(
        f"the fold: {with_s * 1e6:.1f} µs an attempt, {without_s * 1e6:.1f} µs without durations and scores: ", end=""
    )
    print(f"{share:.2%} of a core at {ATTEMPTS_PER_S:,} attempts/s")
    rates, cpus = [], []
    with cluster(None):
        for pair in range(arguments.pairs):
            order = (True, False) if pair % 2 else (False, True)
            costs = {metrics: measure(arguments.passages, metrics=metrics) for metrics in order}
            rates.append(costs[True].attempts_per_s / costs[False].attempts_per_s)
            cpus.append(costs[True].cpu_s / costs[False].cpu_s)
            told = " against ".join(
                f"{costs[metrics].attempts_per_s:,.0f}/s at {costs[metrics].cpu_s * 1e3:.2f} ms of CPU each"
                for metrics in (True, False)
            )
            print(f"pair {pair + 1}: {told}", flush=True)
    for what, ratios in (("attempts/s", rates), ("CPU an attempt", cpus)):
        print(f"{what}, with / without: median {median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
