"""Holds my_repair to what every repair must keep to: `python -m pytest test_my_repair.py`. No model is asked."""

import asyncio

import pytest
from my_repair import my_repair

from actors.recovery.conformance import CHECKS, RepairSubject, finding
from schemas.conformance import CheckOutcome


@pytest.mark.parametrize("check", CHECKS)
def test_it_keeps_to_what_a_repair_must(check: str) -> None:
    """`gleaner check my_repair --config my_repair.yaml` shows the same."""
    found = asyncio.run(finding(check, RepairSubject(my_repair)))
    assert found.outcome is not CheckOutcome.FAILED, found.detail
