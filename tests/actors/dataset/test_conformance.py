"""The example sink passes the checks for sinks, and the checks find each fault of a bad sink."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.dataset import conformance
from actors.dataset.conformance import CHECKS, SinkSubject, examine, finding
from actors.dataset.sink_thread import SinkThread
from examples.sinks.lines import JsonLines
from schemas.conformance import CheckOutcome
from schemas.sinks import OutgoingShard


@pytest.fixture
def thread() -> Iterator[SinkThread]:
    made = SinkThread("checked")
    yield made
    made.end()


@pytest.mark.parametrize("check", CHECKS)
async def test_the_example_keeps_to_it(check: str, thread: SinkThread, tmp_path: Path) -> None:
    """What a user reads first."""
    found = await finding(check, SinkSubject(lambda: JsonLines(str(tmp_path / "out")), thread))
    assert found.outcome is CheckOutcome.PASSED, found.detail


class Sinking:
    """A sink of one function."""

    def __init__(self, deliver: Callable[[OutgoingShard], Any]) -> None:
        self._deliver = deliver
        self._seen: set[str] = set()

    def deliver(self, shard: OutgoingShard) -> None:
        self._deliver(shard)


class TakesNothingTwice(Sinking):
    def deliver(self, shard: OutgoingShard) -> None:
        if shard.name in self._seen:
            raise FileExistsError(shard.name)
        self._seen.add(shard.name)


class Waits(Sinking):
    async def deliver(self, shard: OutgoingShard) -> None:  # type: ignore[override]
        await asyncio.sleep(0.5)


def appends(shard: OutgoingShard) -> None:
    with open(shard.path, "ab") as file:
        file.write(b"x")


def writes_beside(shard: OutgoingShard) -> None:
    Path(shard.path).with_suffix(".copy").write_bytes(b"x")


@pytest.mark.parametrize(
    ("sink", "check", "says"),
    [
        (Sinking(lambda shard: 1 / 0), "it takes a shard", "it raised ZeroDivisionError"),
        (TakesNothingTwice(print), "it takes a shard again", "given again: it raised FileExistsError"),
        (Sinking(lambda shard: os.remove(shard.path)), "it leaves the shard's file alone", "took away"),
        (Sinking(appends), "it leaves the shard's file alone", "it changed"),
        (Sinking(writes_beside), "it leaves the shard's file alone", "writes into the folder of the shards"),
        (Sinking(lambda shard: None), "it says when it cannot", "whose file does not exist"),
        (Waits(print), "it takes a shard", "within 0.2 s"),
        (Sinking(lambda shard: time.sleep(0.5)), "it takes shards one after another", "within 0.2 s"),
    ],
)
async def test_what_a_check_finds(
    sink: Any, check: str, says: str, thread: SinkThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each by the check that is for it."""
    monkeypatch.setattr(conformance, "LONGEST_S", 0.2 if "0.2" in says else 20.0)
    found = await finding(check, SinkSubject(lambda: sink, thread))
    assert found.outcome is not CheckOutcome.PASSED
    assert says in found.detail


async def test_no_check_raises(thread: SinkThread) -> None:
    """Whatever makes the sink, and whatever it does."""

    def falls() -> Any:
        raise RuntimeError("no")

    found = await examine(SinkSubject(falls, thread))
    assert {each.outcome for each in found} == {CheckOutcome.FAILED}
    assert found[0].detail.startswith("making it raised RuntimeError: no")
