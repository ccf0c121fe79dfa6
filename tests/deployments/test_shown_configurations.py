"""The configurations that README, docs and examples show for models from the Hub, each against its model's kind.

Real weights of these cannot be had here. What can be wrong all the same is found: a template that refuses a turn, a
thinking model whose thoughts take the whole limit, a prompt whose answer is not read.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployments.config.load import load
from deployments.terminal.preview import preview_lives
from tests.doubles import tiny_models
from tests.doubles.served_kinds import PLAIN, QWEN3, serving

SAMPLES = 3
KINDS = {"Qwen/Qwen3-8B": QWEN3, "Qwen/Qwen3-32B": QWEN3, "judge": QWEN3, "Qwen/Qwen2.5-Math-1.5B-Instruct": PLAIN}
"""`judge` is README's name for a server's model; docs/models.md serves Qwen3-32B by it."""
SHOWN = (
    "README.md",
    "docs/tasks/prompted.md",
    "examples/cluster-4x8.yaml",
    "examples/cluster-8b-32b.yaml",
    "examples/math.yaml",
    "examples/summaries.yaml",
)
ELSEWHERE = {"examples/openai.yaml"}
"""Has servers of two kinds, and a test of its own."""
REST = "Each evening a keeper wrote into a book how much oil it took, and two of them stayed awake while a storm blew."
PROBLEMS = [json.loads(line) for line in Path("examples/math/problems.jsonl").read_text(encoding="utf-8").splitlines()]


def whole_run(file: str) -> dict[str, Any]:
    """The file's run; of a page, the first YAML in it that is a whole one."""
    text = Path(file).read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if file.endswith(".md") else [text]
    return yaml.safe_load(next(block for block in blocks if "corpus:" in block and "pools:" in block))


def engines(config: object) -> Iterator[dict[str, Any]]:
    """Every engine of a run as it is written."""
    if isinstance(config, dict):
        if "model" in config and "kind" in config:
            yield config
        for value in config.values():
            yield from engines(value)


def from_hub(config: dict[str, Any]) -> set[str]:
    return {engine["model"] for engine in engines(config) if not engine["model"].startswith(".")}


def says(body: dict[str, Any]) -> str:
    """What a good model would say to the prompts of the shown tasks and judges."""
    asked = body["messages"][-1]["content"]
    for problem in PROBLEMS:
        if problem["question"] in asked:
            return problem["answer"]
    sentence = re.search(r"The lamp of Tower \d+ was lit in (\d+)\.", asked)
    assert sentence is not None, asked
    pair = {"question": "When was the lamp of the tower lit?", "answer": f"In {sentence[1]}."}
    claims = {"claims": [{"claim": "It was lit.", "supported": True, "quote": sentence[0]}], "score": 1.0}
    if "Summarise the passage in one sentence" in asked:
        return sentence[0]
    if "Title:" in asked:
        return f"Title: A tower's lamp\nSummary: {sentence[0]}"
    if "claim" in asked:
        return json.dumps(claims)
    return json.dumps(pair) if "response_format" in body else "Question: {question}\nAnswer: {answer}".format(**pair)


def on_this_machine(config: dict[str, Any], folder: Path, url: str) -> dict[str, Any]:
    """The same run with a server in place of weights, a tiny classifier in place of a large one, small documents."""
    if config["task"]["kind"] != "math":
        for number in range(SAMPLES):
            (folder / f"{number}.txt").write_text(f"The lamp of Tower {number} was lit in {1800 + number}. {REST}")
        config["corpus"] = {"paths": ["."], "include": ["*.txt"]}
    else:
        config["corpus"]["paths"] = [str(Path("examples/math/problems.jsonl").absolute())]
    for gate in config["gates"].values():
        if gate.get("form") == "classifier":
            classifier = tiny_models.save_classifier(folder / "classifier", labels=1)
            gate["engine"] = {"kind": "transformers", "model": str(classifier), "dtype": "float32"}
            gate["threshold"] = 0.0
    for engine in engines(config):
        if engine["kind"] == "transformers":
            continue
        said = {name: engine[name] for name in ("chat_template_kwargs", "system_role") if name in engine}
        replaced = {"kind": "http", "base_url": url, "model": engine["model"], **said}
        engine.clear()
        engine.update(replaced)
    config.pop("ray_address", None)
    return config


@pytest.mark.parametrize("file", SHOWN)
async def test_it_gives_samples(tmp_path: Path, file: str) -> None:
    """Who copies it gets a sample of each passage, and no reply is cut off by the model's thoughts."""
    config = whole_run(file)
    async with serving(KINDS, says) as server:
        (tmp_path / "run.yaml").write_text(yaml.safe_dump(on_this_machine(config, tmp_path, server.url)))
        lives = await preview_lives(load(tmp_path / "run.yaml"), samples=SAMPLES)
    assert (server.cut, len(lives)) == (0, SAMPLES)
    assert server.answered >= SAMPLES
    assert [life.end for life in lives if life.end is not None] == []


def test_none_is_left_out() -> None:
    """An example for a model from the Hub, or a server's model of its name, is in one of the tests."""
    named = {
        str(path)
        for path in Path("examples").glob("*.yaml")
        if any("/" in model for model in from_hub(yaml.safe_load(path.read_text(encoding="utf-8"))))
    }
    assert named == {file for file in SHOWN if file.startswith("examples/")} | ELSEWHERE
