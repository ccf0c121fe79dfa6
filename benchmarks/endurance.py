"""Memory of a long run: 100,000 orders through the whole loop on the instant engine, every part's resident size.

    python -m benchmarks.endurance [--passages 25000]

A part is flat when it grows by less than a tenth between the moments at which 30% and 95% of the orders had ended. The
reader is ahead of the loop all the time: the queue is full to its bound, and the reader waits.
"""

import argparse
import os
import tempfile
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import psutil
from msgspec.structs import replace

from benchmarks.loop import configuration, write_corpus
from deployments.monitoring.progress import Progress
from deployments.run import run
from schemas.config import GroundedAnswer

SLOTS = 4
CAPACITY = 5_000
LOOK_S = 2.0
PARTS = {
    "ray::QueueShell": "queue",
    "ray::ConductorShell": "conductor",
    "ray::ReaderShell": "reader",
    "ray::WriterShell": "writer",
    "ray::ServeReplica": "replicas",
}


class Sizes:
    """Looks at every part every two seconds."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, dict[str, float]]] = []
        self.fullest = 0
        self._next_at = 0.0

    def __call__(self, progress: Progress) -> None:
        if progress.snapshot is None or time.monotonic() < self._next_at:
            return
        self._next_at = time.monotonic() + LOOK_S
        counts = progress.snapshot.counts
        self.fullest = max(self.fullest, counts.outstanding)
        self.seen.append((counts.ended, _mebibytes()))

    def report(self, orders: int) -> list[str]:
        """One line a part: its size at 30% and its largest until 95%."""
        inside = [sizes for ended, sizes in self.seen if 0.3 * orders <= ended <= 0.95 * orders]
        return [
            f"{part:10} {first:7.0f} MiB, at most {most:7.0f} MiB later: {'flat' if most < 1.1 * first else 'GROWS'}"
            for part, first in inside[0].items()
            for most in [max(sizes.get(part, 0.0) for sizes in inside)]
        ]


def _mebibytes() -> dict[str, float]:
    driver = psutil.Process(os.getpid())
    found: dict[str, float] = defaultdict(float)
    found["driver"] = driver.memory_info().rss / 2**20
    for process in driver.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            title = " ".join(process.cmdline())
            for start, part in PARTS.items():
                if title.startswith(start):
                    found[part] += process.memory_info().rss / 2**20
    return dict(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=25_000)
    passages = parser.parse_args().passages
    sizes = Sizes()
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus.jsonl"
        write_corpus(corpus, passages)
        config = configuration(corpus, rejected=0.2, concurrency=512)
        config = replace(
            config,
            task=GroundedAnswer(samples_per_passage=SLOTS, prompts="embedded"),
            queue=replace(config.queue, capacity=CAPACITY),
        )
        started = time.monotonic()
        manifest = run(config, Path(folder) / "run", watch=sizes).manifest
        seconds = time.monotonic() - started
    counts = manifest.counts
    print(f"{counts.issued:,} orders, {counts.attempts:,} attempts in {seconds:.0f} s")
    print(f"the queue held {sizes.fullest:,} orders at most; its bound is {CAPACITY:,}")
    print("\n".join(sizes.report(counts.issued)))


if __name__ == "__main__":
    main()
