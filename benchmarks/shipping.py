"""What shipping a run costs the command's process: CPU for each record, bytes and requests, to a store in memory.

    python -m benchmarks.shipping [--rate 50] [--ships 80]

A ledger grows by so many records a second and is shipped every 5 s of its own time; no request takes time.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

from actors.ledger.sqlite import NAME, SqliteLedger
from deployments.storage.fence import Fence
from deployments.storage.shipper import Shipper
from schemas.ledger import Planned, Record
from schemas.storage import Holder
from tests.doubles.ledgers import plausible_run
from tests.doubles.object_store import MemoryStore

EVERY_S = 5


class SizedStore(MemoryStore):
    """Counts the bytes that it is sent, and the puts, which are what stores charge for."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = self.puts = 0

    def put(self, name: str, content: bytes | Path) -> None:
        super().put(name, content)
        self._count(name)

    def put_if(self, name: str, content: bytes, etag: str | None) -> str:
        new = super().put_if(name, content, etag)
        self._count(name)
        return new

    def _count(self, name: str) -> None:
        self.sent += len(self.objects[name])
        self.puts += 1


def records() -> Iterator[Record]:
    """Attempts and ends of one plausible run after the other. Plans are left out: their orders would come twice."""
    return (record for seed in count() for record in plausible_run(seed) if not isinstance(record, Planned))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=50)
    parser.add_argument("--ships", type=int, default=80)
    asked = parser.parse_args()
    store, source, cpu = SizedStore(), records(), []
    fence = Fence(store, "memory", Holder("here", 1, "", 2.0 * EVERY_S), "token")
    fence.take(lambda holder: None)
    with tempfile.TemporaryDirectory() as folder, SqliteLedger(Path(folder)) as ledger:
        shipper = Shipper(fence, store, Path(folder))
        for _ in range(asked.ships):
            ledger.append(list(islice(source, EVERY_S * asked.rate)))
            began_at = time.process_time()
            shipper.ship()
            cpu.append(time.process_time() - began_at)
        shipper.close()
    segments = fence.head.chains[NAME].segments
    number, size = segments[-1].last, sum(each.size for each in segments)
    print(f"{number:,} records of {size / number:,.0f} bytes in {len(segments)} segments")
    print(f"CPU a record: {sum(cpu) / number * 1e6:.1f} µs; the longest ship: {max(cpu) * 1e3:.0f} ms")
    print(f"sent for each byte of records: {store.sent / size:.2f}; puts for each ship: {store.puts / asked.ships:.2f}")


if __name__ == "__main__":
    main()
