"""How busy two generator replicas are kept, on real Ray: occupied slots over slots, from ramp to tail.

    python -m benchmarks.busy [--passages 3000] [--concurrency 512]

Everything is what `gleaner run` runs; the generators' engine is a double: 64 slots a replica, 300 ms a completion
(lognormal, σ 0.6). It writes down when each completion took its slot and when it gave it back. Gates answer at once
and reject a fifth of first drafts.

ramp   from the first completion's begin until every slot has been taken at once
tail   from the moment the queue had no order left to give to the last completion's end
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from msgspec import Struct, convert
from msgspec.structs import replace

from benchmarks.loop import SLOTS as SAMPLES
from benchmarks.loop import configuration, write_corpus
from deployments.monitoring.progress import Progress
from deployments.run import run
from schemas.config import Pool
from schemas.config_deployed import Replicas
from schemas.config_engines import CustomEngine
from tests.doubles.engines import InstantEngine, InstantOptions

REPLICAS, SLOTS, MEDIAN_S = 2, 64, 0.3


class Span(Struct, frozen=True):
    """One completion in its slot, in seconds since the epoch."""

    begin: float
    end: float


class Busy(Struct, frozen=True):
    """Shares of all slots' time that completions took, and how long ramp and tail were."""

    between: float
    """Ramp's end to tail's begin."""
    whole: float
    """First begin to last end."""
    ramp_s: float
    tail_s: float
    whole_s: float


class TimedEngine(InstantEngine):
    """An InstantEngine that writes down when a slot was taken and given back: one line a completion."""

    def __init__(self, folder: Path, options: InstantOptions) -> None:
        super().__init__(options)
        self._times = (folder / f"replica-{os.getpid()}").open("a", buffering=1)

    async def _compute(self, wait_s: float) -> None:
        begin = time.time()
        await super()._compute(wait_s)
        self._times.write(f"{begin} {time.time()}\n")


def timed(folder: str, **options: str | float | bool) -> TimedEngine:
    """Factory for a configuration's custom engine. `folder`: where the times are written."""
    return TimedEngine(Path(folder), convert(options, InstantOptions, strict=False))


class Ready:
    """Remembers when the queue had orders to give for the last time."""

    def __init__(self) -> None:
        self.last_at = 0.0

    def __call__(self, progress: Progress) -> None:
        if progress.snapshot is not None and progress.snapshot.ready > 0:
            self.last_at = progress.snapshot.at


def busy(spans: Iterable[Span], slots: int, tail_from: float) -> Busy:
    """What the spans come to. Raises ValueError when never every slot was taken."""
    edges = sorted(edge for span in spans for edge in ((span.begin, 1), (span.end, -1)))
    taken, steps, full_at = 0, [], None
    for (at, change), (until, _) in pairwise(edges):
        taken += change
        full_at = at if full_at is None and taken >= slots else full_at
        steps.append((at, until, taken))
    if full_at is None:
        raise ValueError(f"{slots} slots were never taken at once")
    first, last = edges[0][0], edges[-1][0]

    def share(since: float, till: float) -> float:
        work_s = sum(taken * max(0.0, min(until, till) - max(at, since)) for at, until, taken in steps)
        return work_s / (slots * (till - since))

    return Busy(share(full_at, tail_from), share(first, last), full_at - first, last - tail_from, last - first)


def measure(passages: int, *, concurrency: int) -> Busy:
    """One run in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        corpus, times = Path(folder) / "corpus.jsonl", Path(folder) / "times"
        times.mkdir()
        write_corpus(corpus, passages)
        config = configuration(corpus, rejected=0.2, concurrency=concurrency)
        engine = CustomEngine(
            factory="benchmarks.busy:timed", options={"folder": str(times), "median_s": MEDIAN_S, "slots": SLOTS}
        )
        replicas = Replicas(min=REPLICAS, max=REPLICAS, num_cpus=0.1)
        ready = Ready()
        run(
            replace(config, pools={"generator": Pool(engine=engine, replicas=replicas)}),
            Path(folder) / "run",
            watch=ready,
        )
        lines = [line.split() for each in times.iterdir() for line in each.read_text().splitlines()]
        spans = [Span(float(begin), float(end)) for begin, end in lines]
        return busy(spans, REPLICAS * SLOTS, ready.last_at)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=3000)
    parser.add_argument("--concurrency", type=int, default=512)
    arguments = parser.parse_args()
    found = measure(arguments.passages, concurrency=arguments.concurrency)
    print(
        f"{found.between:.1%} busy from ramp to tail, {found.whole:.1%} with ramp ({found.ramp_s:.1f} s) and tail "
        f"({found.tail_s:.1f} s), of {found.whole_s:.0f} s ({arguments.passages * SAMPLES:,} orders)"
    )


if __name__ == "__main__":
    main()
