"""The live page: how soon it shows a large folder and the events of a running one, and what it takes from a run.

    python -m benchmarks.page [--samples 100000] [--orders 20000]

The large folder is written by the real ledger. An event is a record that the ledger has made durable; it has arrived
when the stream of events tells it. What the page takes is measured on the hardest case, a queue and its ledger that do
nothing else (`benchmarks.ledger`), with a page that somebody watches and without, in turn.
"""

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from statistics import median

import aiohttp
import psutil

from actors.ledger.sqlite import SqliteLedger
from benchmarks.ledger import attempts_per_second
from benchmarks.loop import measure
from deployments.page.beside import PageBeside
from schemas.ledger import AcceptedEnd, Planned, Record
from schemas.orders import Attempt
from schemas.verdicts import FAITHFULNESS, REWARD, Passed
from tests.doubles.attempts import candidate, orders, passage

ROUNDS, EVENTS, EACH = 3, 20, 100
PASSAGES = 6000


def many(samples: int, first: int = 0) -> Iterator[Record]:
    """So many accepted samples, a hundred of each passage, from that passage on."""
    verdicts = (Passed(FAITHFULNESS, 0.9, 0.5), Passed(REWARD, 0.8, 0.5))
    for number in range(first, first + max(1, samples // EACH)):
        of = passage(number)
        planned = tuple(orders(of, min(EACH, samples)))
        yield Planned(float(number), of, planned)
        for slot, order in enumerate(planned):
            attempt = Attempt(1, None, candidate(f"What of {number} and {slot}? " * 20), verdicts)
            yield AcceptedEnd(number + slot / EACH, order.id, attempt)


@contextmanager
def page(folder: Path) -> Iterator[tuple[str, float, int]]:
    """The page of a folder, as a user starts it: its address, how long it took to listen, its process's id."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "deployments.cli", "page", str(folder), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        found = re.search(r"http://\S+", process.stderr.readline())
        assert found is not None
        try:
            yield found[0], time.perf_counter() - began, process.pid
        finally:
            process.terminate()


def fetched(address: str) -> tuple[float, str]:
    """How long a page took, and the page."""
    began = time.perf_counter()
    with urllib.request.urlopen(address) as reply:
        text = reply.read().decode()
    return time.perf_counter() - began, text


def large(folder: Path, samples: int) -> None:
    """A folder of so many samples, opened."""
    began = time.perf_counter()
    with SqliteLedger(folder) as ledger:
        ledger.append(list(many(samples)))
    print(f"wrote {samples:,} samples in {time.perf_counter() - began:.1f} s")
    with page(folder) as (address, listens_s, pid):
        began = time.perf_counter()
        first_s, text = fetched(address)
        assert f"{samples:,}" in text
        while "reading the ledger" in fetched(address)[1]:
            time.sleep(0.2)
        whole_s = time.perf_counter() - began
        print(f"listens after {listens_s:.2f} s; first content {first_s:.2f} s after it is asked for")
        print(f"all tables after {whole_s:.1f} s; memory {psutil.Process(pid).memory_info().rss / 2**20:.0f} MiB")
        for what, query in (("all", ""), ("text", "text=what+of+7+and+8%3F"), ("score", "gate=reward&low=0.5")):
            took = sorted(fetched(f"{address}samples?{query}")[0] for _ in range(5))
            print(f"samples by {what}: {took[2]:.3f} s")


async def events(folder: Path) -> None:
    """How soon a watcher is told of a record."""
    with SqliteLedger(folder) as ledger:
        ledger.append(list(many(EACH)))
    with page(folder) as (address, _, _):
        async with aiohttp.ClientSession() as session, session.get(f"{address}events") as stream:
            took = []
            for number in range(1, EVENTS + 1):
                with SqliteLedger(folder) as ledger:
                    ledger.append(list(many(1, first=number)))
                began = time.perf_counter()
                async for line in stream.content:
                    if line.startswith(b'data: ["ended"') and f"{EACH + number}".encode() in line:
                        break
                took.append(time.perf_counter() - began)
                await asyncio.sleep(0.37)
    print(f"an event is told after {median(took):.2f} s, at most {max(took):.2f} s ({EVENTS} events)")


async def taken(count: int) -> None:
    """Attempts a second of queue and ledger, with a page that is watched and without."""
    alone, watched = [], []
    for _ in range(ROUNDS):
        for beside, found in ((False, alone), (True, watched)):
            with tempfile.TemporaryDirectory() as name:
                found.append(await (_beside(Path(name), count) if beside else _rate(Path(name), count)))
    print(f"attempts/s alone {median(alone):,.0f}, with the page {median(watched):,.0f}, on {os.cpu_count()} cores")
    print(f"that is {median(watched) / median(alone):.3f}; rounds: {[f'{each:,.0f}' for each in (*alone, *watched)]}")


def taken_of_a_run(pairs: int) -> None:
    """Attempts a second of whole runs on instant engines, with `--page` and without, in turn."""
    ratios = []
    for number in range(pairs):
        found = {}
        for watched in (False, True) if number % 2 else (True, False):
            beside = (lambda folder: PageBeside(folder, print)) if watched else (lambda folder: nullcontext())
            found[watched] = measure(PASSAGES, rejected=0.2, concurrency=512, beside=beside)
        ratios.append(found[True] / found[False])
        print(f"a whole run: {found[False]:,.0f} attempts/s, with the page {found[True]:,.0f}: {ratios[-1]:.3f}")
    print(f"median of {pairs} pairs: {median(ratios):.3f}")


async def _rate(folder: Path, count: int) -> float:
    return await attempts_per_second(SqliteLedger(folder), count)


async def _beside(folder: Path, count: int) -> float:
    with page(folder) as (address, _, _):
        async with aiohttp.ClientSession() as session, session.get(f"{address}events") as stream:
            watching = asyncio.ensure_future(stream.content.read())
            try:
                return await _rate(folder, count)
            finally:
                watching.cancel()


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=0, help="so many pairs of whole runs, and nothing else")
    given = parser.parse_args()
    if given.runs:
        taken_of_a_run(given.runs)
        return
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        large(Path(one), given.samples)
        asyncio.run(events(Path(other)))
    asyncio.run(taken(given.orders))


if __name__ == "__main__":
    main()
