"""`gleaner run` in a process of its own, with a server that repeats its key: who listens where, what is written."""

import asyncio
import ipaddress
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from msgspec import Struct

from actors.ledger.sqlite import LedgerReader
from schemas.ledger import AcceptedEnd, DeadLetteredEnd
from tests.doubles.absent import PATH as ABSENT
from tests.doubles.rude_server import RudeServer, rude_server

pytestmark = [pytest.mark.ray, pytest.mark.slow]

SECRET = "sk-gleaner-3f9d27c1-never-told"
COMMAND = [sys.executable, "-c", "from deployments.cli import main; main()"]
LONGEST_S = 400.0
DOCUMENTS = 12


class Ran(Struct, frozen=True):
    """What a run left behind: its folder, Ray's logs, what it printed, and every place at which it listened."""

    output: Path
    ray: Path
    printed: str
    code: int
    listened: frozenset[tuple[str, str]]
    """Program and address."""
    heard: list[str | None]
    """The keys that the server was sent; filled when it is asked."""


@contextmanager
def indiscreet_server() -> Iterator[tuple[str, list[str | None]]]:
    """In a thread of its own: its url, and the keys that it is sent."""
    ready, done = threading.Event(), asyncio.Event()
    told: list[RudeServer] = []
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with rude_server() as server:
            server.indiscreet = True
            told.append(server)
            ready.set()
            await done.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(30)
    try:
        yield told[0].url, told[0].keys
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(30)
        loop.close()


def configuration(folder: Path, url: str) -> Path:
    docs = folder / "docs"
    docs.mkdir()
    for number in range(DOCUMENTS):
        (docs / f"{number:02d}.txt").write_text(f"The harbour of Town {number} holds {number + 10} ships.")
    replicas = "replicas: {num_cpus: 0.2}"
    engine = f"{{kind: http, base_url: '{url}', model: polite, api_key_env: GLEANER_TEST_KEY}}"
    gate = f'{{form: classifier, engine: {{kind: custom, factory: "tests.doubles.engines:instant"}}, {replicas}}}'
    path = folder / "run.yaml"
    path.write_text(
        "corpus: {paths: [./docs]}\n"
        "task: {kind: grounded_answer, samples_per_passage: 1}\n"
        f"pools: {{generator: {{engine: {engine}, {replicas}}}}}\n"
        f"gates: {{faithfulness: {gate}, reward: {gate}}}\n"
    )
    return path


def listening(process: psutil.Process) -> Iterator[tuple[str, str]]:
    """Program and address of every socket of a process tree that waits for others."""
    for one in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            for found in one.net_connections(kind="inet"):
                waits = found.status == psutil.CONN_LISTEN or (found.type == socket.SOCK_DGRAM and not found.raddr)
                if waits and found.laddr:
                    yield one.name(), found.laddr.ip


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """One run for all tests of this file."""
    folder = tmp_path_factory.mktemp("run")
    with tempfile.TemporaryDirectory(prefix="g") as ray, indiscreet_server() as (url, keys):
        path = configuration(folder, url)
        environment = {**os.environ, "GLEANER_TEST_KEY": SECRET, "RAY_TMPDIR": ray, "PYTHONPATH": ABSENT}
        printed = folder / "printed.txt"
        with printed.open("wb") as out:
            command = [*COMMAND, "run", str(path), "--output", str(folder / "out")]
            started = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
            seen: set[tuple[str, str]] = set()
            until = time.monotonic() + LONGEST_S
            try:
                while started.poll() is None and time.monotonic() < until:
                    with suppress(psutil.NoSuchProcess):
                        seen.update(listening(psutil.Process(started.pid)))
                    time.sleep(0.5)
            finally:
                started.kill()
        yield Ran(
            output=folder / "out",
            ray=Path(ray),
            printed=printed.read_text(encoding="utf-8", errors="replace"),
            code=started.wait(),
            listened=frozenset(seen),
            heard=keys,
        )


def test_the_run_was_one_in_which_something_could_leak(ran: Ran) -> None:
    """Some calls were answered well and some not; the server's errors are in the ledger; Ray wrote logs."""
    assert ran.code == 0, ran.printed
    assert f"Bearer {SECRET}" in ran.heard
    with LedgerReader(ran.output) as ledger:
        records = [record for _, record in ledger.records()]
    assert any(isinstance(record, AcceptedEnd) for record in records)
    details = [record.end.detail for record in records if isinstance(record, DeadLetteredEnd)]
    assert any("***" in detail for detail in details), details
    assert sum(path.is_file() for path in ran.ray.rglob("*")) > 10


def test_everything_that_listens_listens_on_loopback(ran: Ran) -> None:
    """A laptop in a café: nobody else in its network can reach Ray, its workers, its agents or our replicas."""
    addresses = {(program, ipaddress.ip_address(address)) for program, address in ran.listened}
    far = {
        (program, str(address))
        for program, address in addresses
        if not (getattr(address, "ipv4_mapped", None) or address).is_loopback
    }
    assert far == set()
    programs = {program for program, _ in addresses}
    assert {"gcs_server", "raylet"} <= programs
    assert any("Serve" in program for program in programs), programs


def test_the_key_is_in_no_file_no_log_and_on_no_screen(ran: Ran) -> None:
    """The output folder with ledger and log, Ray's own logs, stdout and stderr: not the key, nor a piece of it."""
    pieces = [SECRET.encode()[at : at + 12] for at in range(len(SECRET) - 11)]
    files = [path for root in (ran.output, ran.ray) for path in root.rglob("*") if path.is_file()]
    assert {"ledger.sqlite", "manifest.json", "report.html"} <= {path.name for path in files}
    guilty = [str(path) for path in files if any(piece in path.read_bytes() for piece in pieces)]
    assert guilty == []
    assert not [piece for piece in pieces if piece in ran.printed.encode()]
