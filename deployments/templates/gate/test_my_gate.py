"""Holds my_gate to what every gate must keep to: `python -m pytest test_my_gate.py`. No model is asked."""

import asyncio

import pytest
from my_gate import check as my_gate

from actors.gates.conformance import CHECKS, Subject, finding
from actors.gates.own import FunctionGate, OwnSettings
from schemas.conformance import CheckOutcome
from schemas.ids import PoolName
from schemas.samples import Completion, FinishReason, GenerationRequest
from schemas.verdicts import GateName


async def no_model(pool: PoolName, request: GenerationRequest) -> Completion:
    """What the gate hears if it asks a pool."""
    return Completion(request.id, "7", FinishReason.STOP, prompt_tokens=1, completion_tokens=1)


@pytest.mark.parametrize("name", CHECKS)
def test_it_keeps_to_what_a_gate_must(name: str) -> None:
    """`gleaner check my_gate:check` shows the same."""
    gate = FunctionGate(OwnSettings(GateName("my_gate")), my_gate, {})
    found = asyncio.run(finding(name, Subject(gate, no_model)))
    assert found.outcome is not CheckOutcome.FAILED, found.detail
