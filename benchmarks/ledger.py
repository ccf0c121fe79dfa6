"""What durability costs: the queue and its ledger alone, on disk against in memory, in turn, in one process.

    python -m benchmarks.ledger [--orders 20000] [--shards 2]

Outcomes arrive in messages of 64 from 8 callers at once, as conductors send them; every attempt carries about 1.5 kB.
With `--shards`, so many queues with a ledger each, in processes of their own, against one, in turn: what they do
together, and what an attempt costs of one core. More cores than that are needed to see the gain.
"""

import argparse
import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median

from msgspec import Struct, convert

from actors.ledger.sqlite import MemoryLedger, SqliteLedger
from actors.queue.commits import Ledger
from actors.queue.machine import QueueLimits, RegenerationQueue
from actors.queue.service import QueueService, ServiceSettings
from schemas.queue_shard import QueueShard
from tests.doubles.attempts import accepted, passage

CALLERS, MESSAGE, ROUNDS = 8, 64, 3


async def attempts_per_second(ledger: Ledger, orders: int, ready: Callable[[], object] = lambda: None) -> float:
    """Every order leased and accepted once. `ready` returns when it may begin."""
    queue = RegenerationQueue(QueueLimits(max_attempts=3, lease_s=300, fresh_share=0.25), lambda a, b: 0.0)
    service = QueueService(queue, ledger, ServiceSettings("t", 1, orders), now=time.time)
    await service.offer([passage(number) for number in range(orders)])
    await service.corpus_ended(orders, orders)

    async def caller(name: str) -> None:
        while leases := await service.lease(name, MESSAGE, 1.0):
            await service.settle([accepted(lease, "What? " * 200) for lease in leases])

    ready()
    started = time.perf_counter()
    await asyncio.gather(*(caller(str(number)) for number in range(CALLERS)))
    seconds = time.perf_counter() - started
    await service.close()
    return orders / seconds


async def measure(orders: int) -> tuple[float, float]:
    """Medians of attempts per second: on disk, in memory; the two in turn."""
    disk, memory = [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            disk.append(await attempts_per_second(SqliteLedger(Path(folder)), orders))
        memory.append(await attempts_per_second(MemoryLedger(), orders))
    return median(disk), median(memory)


class Part(Struct, frozen=True):
    """What one queue of several did: attempts a second, and CPU seconds in all."""

    per_s: float
    cpu_s: float


def side_by_side(orders: int, shards: int) -> list[Part]:
    """So many queues in processes of their own, which share the orders and begin together."""
    context = multiprocessing.get_context("spawn")
    together, told = context.Barrier(shards), context.SimpleQueue()
    with tempfile.TemporaryDirectory() as folder:
        processes = [
            context.Process(target=_part, args=(folder, shard, shard.share(orders), together, told))
            for shard in QueueShard(0, shards).all
        ]
        for process in processes:
            process.start()
        parts = [convert(told.get(), Part) for _ in processes]
        for process in processes:
            process.join()
    return parts


def _part(folder: str, shard: QueueShard, orders: int, together: Barrier, told: SimpleQueue) -> None:
    cpu_s = 0.0

    def ready() -> None:
        nonlocal cpu_s
        together.wait()
        cpu_s = time.process_time()

    per_s = asyncio.run(attempts_per_second(SqliteLedger(Path(folder), shard), orders, ready))
    told.put({"per_s": per_s, "cpu_s": time.process_time() - cpu_s})


def compare(orders: int, shards: int) -> str:
    """One queue against several, in turn; medians."""
    rates: dict[int, list[float]] = {1: [], shards: []}
    cpu_us: dict[int, list[float]] = {1: [], shards: []}
    for _ in range(ROUNDS):
        for count in rates:
            parts = side_by_side(orders, count)
            rates[count].append(sum(part.per_s for part in parts))
            cpu_us[count].append(1e6 * sum(part.cpu_s for part in parts) / orders)
    told = [
        f"{median(rates[count]):,.0f} attempts/s with {count} ({median(cpu_us[count]):.0f} µs of a core each)"
        for count in rates
    ]
    return f"{' against '.join(told)}, on {multiprocessing.cpu_count()} cores"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--shards", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.shards > 1:
        print(compare(arguments.orders, arguments.shards))
        return
    disk, memory = asyncio.run(measure(arguments.orders))
    print(
        f"{disk:,.0f} attempts/s through queue and ledger on disk, {memory:,.0f} in memory (ratio {disk / memory:.2f})"
    )


if __name__ == "__main__":
    main()
