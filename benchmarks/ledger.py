"""What durability costs: the queue and its ledger alone, on disk against in memory, in turn, in one process.

    python -m benchmarks.ledger [--orders 20000]

Outcomes arrive in messages of 64 from 8 callers at once, as conductors send them; every attempt carries about 1.5 kB.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median

from actors.ledger import MemoryLedger, SqliteLedger
from actors.queue import QueueLimits, RegenerationQueue
from actors.queue_service import Ledger, QueueService, ServiceSettings
from tests.doubles.attempts import accepted, passage

CALLERS, MESSAGE, ROUNDS = 8, 64, 3


async def attempts_per_second(ledger: Ledger, orders: int) -> float:
    """Every order leased and accepted once."""
    queue = RegenerationQueue(QueueLimits(max_attempts=3, lease_s=300, fresh_share=0.25), lambda a, b: 0.0)
    service = QueueService(queue, ledger, ServiceSettings("t", 1, orders), now=time.time)
    await service.offer([passage(number) for number in range(orders)])
    await service.corpus_ended(orders, orders)

    async def caller(name: str) -> None:
        while leases := await service.lease(name, MESSAGE, 1.0):
            await service.settle([accepted(lease, "What? " * 200) for lease in leases])

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=20_000)
    disk, memory = asyncio.run(measure(parser.parse_args().orders))
    print(
        f"{disk:,.0f} attempts/s through queue and ledger on disk, {memory:,.0f} in memory (ratio {disk / memory:.2f})"
    )


if __name__ == "__main__":
    main()
