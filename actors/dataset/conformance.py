"""Checks that every sink must pass: ours, and a user's own.

Law: a check has a finding or none; it never raises, whatever the sink does. The checks make their own shards, with
names that begin with `check-`. The sink keeps what it was given, so that its author can look at it.
"""

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct
from msgspec.structs import replace

from actors.dataset.rows import sample_schema
from actors.dataset.sink_thread import SinkThread
from actors.ledger.files import sha256_of
from actors.protocols import Sink
from schemas.conformance import Broken, CheckFinding, Noted, found_by
from schemas.errors import described
from schemas.sinks import OutgoingShard

LONGEST_S = 60.0
"""The longest time for one delivery."""
ROWS = 3


class SinkSubject(Struct, frozen=True):
    """How a run makes the sink that is checked, and the thread that the sink's code runs in."""

    make: Callable[[], Sink]
    thread: SinkThread


SinkCheck = Callable[[SinkSubject, Path], Awaitable[None]]


async def examine(subject: SinkSubject) -> list[CheckFinding]:
    """Every check's finding, in order."""
    return [await finding(name, subject) for name in CHECKS]


async def finding(name: str, subject: SinkSubject) -> CheckFinding:
    """One check's finding."""
    with tempfile.TemporaryDirectory() as folder:
        return await found_by(name, CHECKS[name](subject, Path(folder)))


def shard_in(folder: Path, name: str = "check-part-00000.parquet", rows: int = ROWS) -> OutgoingShard:
    """A shard of a few accepted samples."""
    path = folder / name
    samples = [
        {
            "id": f"{number:032x}",
            "question": f"In which year was town {number} founded?",
            "answer": f"Town {number} was founded in 16{number:02d}.\u2028\U0001f3f0",
            "messages": [{"role": "assistant", "content": f"In 16{number:02d}."}],
        }
        for number in range(rows)
    ]
    pq.write_table(pa.Table.from_pylist(samples, schema=sample_schema(())), path)
    return OutgoingShard(name, str(path), rows, sha256_of(path) or "")


async def _delivered(subject: SinkSubject, sink: Sink, shard: OutgoingShard) -> None:
    try:
        async with asyncio.timeout(LONGEST_S):
            await subject.thread.called(sink.deliver, shard)
    except TimeoutError:
        raise Broken(f"it did not take a shard of {shard.rows} rows within {LONGEST_S:g} s") from None
    except Exception as bug:
        raise Broken(f"it raised {described(bug)}") from bug


async def _made(subject: SinkSubject) -> Sink:
    try:
        return await subject.thread.called(subject.make)
    except Exception as bug:
        raise Broken(f"making it raised {described(bug)}") from bug


async def _takes_a_shard(subject: SinkSubject, folder: Path) -> None:
    await _delivered(subject, await _made(subject), shard_in(folder))


async def _takes_it_again(subject: SinkSubject, folder: Path) -> None:
    shard, sink = shard_in(folder), await _made(subject)
    await _delivered(subject, sink, shard)
    with _within("given again"):
        await _delivered(subject, sink, shard)
    with _within("given again by a process that knows nothing of the first"):
        await _delivered(subject, await _made(subject), shard)


async def _takes_shards_in_a_row(subject: SinkSubject, folder: Path) -> None:
    sink = await _made(subject)
    for number in range(3):
        await _delivered(subject, sink, shard_in(folder, f"check-part-{number:05d}.parquet"))


async def _leaves_the_file_alone(subject: SinkSubject, folder: Path) -> None:
    shard = shard_in(folder)
    await _delivered(subject, await _made(subject), shard)
    if sha256_of(Path(shard.path)) != shard.sha256:
        raise Broken("it changed or took away the shard's file, which is the run's")
    if len(os.listdir(folder)) > 1:
        raise Noted("it writes into the folder of the shards, which is the run's")


async def _says_when_it_cannot(subject: SinkSubject, folder: Path) -> None:
    shard, sink = shard_in(folder), await _made(subject)
    gone = replace(shard, name="check-gone.parquet", path=str(folder / "gone.parquet"))
    try:
        async with asyncio.timeout(LONGEST_S):
            await subject.thread.called(sink.deliver, gone)
    except Exception:  # noqa: BLE001 - a sink raises to say that it did not take a shard
        return
    raise Broken("it says that it has a shard whose file does not exist: its rows would be lost in silence")


@contextmanager
def _within(step: str) -> Iterator[None]:
    try:
        yield
    except Broken as broken:
        raise Broken(f"{step}: {broken}") from None


CHECKS: dict[str, SinkCheck] = {
    "it takes a shard": _takes_a_shard,
    "it takes a shard again": _takes_it_again,
    "it takes shards one after another": _takes_shards_in_a_row,
    "it leaves the shard's file alone": _leaves_the_file_alone,
    "it says when it cannot": _says_when_it_cannot,
}
