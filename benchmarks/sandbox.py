"""How many short programs a sandbox runs, how long each takes to start, and what it leaves behind.

    python -m benchmarks.sandbox [--programs 2000] [--workers 2] [--isolation namespaces]

The programs print one line; every tenth leaves processes behind that have forked twice. Beside programs per second,
which other work on the machine lowers, it tells programs per second of processor time: of this process, of the workers,
and of all that they started. Left behind would be a process, a file in the system's temporary folder, or a mount.
"""

import argparse
import asyncio
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

import psutil

from deployments.sandbox.sandbox import Sandbox
from schemas.programs import Isolation, Program, ProgramEnd, ProgramLimits, Source

SHORT = Program(run=Source("print(1 + 1)"))
LEAVING = Program(
    run=Source("import os, time\nif os.fork() == 0:\n    os.setsid()\n    os.fork()\n    time.sleep(1000)\nprint(2)")
)
CHECKED = 200
WORKER = "deployments.sandbox.inside"


async def main(programs: int, workers: int, isolation: Isolation) -> None:
    """Prints one line for each figure."""
    before = _there()
    async with Sandbox(ProgramLimits(), isolation=isolation, workers=workers) as sandbox:
        await asyncio.gather(*(sandbox.run(SHORT) for _ in range(workers)))
        began, spent = time.perf_counter(), _spent_s(sandbox.pids)
        ran = await asyncio.gather(*(sandbox.run(LEAVING if n % 10 == 0 else SHORT) for n in range(programs)))
        taken, cpu_s = time.perf_counter() - began, _spent_s(sandbox.pids) - spent
        assert {(each.end, each.stdout.text) for each in ran} == {(ProgramEnd.FINISHED, "2\n")}
        walls = [1000 * each.wall_s for each in ran]
        print(f"{isolation.value}, {programs:,} programs, {workers} workers, load {os.getloadavg()[0]:.1f}")
        print(f"{programs / taken:8.0f} programs/s; {programs / cpu_s:.0f} per second of processor time")
        print(f"{median(walls):8.1f} ms a program, start to end (90% within {quantiles(walls, n=10)[-1]:.1f} ms)")
        began, spent = time.perf_counter(), _spent_s(sandbox.pids)
        for _ in range(CHECKED):
            await sandbox.check("def f(x):\n    return 2 * x", "from solution import f\nassert f(2) == 4")
        taken, cpu_s = time.perf_counter() - began, _spent_s(sandbox.pids) - spent
        each_ms, per_cpu_s = 1000 * taken / CHECKED, CHECKED / cpu_s
        print(f"{each_ms:8.1f} ms a checked solution alone; {per_cpu_s:.0f} per second of processor time")
        print(f"{_living(sandbox.pids):8} processes left below the workers")
    after = _there()
    for name, count in after.items():
        print(f"{count - before[name]:8} {name} more than before")


def _spent_s(pids: tuple[int, ...]) -> float:
    """Processor time of this process, the workers, and what they have waited for."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return own.ru_utime + own.ru_stime + sum(sum(each[:4]) for each in times)


def _living(pids: tuple[int, ...]) -> int:
    time.sleep(0.5)  # a worker's own copy has answered, and is about to end
    return sum(len(psutil.Process(pid).children(recursive=True)) for pid in pids)


def _there() -> dict[str, int]:
    workers = [each for each in psutil.process_iter(["cmdline"]) if WORKER in (each.info["cmdline"] or [])]
    return {
        "workers and copies of them": len(workers),
        "temporary files": len(list(Path(tempfile.gettempdir()).glob("gleaner-sandbox-*"))),
        "mounts": len(Path("/proc/self/mountinfo").read_text().splitlines()),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--isolation", type=Isolation, default=Isolation.NAMESPACES)
    given = parser.parse_args()
    sys.exit(asyncio.run(main(given.programs, given.workers, given.isolation)))
