"""examples/openai.yaml, loaded as a run loads it, against a server with the limits that OpenAI's gpt-5 has."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from deployments.config.load import load
from deployments.terminal.preview import preview_lives
from schemas.config import RunConfig
from tests.doubles.openai_manners import OPENAI, SGLANG
from tests.doubles.openai_servers import Server, serving

EXAMPLE = Path("examples/openai.yaml")
SAMPLES = 6


def words(body: dict[str, Any]) -> str:
    """What the models say: a pair from the passage, a verdict with its quote, a mark for each dimension."""
    schema = body["response_format"]["json_schema"]["schema"]
    asked = body["messages"][-1]["content"]
    if "answer" in schema["properties"]:
        year = re.search(r"lit in (\d+)", asked)
        return json.dumps({"question": f"When was lamp {year and year[1]} lit?", "answer": f"In {year and year[1]}."})
    if "claims" in schema["properties"]:
        quote = re.search(r"The lamp of Tower \d+ was lit in \d+\.", asked)
        claim = {"claim": "It was lit.", "supported": True, "quote": quote and quote[0]}
        return json.dumps({"claims": [claim], "score": 1.0})
    return json.dumps(dict.fromkeys(schema["properties"], 10))


def strict(schema: dict[str, Any]) -> bool:
    """OpenAI's rule for a strict schema: every object is closed and requires all that it names."""
    closed = schema.get("type") != "object" or (
        schema.get("additionalProperties") is False and set(schema["required"]) == set(schema["properties"])
    )
    below = [*schema.get("properties", {}).values(), schema.get("items", {})]
    return closed and all(strict(each) for each in below if isinstance(each, dict) and each)


def swapped(folder: Path, openai: Server, local: Server) -> RunConfig:
    """The example with the two servers' addresses, and a few documents of its own."""
    (folder / "documents").mkdir()
    for number in range(SAMPLES):
        (folder / "documents" / f"{number}.txt").write_text(f"The lamp of Tower {number} was lit in {1800 + number}.")
    text = EXAMPLE.read_text(encoding="utf-8")
    for address, server in (("https://api.openai.com/v1", openai), ("http://127.0.0.1:8000/v1", local)):
        assert address in text
        text = text.replace(address, server.url)
    (folder / "run.yaml").write_text(text, encoding="utf-8")
    return load(folder / "run.yaml")


async def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who copies the example gets samples: no parameter is refused, by the generator or the judge."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-a-test-0123456789")
    local_models = (200, {"data": [{"id": "Qwen/Qwen3-32B"}]})
    async with serving(OPENAI) as openai, serving(replace(SGLANG, models=local_models)) as local:
        openai.says = local.says = words
        config = swapped(tmp_path, openai, local)
        lives = await preview_lives(config, samples=SAMPLES)
    assert [life.end for life in lives if life.end is not None] == []
    assert len(lives) == SAMPLES
    sent = openai.bodies
    assert {body["model"] for body in sent} == {"gpt-5", "gpt-5-mini"}
    assert all(body["max_completion_tokens"] >= 4000 for body in sent)
    assert all(strict(body["response_format"]["json_schema"]["schema"]) for body in sent)
    assert {request.headers["Authorization"] for request in openai.requests} == {"Bearer sk-of-a-test-0123456789"}
