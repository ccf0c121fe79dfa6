"""A long run: 100,000 orders through the whole loop on the instant engine.

Every part's resident size, attempts/s at the end against the beginning, the folder's bytes for each attempt, and how
long the folder takes to be opened again.

    python -m benchmarks.endurance [--passages 25000]      250,000 passages are 10^6 orders

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
from benchmarks.processes import OURS
from deployments.monitoring.progress import Progress
from deployments.run import run
from schemas.config import GroundedAnswer

SLOTS = 4
CAPACITY = 5_000
LOOK_S = 2.0
BEGINNING, END = (0.05, 0.2), (0.8, 0.95)
"""Shares of the orders between which attempts are counted."""


class Sizes:
    """Looks at every part every two seconds."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, dict[str, float]]] = []
        self.attempts: list[tuple[int, float, int]] = []
        """Of each look: how many orders had ended, when, and how many attempts there had been."""
        self.fullest = 0
        self._next_at = 0.0

    def __call__(self, progress: Progress) -> None:
        if progress.snapshot is None or time.monotonic() < self._next_at:
            return
        self._next_at = time.monotonic() + LOOK_S
        counts = progress.snapshot.counts
        self.fullest = max(self.fullest, counts.outstanding)
        self.seen.append((counts.ended, _mebibytes()))
        self.attempts.append((counts.ended, progress.at, counts.attempts))

    def report(self, orders: int) -> list[str]:
        """One line a part: its size at 30% and its largest until 95%."""
        inside = [sizes for ended, sizes in self.seen if 0.3 * orders <= ended <= 0.95 * orders]
        return [
            f"{part:10} {first:7.0f} MiB, at most {most:7.0f} MiB later: {'flat' if most < 1.1 * first else 'GROWS'}"
            for part, first in inside[0].items()
            for most in [max(sizes.get(part, 0.0) for sizes in inside)]
        ]

    def rate(self, orders: int, first: float, last: float) -> float | None:
        """Attempts/s while these shares of the orders ended; None of a run that was over between two looks."""
        inside = [(at, attempts) for ended, at, attempts in self.attempts if first * orders <= ended <= last * orders]
        if len(inside) < 2:
            return None
        (began_at, before), (ended_at, after) = inside[0], inside[-1]
        return (after - before) / (ended_at - began_at)


def _mebibytes() -> dict[str, float]:
    driver = psutil.Process(os.getpid())
    found: dict[str, float] = defaultdict(float)
    found["driver"] = driver.memory_info().rss / 2**20
    for process in driver.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            title = " ".join(process.cmdline())
            for start, part in OURS.items():
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
        output = Path(folder) / "run"
        manifest = run(config, output, watch=sizes).manifest
        seconds = time.monotonic() - started
        ledger = sum(file.stat().st_size for file in output.glob("ledger*"))
        rows = sum(file.stat().st_size for file in output.rglob("*.parquet"))
        started = time.monotonic()
        run(config, output)
        again = time.monotonic() - started
    counts = manifest.counts
    print(f"{counts.issued:,} orders, {counts.attempts:,} attempts in {seconds:.0f} s")
    print(f"the queue held {sizes.fullest:,} orders at most; its bound is {CAPACITY:,}")
    print("\n".join(sizes.report(counts.issued)))
    beginning, end = (sizes.rate(counts.issued, *part) for part in (BEGINNING, END))
    if beginning is None or end is None:
        print("attempts/s: too short a run to tell")
    else:
        print(
            f"attempts/s: {beginning:,.0f} in the beginning, {end:,.0f} at the end: {end / beginning:.3f} (goal 0.95)"
        )
    print(f"ledger {ledger / counts.attempts:,.0f} bytes an attempt, shards {rows / counts.attempts:,.0f}")
    print(f"the complete folder again: {again:.1f} s")


if __name__ == "__main__":
    main()
