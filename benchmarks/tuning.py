"""How soon an HTTP pool without a configured number finds a server's slots, and what that costs in throughput.

    python -m benchmarks.tuning [--server KIND] [--seeds 5]     simulated: exact, in virtual time
    python -m benchmarks.tuning --others                        simulated: four clients, and calls that slow each other
    python -m benchmarks.tuning --real [--slots 64] [--seconds 40]   a server process on loopback, side by side in turn

Service times are lognormal (median 300 ms, σ 0.6). A server queues what does not fit, refuses it (429), or queues it
and tells its load on /metrics. Found: the limit was between 0.9 and 1.5 of the slots over four seconds, by its median.
Throughput: against the best fixed number (the slots themselves, and twice as many where calls wait) with the same seed,
from twenty seconds after a start or change.
"""

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from statistics import mean, median

from aiohttp import web
from msgspec import Struct

from actors.calls.tuned_limit import TunedLimit
from benchmarks.http_engine import ANSWER, request
from deployments.engines.http import HttpBackend
from deployments.engines.http_endpoint import MOST_CALLS
from deployments.engines.roles import EngineRole
from schemas.config_engines import HttpEngine
from schemas.errors import EngineError
from tests.doubles.slot_server import MEDIAN_S, SIGMA, Client, FixedLimit, Manners, Service, SlotServer

FEW, MANY = 64, 512
SETTLES_S, LASTS_S = 20.0, 60.0
CALLERS = 1200


class Change(Struct, frozen=True):
    """Slots from a moment on, until the next change or the end. `first`: the limit at the beginning."""

    name: str
    first: int
    slots: tuple[int, ...]


CHANGES = (
    Change("64 from 8", 8, (FEW,)),
    Change("64 from 1,024", 1024, (FEW,)),
    Change("512 from 8", 8, (MANY,)),
    Change("512 from 1,024", 1024, (MANY,)),
    Change("512, 64, 512", 16, (MANY, FEW, MANY)),
)


def by_time(slots: tuple[int, ...]) -> Callable[[float], int]:
    """The slots at a time."""
    return lambda now: slots[min(len(slots) - 1, int(now / LASTS_S))]


class Row(Struct, frozen=True):
    """One stretch of one simulated run. `share`: of throughput with the best fixed number."""

    name: str
    found_s: float | None
    share: float
    inside: float
    """The part of the time, once settled, in which the limit was between 0.9 and 1.5 of the slots."""


def simulate(change: Change, manners: Manners, seed: int) -> list[Row]:
    """A run through all stretches, and the best of two fixed numbers for each."""
    until = LASTS_S * len(change.slots)
    tuned = Client(TunedLimit(MOST_CALLS, change.first))
    SlotServer([tuned], by_time(change.slots), manners, seed=seed).run(until)
    fixed = {}
    for number in {each * times for each in change.slots for times in (1, 2)}:
        fixed[number] = Client(FixedLimit(number))
        if manners is not Manners.REFUSES or number <= min(change.slots):
            SlotServer([fixed[number]], by_time(change.slots), manners, seed=seed).run(until)
    rows = []
    for place, slots in enumerate(change.slots):
        since, end = place * LASTS_S, (place + 1) * LASTS_S
        best = max(client.per_s(since + SETTLES_S, end) for client in fixed.values())
        if manners is Manners.REFUSES and slots > min(change.slots):
            best = max(best, alone(slots, seed))
        settled = tuned.limits(since + SETTLES_S, end)
        inside = sum(0.9 * slots <= limit <= 1.5 * slots for limit in settled) / len(settled)
        name = change.name if len(change.slots) == 1 else ("512", "then 64", "then 512")[place]
        found_s = tuned.found_s(slots, since, end)
        rows.append(Row(name, found_s, tuned.per_s(since + SETTLES_S, end) / best, inside))
    return rows


def alone(slots: int, seed: int) -> float:
    """Throughput of a server whose slots are always full."""
    client = Client(FixedLimit(slots))
    SlotServer([client], lambda now: slots, Manners.QUEUES, seed=seed).run(LASTS_S)
    return client.per_s(SETTLES_S, LASTS_S)


def print_simulated(servers: Sequence[Manners], seeds: int) -> None:
    print(f"{'server':9}{'slots':16}{'found, s: median':>17}{'worst':>7}{'share: median':>15}{'worst':>7}{'inside':>8}")
    for manners in servers:
        for change in CHANGES:
            runs = [simulate(change, manners, 100 + seed) for seed in range(seeds)]
            for rows in zip(*runs, strict=True):
                found = [LASTS_S if row.found_s is None else row.found_s for row in rows]
                shares = [row.share for row in rows]
                print(
                    f"{manners.value:9}{rows[0].name:16}{median(found):>17.1f}{max(found):>7.1f}"
                    f"{median(shares):>15.3f}{min(shares):>7.3f}{median(row.inside for row in rows):>8.2f}",
                    flush=True,
                )


def shared(manners: Manners, seed: int) -> tuple[float, float, float]:
    """Four clients of a server with 128 slots, from the thirtieth second on: calls that may be under way in all, for
    each slot; the least client's part of an equal share; throughput for each slot's."""
    slots = 2 * FEW
    clients = [Client(TunedLimit(MOST_CALLS)) for _ in range(4)]
    SlotServer(clients, by_time((slots,)), manners, seed=seed).run(2 * LASTS_S)
    means = [mean(client.limits(LASTS_S / 2, 2 * LASTS_S)) for client in clients]
    per_s = sum(client.per_s(LASTS_S / 2, 2 * LASTS_S) for client in clients)
    return sum(means) / slots, 4 * min(means) / sum(means), per_s / alone(slots, seed)


def crowded(seed: int) -> float:
    """The share of the best throughput on a server of 256 slots whose calls take twice as long beside 64 others."""
    tuned, best = Client(TunedLimit(MOST_CALLS)), Client(FixedLimit(4 * FEW))
    for client in (tuned, best):
        SlotServer([client], by_time((4 * FEW,)), Manners.QUEUES, seed=seed, service=Service(crowd=FEW)).run(
            2 * LASTS_S
        )
    return tuned.per_s(SETTLES_S, 2 * LASTS_S) / best.per_s(SETTLES_S, 2 * LASTS_S)


def print_others(servers: Sequence[Manners], seeds: int) -> None:
    for manners in servers:
        found = [shared(manners, 100 + seed) for seed in range(seeds)]
        lines = (f"{name} {median(each):.2f} ({min(each):.2f} to {max(each):.2f})" for name, each in zip(
            ("calls for each slot", "least share", "throughput"), zip(*found, strict=True), strict=True))  # fmt: skip
        print(f"{manners.value:9}four clients: {'; '.join(lines)}", flush=True)
    shares = [crowded(100 + seed) for seed in range(seeds)]
    print(f"crowded  {median(shares):.2f} ({min(shares):.2f} to {max(shares):.2f}) of the best throughput")


async def serve(slots: int, manners: Manners) -> None:
    """Answers until its process is ended; prints its port first."""
    room, random, running, waiting = asyncio.Semaphore(slots), Random(1), 0, 0

    async def answer(asked: web.BaseRequest) -> web.Response:
        nonlocal running, waiting
        await asked.read()
        if asked.method == "GET":
            if manners is not Manners.TELLS or asked.path != "/metrics":
                return web.Response(status=404)
            return web.Response(text=f"tgi_batch_current_size {running}\ntgi_queue_size {waiting}\n")
        if manners is Manners.REFUSES and room.locked():
            return web.Response(status=429, text="too many requests")
        waiting += 1
        async with room:
            waiting, running = waiting - 1, running + 1
            await asyncio.sleep(MEDIAN_S * random.lognormvariate(0, SIGMA))
            running -= 1
        return web.Response(body=ANSWER, content_type="application/json")

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


class Real(Struct, frozen=True):
    """`found_s`: seconds until the limit was inside for two seconds; `per_s`: calls answered, once settled."""

    found_s: float | None
    per_s: float


async def measure(url: str, concurrency: int | None, slots: int, seconds: float) -> Real:
    """One engine with more callers than slots."""
    engine = HttpBackend(HttpEngine(url, "m", concurrency=concurrency, check_models=False), EngineRole.GENERATOR)
    await engine.start()
    answered = 0

    async def caller(number: int) -> None:
        nonlocal answered
        while True:
            try:
                await engine.generate(request(number))
                answered += 1
            except EngineError as error:
                await asyncio.sleep(error.retry_after_s or 0.25)

    began = time.monotonic()
    callers = [asyncio.create_task(caller(number)) for number in range(min(CALLERS, 4 * slots))]
    found_s, inside, before, settled_at = None, 0, 0, 0.0
    while (passed := time.monotonic() - began) < seconds:
        await asyncio.sleep(0.1)
        inside = inside + 1 if 0.9 * slots <= (engine.slots or 0) <= 1.5 * slots else 0
        if inside >= 20 and found_s is None:
            found_s = passed
        if not settled_at and passed >= seconds / 2:
            before, settled_at = answered, time.monotonic()
    per_s = (answered - before) / (time.monotonic() - settled_at)
    for each in callers:
        each.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    await engine.close()
    return Real(found_s, per_s)


def print_real(servers: Sequence[Manners], slots: int, seconds: float) -> None:
    for manners in servers:
        command = [sys.executable, "-m", "benchmarks.tuning", "--serve", manners.value, "--slots", str(slots)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
                tuned = asyncio.run(measure(url, None, slots, seconds))
                fixed = asyncio.run(measure(url, slots, slots, seconds / 2))
            finally:
                server.terminate()
        found = "never" if tuned.found_s is None else f"{tuned.found_s:.1f} s"
        print(
            f"{manners.value:9}{slots} slots found after {found}; {tuned.per_s:,.0f} calls/s, "
            f"{tuned.per_s / fixed.per_s:.3f} of a fixed number ({fixed.per_s:,.0f})",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", choices=[each.value for each in Manners], help="one kind of server, not all")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--others", action="store_true")
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--slots", type=int, default=FEW)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--serve", choices=[each.value for each in Manners], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    servers = tuple(Manners) if arguments.server is None else (Manners(arguments.server),)
    if arguments.serve:
        with suppress(KeyboardInterrupt):
            asyncio.run(serve(arguments.slots, Manners(arguments.serve)))
    elif arguments.real:
        print_real(servers, arguments.slots, arguments.seconds)
    elif arguments.others:
        print_others(servers, arguments.seeds)
    else:
        print_simulated(servers, arguments.seeds)


if __name__ == "__main__":
    main()
