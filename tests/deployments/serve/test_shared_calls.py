"""Drafts of one passage in one message to a gate's replica share a call of its judge."""

import json

from msgspec.structs import replace

from actors.gates.build import build_gate
from deployments.serve.replica import Health, answer_each
from schemas.config_engines import CustomEngine
from schemas.config_gates import LlmJudge
from schemas.verdicts import FAITHFULNESS, Passed
from tests.doubles.passages import asked_of_gate
from tests.doubles.scripted import ScriptedEngine


async def test_a_message_of_several_drafts_is_one_call() -> None:
    """A replica answers each request in a task of its own; they still meet, and their replies leave together."""
    verdict = {
        "claims": [{"claim": "Oda Lind founded it", "supported": True, "quote": "Its founder was Oda Lind."}],
        "score": 1,
    }
    engine = ScriptedEngine(json.dumps({"verdicts": [{"draft": at, **verdict} for at in (1, 2, 3)]}))
    gate = build_gate(FAITHFULNESS, LlmJudge(engine=CustomEngine("tests:none"), drafts_per_call=3), engine)
    asked = asked_of_gate("Who founded Amber Heron?", "Oda Lind founded it")
    requests = [replace(asked, id=f"order{at}:1") for at in range(3)]
    messages = [replies async for replies in answer_each(requests, gate.check, Health(engine, 60))]
    assert len(engine.generations) == 1 and len(messages) == 1
    assert all(isinstance(said, Passed) for said in messages[0])
