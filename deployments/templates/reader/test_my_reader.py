"""Holds my_reader to what every reader must keep to: `python -m pytest test_my_reader.py`."""

import asyncio
from pathlib import Path

import pytest
from my_reader import read

from actors.corpus.conformance import CHECKS, ReaderSubject, finding
from schemas.config import Corpus
from schemas.conformance import CheckOutcome

SAMPLE = Path(__file__).with_name("sample.my_reader")


@pytest.mark.parametrize("check", CHECKS)
def test_it_keeps_to_what_a_reader_must(check: str) -> None:
    """`gleaner check my_reader:read --sample sample.my_reader` shows the same."""
    subject = ReaderSubject(read, SAMPLE.name, SAMPLE.read_bytes(), Corpus(paths=(".",)))
    found = asyncio.run(finding(check, subject))
    assert found.outcome is not CheckOutcome.FAILED, found.detail
