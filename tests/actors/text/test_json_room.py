"""Every JSON schema that is sent to an engine: what a reply of it may come to at most, against its token limit."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from actors.gates import faithfulness, reward
from actors.gates.evidence import EXACT
from actors.probes import spoiler
from actors.tasks.grounded_answer import GroundedAnswerTask
from actors.text.json_room import NUMBER, shared, whole_words
from schemas.config import GroundedAnswer, SamplingDefaults
from schemas.config_engines import CustomEngine
from schemas.config_gates import LlmJudge
from schemas.recovery import Repair, Repairs
from schemas.samples import GenerationRequest
from tests.doubles.asking import request_of
from tests.doubles.passages import asked_of_gate, lease_of, shared_lease
from tests.doubles.scripted import ScriptedEngine

LIMITS = (120, 256, 512, 4000)
JUDGED = asked_of_gate("Who founded Amber Heron?", "Oda Lind")


def longest(schema: dict[str, Any]) -> int:
    """Characters of the longest reply, told from the schema alone. Raises KeyError for what has no bound."""
    match schema["type"]:
        case "object":
            assert schema["additionalProperties"] is False
            fields = schema["properties"].items()
            return 2 + sum(len(json.dumps(name)) + len(": , ") - 1 + longest(field) for name, field in fields)
        case "array":
            return 2 + schema["maxItems"] * (longest(schema["items"]) + len(", "))
        case "string":
            return 2 + schema["maxLength"]
        case "integer":
            return len(str(schema["maximum"]))
        case "number":
            return NUMBER
        case "boolean":
            return len("false")
        case other:
            raise KeyError(other)


def drafts(max_tokens: int) -> Iterator[GenerationRequest]:
    task = GroundedAnswerTask(GroundedAnswer(output="json", sampling=SamplingDefaults(max_tokens=max_tokens)))
    for repair in (None, Repair(Repairs.QUOTE_THEN_ANSWER, 0.2), Repair(Repairs.STRICT_GROUNDING, 0.2)):
        yield request_of(task, lease_of(attempt=1 if repair is None else 2, repair=repair))
    config = GroundedAnswer(output="json", samples_per_call=4, sampling=SamplingDefaults(max_tokens=max_tokens))
    yield request_of(GroundedAnswerTask(config), shared_lease(4))


async def verdicts(max_tokens: int) -> list[GenerationRequest]:
    config = LlmJudge(engine=CustomEngine("tests:none"), max_tokens=max_tokens)
    claim = {"claim": "c", "supported": True, "quote": ""}
    judge = ScriptedEngine(json.dumps({"claims": [claim], "score": 1}))
    rater = ScriptedEngine(json.dumps(dict.fromkeys(config.dimensions, 9)))
    await faithfulness.LlmFaithfulness(config, judge, EXACT).check(JUDGED)
    await reward.LlmReward(config, rater).check(JUDGED)
    several = replace(config, drafts_per_call=2)
    verdicts = [{"draft": at, "claims": [claim], "score": 1, **dict.fromkeys(config.dimensions, 9)} for at in (1, 2)]
    both = ScriptedEngine(*[json.dumps({"verdicts": verdicts})] * 2)
    for gate in (faithfulness.LlmFaithfulness(several, both, EXACT), reward.LlmReward(several, both)):
        await asyncio.gather(gate.check(JUDGED), gate.check(JUDGED))
    return [*judge.generations, *rater.generations, *both.generations]


@pytest.mark.parametrize("max_tokens", LIMITS)
def test_every_schema_fits_the_limit_of_its_request(max_tokens: int) -> None:
    """Drafts, verdicts, ratings: each text has a bound, and the longest reply is at most three characters a token."""
    requests = [*drafts(max_tokens), *asyncio.run(verdicts(max_tokens))]
    assert len(requests) == 8
    for request in requests:
        assert request.json_schema is not None
        assert longest(json.loads(request.json_schema)) <= 3 * request.sampling.max_tokens


def test_the_verifier_of_probes_fits_too() -> None:
    """It says true or false."""
    assert longest(json.loads(spoiler.SCHEMA)) <= 3 * spoiler.VERDICT_TOKENS


def test_the_room_is_shared_by_weight_and_never_none() -> None:
    """A limit that holds nothing still lets a word be said: the reply is cut off, and told so."""
    assert shared(100, frame=50, weights={"a": 2, "b": 3}) == {"a": 100, "b": 150}
    assert shared(1, frame=50, weights={"a": 2, "b": 3}) == {"a": 16, "b": 16}


def test_only_a_text_as_long_as_it_may_be_loses_its_last_word() -> None:
    """One word alone stays."""
    assert whole_words("by Oda Li", most=9) == "by Oda"
    assert whole_words("by Oda Li", most=10) == "by Oda Li"
    assert whole_words("abc", most=3) == "abc"
