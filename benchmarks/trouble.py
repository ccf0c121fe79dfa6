"""What trouble costs a run, as ratios to the same run without it, the two taken in turn.

    python -m benchmarks.trouble [--orders 4000]

1. Durability: the whole loop on Ray with no model time, its folder on disk and in memory (/dev/shm): attempts/s.
2. Two of a hundred requests always fail: the run's time, and the most tries that one of them got.
3. The generators are away for 12 s in the middle: the seconds that the run takes longer.

2 and 3 run in this process; calls take 100 ms (lognormal, σ 0.6), 64 at once, four times as many samples in flight.
"""

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median

from msgspec.structs import replace

from actors.ledger.sqlite import MemoryLedger
from actors.queue.commits import Ledger
from benchmarks.loop import configuration, measure, write_corpus
from deployments.local.loop import conduct_in_process
from deployments.terminal.preview import passages_of
from schemas.config import Pool, RunConfig
from schemas.config_engines import CustomEngine
from schemas.corpus import Passage
from schemas.ledger import DeadLetteredEnd
from schemas.orders import EndReason

ROUNDS = 3
AWAY_S = 12.0
MEMORY = Path("/dev/shm")
INSTANT = "tests.doubles.engines:instant"
LATENCY: dict[str, str | int | float | bool] = {"median_s": 0.1, "slots": 64}


class Trial:
    """A run of so many orders, again and again."""

    def __init__(self, folder: Path, orders: int) -> None:
        write_corpus(folder / "corpus.jsonl", orders)
        config = configuration(folder / "corpus.jsonl", rejected=0.2, concurrency=256)
        self._config = replace(config, task=replace(config.task, samples_per_passage=1))
        self._passages: list[Passage] = passages_of(self._config, orders)

    def seconds(self, ledger: Ledger, **options: str | float | bool) -> float:
        """From the first passage to the last end, with generators of these options."""
        started = time.perf_counter()
        asyncio.run(conduct_in_process(_generating(self._config, options), self._passages, ledger))
        return time.perf_counter() - started


def _generating(config: RunConfig, options: dict[str, str | float | bool]) -> RunConfig:
    return replace(config, pools={"generator": Pool(engine=CustomEngine(factory=INSTANT, options=dict(options)))})


def durability(folder: Path, orders: int) -> str:
    """Attempts per second of the whole loop with its folder on disk, against one in memory."""
    disk, memory = [], []
    for _ in range(ROUNDS):
        disk.append(measure(orders, rejected=0.2, concurrency=512, disk=folder))
        memory.append(measure(orders, rejected=0.2, concurrency=512, disk=MEMORY))
    less = 1 - median(disk) / median(memory)
    rates = f"on disk {_told(disk)}; in memory {_told(memory)}"
    return f"durability takes {less:.1%} of {median(memory):,.0f} attempts/s ({rates})"


def _told(rates: list[float]) -> str:
    return ", ".join(f"{rate:,.0f}" for rate in rates)


def failing(folder: Path, orders: int) -> str:
    """Two of a hundred orders can never be generated."""
    trial, well, ill = Trial(folder, orders), [], []
    for number in range(ROUNDS):
        well.append(trial.seconds(MemoryLedger(), **LATENCY))
        ill.append(trial.seconds(MemoryLedger(), **LATENCY, failing=0.02, journal=str(folder / f"journal-{number}")))
    tried = Counter(line.split()[1] for line in (folder / "journal-0").read_text().splitlines())
    ratio = median(ill) / median(well)
    return f"2% of requests that always fail: {ratio:.3f} times as long, tried {max(tried.values())} times at most"


def outage(folder: Path, orders: int) -> str:
    """Nobody answers for twelve seconds; nothing is charged to an order."""
    trial = Trial(folder, orders)
    well = trial.seconds(MemoryLedger(), **LATENCY)
    ledger = MemoryLedger()
    ill = trial.seconds(ledger, **LATENCY, away_after_s=well / 3, away_s=AWAY_S)
    lost = sum(
        isinstance(record, DeadLetteredEnd) and record.end.reason is not EndReason.REJECTED for record in ledger.kept
    )
    return f"an outage of {AWAY_S:.0f} s costs {ill - well:.1f} s and {lost} orders (of a run of {well:.0f} s)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=4000)
    orders = parser.parse_args().orders
    for trouble in (failing, outage, durability):
        with tempfile.TemporaryDirectory() as folder:
            print(trouble(Path(folder), orders), flush=True)


if __name__ == "__main__":
    main()
