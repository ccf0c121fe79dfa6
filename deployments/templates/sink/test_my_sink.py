"""Holds my_sink to what every sink must keep to: `python -m pytest test_my_sink.py`."""

import asyncio
from pathlib import Path

import pytest
from my_sink import MySink

from actors.dataset.conformance import CHECKS, SinkSubject, finding
from actors.dataset.sink_thread import SinkThread
from schemas.conformance import CheckOutcome


@pytest.mark.parametrize("check", CHECKS)
def test_it_keeps_to_what_a_sink_must(check: str, tmp_path: Path) -> None:
    """`gleaner check my_sink --config my_sink.yaml` shows the same."""
    thread = SinkThread("checked")
    try:
        found = asyncio.run(finding(check, SinkSubject(lambda: MySink(str(tmp_path)), thread)))
    finally:
        thread.end()
    assert found.outcome is not CheckOutcome.FAILED, found.detail
