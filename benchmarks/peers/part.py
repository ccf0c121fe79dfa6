"""One part: its server, its run, and what came of it. Law: nothing is told of a system that it says of itself, but the
rows that lie in its output."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil
from msgspec import Struct

from benchmarks.peers.arms import ARMS, Arm, Ask
from benchmarks.peers.calls import Load, load_of, paid_again, read_log
from benchmarks.peers.plan import Part
from benchmarks.peers.rows import Kept, kept
from benchmarks.peers.service import Pace
from benchmarks.peers.watch import Took, Watched
from benchmarks.simulated.corpus import fact_sheet

LIMIT_S = 1800.0
"""A run that takes longer is killed, and told as such."""
LOG = "calls.jsonl"


class Killed(Struct, frozen=True):
    """A part that was killed and started again. `before`: calls that had been answered when it was killed; `again`:
    later calls that wrote or judged what these had; `usual`: the same of the whole run, cut at the same call. `took`:
    the second command."""

    before: int
    again: int
    usual: int
    took: Took


class Measured(Struct, frozen=True):
    """A line of the results. `at`: when it began, UTC. `faster`: the server's time scale, 1 but in tests.
    `server_cpu_s`: what the server took beside the system. `why`: why there are no figures. `threads`: as in `Way`."""

    part: str
    at: str
    faster: float
    took: Took | None = None
    load: Load | None = None
    kept: Kept | None = None
    server_cpu_s: float = 0.0
    killed: Killed | None = None
    why: str = ""
    threads: int | None = None


class Way(Struct, frozen=True):
    """How parts are measured. `peers`: the Python of the peers' environment; `faster`: the server's time scale;
    `threads`: as in `benchmarks.peers.arms.Ask`."""

    peers: Path
    faster: float = 1.0
    threads: int | None = None


class Whole(Struct, frozen=True):
    """The whole run that a killed one is compared with: the folder of its log, and its answered calls."""

    folder: Path
    calls: int


def absent(arm: Arm, peers: Path) -> str:
    """Why the arm cannot run here; nothing if it can."""
    if arm.package is None:
        return ""
    if not peers.exists():
        return f"absent: {peers} is missing (`make bench-peers` makes it)"
    asked = subprocess.run(
        [str(peers), "-c", f"import importlib.metadata as m; print(m.version('{arm.package}'))"],
        capture_output=True,
        check=False,
    )
    return "" if asked.returncode == 0 else f"absent: {arm.package} is not installed in {peers.parent.parent}"


def measure(part: Part, folder: Path, way: Way, whole: Whole | None = None) -> Measured:
    """Runs the part in an empty folder. `whole`: for a part that is killed."""
    arm, at = ARMS[part.arm], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    faster = way.faster
    if why := absent(arm, way.peers):
        return Measured(part.name, at, faster, why=why)
    corpus, out = folder / "corpus.jsonl", folder / "out"
    texts = write_corpus(corpus, part.setting.passages, part.seed)
    with simulated_server(part.setting.pace(faster), folder, part.seed) as server:
        port = server.port
        command = arm.command(Ask(part, folder, corpus, port, way.peers, way.threads))
        took = first = run(command, folder / "log", arm, out, port, enough=None if whole is None else whole.calls // 2)
        before = answered(port)
        if whole is not None:
            took = run(command, folder / "log-again", arm, out, port, enough=None)
        server_cpu_s = server.cpu_s
    calls = read_log(folder / LOG)
    if took.code != 0:
        return Measured(part.name, at, faster, took=took, why=f"exit code {took.code}: see {folder / 'log'}")
    killed = None
    if whole is not None and first.code is not None:
        return Measured(part.name, at, faster, took=first, why="ended before it could be killed")
    if whole is not None:
        usual = paid_again(read_log(whole.folder / LOG), before)
        killed = Killed(before, paid_again(calls, before), usual, took)
    return Measured(
        part.name,
        at,
        faster,
        took=first,
        load=load_of(calls, part.setting.slots),
        kept=kept(arm.rows(out), calls, texts),
        server_cpu_s=server_cpu_s,
        killed=killed,
    )


def run(command: list[str], log: Path, arm: Arm, out: Path, port: int, *, enough: int | None) -> Took:
    """Runs a command to its end, or until the server has answered `enough` calls."""
    watched = Watched(command, log=log, environment={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"})
    return watched.until(
        first=lambda: arm.first(out),
        enough=lambda: enough is not None and answered(port) >= enough,
        limit_s=LIMIT_S,
    )


def write_corpus(path: Path, passages: int, seed: int) -> Sequence[str]:
    """Writes so many passages, and gives their texts."""
    sheets = [fact_sheet(seed, number) for number in range(passages)]
    path.write_bytes(b"".join(msgspec.json.encode(sheet) + b"\n" for sheet in sheets))
    return [sheet.text for sheet in sheets]


class Server:
    """A server that is up."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self._process = psutil.Process(pid)

    @property
    def cpu_s(self) -> float:
        """Processor time so far."""
        times = self._process.cpu_times()
        return times.user + times.system


@contextmanager
def simulated_server(pace: Pace, folder: Path, seed: int) -> Iterator[Server]:
    """A server of its own for one part."""
    options = [f"--{name.replace('_', '-')}={value}" for name, value in msgspec.to_builtins(pace).items()]
    command = [
        sys.executable,
        "-m",
        "benchmarks.peers.http_server",
        f"--log={folder / LOG}",
        f"--seed={seed}",
        *options,
    ]
    with (folder / "server").open("wb") as errors:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            assert server.stdout is not None
            yield Server(int(server.stdout.readline()), server.pid)
        finally:
            server.terminate()
            server.wait()


def answered(port: int) -> int:
    """How many calls the server has answered."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/answered", timeout=30) as reply:
        return int(reply.read())
