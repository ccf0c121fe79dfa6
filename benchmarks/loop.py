"""Attempts per second through the whole loop with no model time: reader, queue, ledger on disk, conductor, three Serve
deployments, dataset writer, on this machine's cores.

    python -m benchmarks.loop [--passages 4000] [--rejected 0.2] [--profile]

The engine is a double (InstantEngine); everything else is what `gleaner run` runs. The rate is taken between the
moments at which 10% and 90% of the attempts were recorded, so that start-up and tail do not count. `--profile` adds the
milliseconds of CPU that each kind of process takes for an attempt in that time.
"""

import argparse
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import msgspec

from benchmarks.processes import ProcessorTimes
from deployments.monitoring.progress import Progress
from deployments.run import run
from schemas.config import Conductors, Corpus, Dataset, GroundedAnswer, Pool, Queue, RunConfig
from schemas.config_deployed import Replicas
from schemas.config_engines import CustomEngine
from schemas.config_gates import Classifier

SLOTS = 3


def configuration(corpus: Path, *, rejected: float, concurrency: int) -> RunConfig:
    """A run on instant engines: `rejected` is the share of drafts that the faithfulness gate refuses."""
    replicas = Replicas(num_cpus=0.1)
    instant = CustomEngine(factory="tests.doubles.engines:instant")
    strict = CustomEngine(factory="tests.doubles.engines:instant", options={"rejected": rejected})
    return RunConfig(
        name="loop",
        corpus=Corpus(paths=(str(corpus),)),
        task=GroundedAnswer(samples_per_passage=SLOTS, prompts="embedded"),
        pools={"generator": Pool(engine=instant, replicas=replicas)},
        gates={
            "faithfulness": Classifier(engine=strict, replicas=replicas),
            "reward": Classifier(engine=instant, replicas=replicas),
        },
        queue=Queue(capacity=20_000),
        conductors=Conductors(count=1, concurrency=concurrency),
        dataset=Dataset(rows_per_shard=5_000),
    )


def write_corpus(path: Path, passages: int) -> None:
    """Short documents, each one passage of about 60 words."""
    encoder = msgspec.json.Encoder()
    with path.open("wb") as file:
        for number in range(passages):
            words = " ".join(f"entry{number}word{place}" for place in range(58))
            file.write(encoder.encode({"id": f"d{number}", "text": f"Document {number} says {words}."}) + b"\n")


class Rates:
    """Remembers when how many attempts were recorded."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, int]] = []

    def __call__(self, progress: Progress) -> None:
        if progress.snapshot is not None:
            self.seen.append((progress.at, progress.snapshot.counts.attempts))

    def per_second(self) -> float:
        """Attempts a second between 10% and 90% of all attempts."""
        last = self.seen[-1][1]
        inside = [(at, attempts) for at, attempts in self.seen if 0.1 * last <= attempts <= 0.9 * last]
        (start, first), (end, final) = inside[0], inside[-1]
        return (final - first) / (end - start)


Beside = Callable[[Path], AbstractContextManager[Callable[[Progress], None] | None]]
"""What goes on beside a run in that folder, and is told of it."""


def measure(
    passages: int,
    *,
    rejected: float,
    concurrency: int,
    disk: Path | None = None,
    beside: Beside = lambda folder: nullcontext(),
) -> float:
    """One run in a folder of its own, on this disk; gives attempts per second."""
    with tempfile.TemporaryDirectory(dir=disk) as folder:
        corpus = Path(folder) / "corpus.jsonl"
        write_corpus(corpus, passages)
        rates = Rates()
        config = configuration(corpus, rejected=rejected, concurrency=concurrency)
        with beside(Path(folder) / "run") as told:

            def watch(progress: Progress) -> None:
                rates(progress)
                if told is not None:
                    told(progress)

            run(config, Path(folder) / "run", watch=watch)
        return rates.per_second()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=6000)
    parser.add_argument("--rejected", type=float, default=0.2)
    parser.add_argument("--concurrency", type=int, default=512)
    parser.add_argument("--profile", action="store_true", help="say what an attempt takes, by process")
    arguments = parser.parse_args()
    times = ProcessorTimes() if arguments.profile else None
    rate = measure(
        arguments.passages,
        rejected=arguments.rejected,
        concurrency=arguments.concurrency,
        beside=lambda folder: nullcontext(times),
    )
    orders = arguments.passages * SLOTS
    print(f"{rate:,.0f} attempts/s through the whole loop ({orders:,} orders, {arguments.rejected:.0%} rejected once)")
    if times is not None:
        taken = times.of_an_attempt()
        print(f"{sum(taken.values()):.3f} ms of CPU an attempt:")
        print("\n".join(f"  {ms:.3f}  {part}" for part, ms in taken.items()))


if __name__ == "__main__":
    main()
