"""Gleaner with a barrier after every stage: what the stream is worth, with all else the same.

The product's own task, prompts, gates, queue, ledger, recovery and HTTP engine, in one process without Ray. A *round*
is every order that can be worked on at its beginning. All of them are written before one is judged, all are judged by a
gate before one is judged by the next, and all are settled, and the accepted ones on disk, before a repair is begun.

    python -m benchmarks.peers.barrier CONFIG.yaml --output DIR
"""

import argparse
import asyncio
import json
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from msgspec.structs import replace

from actors.calls.clocks import Clocks, Steady
from actors.conductor import Conductor
from actors.ledger.folder import Ledgers, has_orders
from actors.protocols import Gate
from actors.queue.service import QueueService
from benchmarks.peers.rounds import Doors
from deployments.build.evidence import passages_of
from deployments.build.wiring import conductor_random, conductor_settings, open_queue, toolbox
from deployments.config.load import load
from deployments.local.gates import local_gate, names, started
from schemas.config import RunConfig
from schemas.corpus import Passage
from schemas.errors import ungrouped
from schemas.ids import OrderId, PoolName
from schemas.ledger import AcceptedEnd, Planned
from schemas.orders import Accept, Attempt, Duplicate, Holding, Lease, Outcome, Recorded, Settlement
from schemas.queue_shard import ONLY
from schemas.verdicts import GateRequest, Verdict

NAME = "barriered"
ROWS = "rows.jsonl"
LEASE_WAIT_S = 0.2
EVERY_ORDER = 1_000_000
LONGEST_STAGE_S = 3600.0
"""A draft waits before a door for the others of its round; that wait counts as the gate's."""


class DoorGate:
    """A gate behind a door. A draft that is asked about again, after an error, goes in at once."""

    def __init__(self, gate: Gate, doors: Doors, number: int) -> None:
        self._gate = gate
        self._doors = doors
        self._number = number
        self._been: set[str] = set()

    async def check(self, request: GateRequest) -> Verdict:
        if request.id not in self._been:
            self._been.add(request.id)
            await self._doors.through(self._number)
        return await self._gate.check(request)


class Rows:
    """The accepted rows, on disk after each round. A run that goes on from a killed one first writes those of its
    ledger again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: list[dict[str, str]] = []
        path.write_bytes(b"")

    def add(self, passage: Passage, attempt: Attempt) -> None:
        made = attempt.candidate
        assert made is not None and made.draft is not None, "what was accepted has a draft"
        self._waiting.append({"passage": passage.text, "question": made.draft.question, "answer": made.draft.answer})

    def write(self) -> None:
        """Returns when every row so far is on disk."""
        with self._path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in self._waiting)
            file.flush()
            os.fsync(file.fileno())
        self._waiting = []


def earlier_rows(output: Path) -> Rows:
    """The rows of a folder, with those that its ledger holds already."""
    rows, passages = Rows(output / ROWS), dict[OrderId, Passage]()
    if has_orders(output):
        with Ledgers(output) as ledgers:
            for _, record in ledgers.records():
                if isinstance(record, Planned):
                    passages |= {order.id: record.passage for order in record.orders}
                if isinstance(record, AcceptedEnd):
                    rows.add(passages[record.order_id], record.attempt)
    return rows


class RoundOrders:
    """The queue, for a conductor that works in rounds: `actors.protocols.Orders`."""

    def __init__(self, service: QueueService, doors: Doors, rows: Rows) -> None:
        self._service = service
        self._doors = doors
        self._rows = rows
        self._passages: dict[OrderId, Passage] = {}

    async def lease(self, conductor: str, limit: int) -> Sequence[Lease] | None:
        """Every lease that there is, once the last round is over and its rows are on disk."""
        await self._doors.over()
        await asyncio.to_thread(self._rows.write)
        if self._service.finished():
            return None
        leases = await self._service.lease(conductor, EVERY_ORDER, LEASE_WAIT_S)
        self._passages |= {order.id: lease.passage for lease in leases for order in lease.orders}
        if leases:
            self._doors.begin(sum(len(lease.orders) for lease in leases))
        return leases

    async def join(self, conductor: str, holdings: Sequence[Holding]) -> None:
        """Does nothing: this queue is never restarted."""

    async def settle(self, outcome: Outcome) -> Settlement:
        """A near-duplicate is settled twice: its attempt ends with the second."""
        settlement = (await self._service.settle([outcome]))[0]
        if isinstance(settlement, Recorded) and isinstance(outcome.decision, Accept):
            self._rows.add(self._passages[outcome.order_id], outcome.attempt)
        if not isinstance(settlement, Duplicate):
            self._doors.settle()
        return settlement


async def conduct_in_rounds(config: RunConfig, output: Path) -> None:
    """Works on every order of the corpus until its end; goes on from what the folder's ledger holds. The folder must be
    there."""
    config = replace(config, conductors=replace(config.conductors, hop_timeout_s=LONGEST_STAGE_S))
    passages = list(passages_of(config.corpus))
    clocks, doors = Clocks(), Doors()
    rows = earlier_rows(output)
    async with AsyncExitStack() as stack:
        service = open_queue(config, output, ONLY, owner=os.getpid(), now=Steady(clocks))
        stack.push_async_callback(service.close)
        if await service.offer(passages):
            await service.corpus_ended(documents=len(passages), passages=len(passages))
        pools = {PoolName(name): await started(stack, pool.engine) for name, pool in config.pools.items()}
        gates = {
            name: DoorGate(await local_gate(stack, config, name), doors, number)
            for number, name in enumerate(names(config))
        }
        conductor = Conductor(
            toolbox(config, RoundOrders(service, doors, rows), pools, gates),
            replace(conductor_settings(config, NAME), concurrency=EVERY_ORDER),
            clock=clocks.wall,
            monotonic=clocks.monotonic,
            sleep=asyncio.sleep,
            random=conductor_random(config, NAME),
        )
        with ungrouped():
            await conductor.run()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    asyncio.run(conduct_in_rounds(load(given.config), given.output))


if __name__ == "__main__":
    main()
