"""`gleaner models`: each role by itself, what it is and what it says, before anything is paid for."""

import json
from itertools import count
from pathlib import Path
from unittest.mock import AsyncMock

import pytest
from typer.testing import CliRunner, Result

from actors.text.vectors import packed
from deployments.cli import app
from deployments.config.load import load
from deployments.local.roles import BATCH, look_at
from deployments.terminal.preview import first_passages, preview_lives
from schemas.role_cards import SystemTurn
from schemas.samples import Cost
from schemas.vectors import Embedded, EmbeddingRequest, Vector

ROOT = Path(__file__).parents[3]
PARAGRAPH = "The harbour of Town {number} was founded in 11{year}. It holds {year} ships."


def configured(folder: Path, *, generator: str = "{}", judge: str = "tests.doubles.engines:instant") -> Path:
    """Six documents and engines that answer at once, by these options and this factory."""
    docs = folder / "docs"
    docs.mkdir()
    for number in range(6):
        (docs / f"{number}.txt").write_text(PARAGRAPH.format(number=number, year=number + 10))
    path = folder / "run.yaml"
    writes = f'{{kind: custom, factory: "tests.doubles.engines:instant", options: {generator}}}'
    path.write_text(
        "corpus: {paths: [./docs]}\n"
        "task: {kind: grounded_answer}\n"
        f"pools: {{generator: {{engine: {writes}}}}}\n"
        f'gates: {{faithfulness: {{form: classifier, engine: {{kind: custom, factory: "{judge}"}}}},\n'
        "  short: {form: rule, check: 'words(answer) <= 80'}}\n"
    )
    return path


class Halves:
    """Each vector stands at right angles to the one before it."""

    def __init__(self) -> None:
        self._asked = count()

    async def embed(self, request: EmbeddingRequest) -> Embedded:
        first = next(self._asked) % 2
        return Embedded(Vector("halves", packed((first, 1 - first))), Cost(prompt_tokens=3))


def gleaner(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_each_role_with_a_call_of_its_own(tmp_path: Path) -> None:
    """A pool is asked the task's prompt, a judge about the draft that came of it; a rule has no model to look at."""
    result = gleaner("models", configured(tmp_path), "--json")
    assert result.exit_code == 0, result.stderr
    generator, judge = json.loads(result.stdout)["roles"]
    assert [generator["what"], judge["what"]] == ["pool", "gate, faithfulness by classifier, positive_label 1"]
    asked = generator["sample"]["asked"]
    assert [message["role"] for message in asked] == ["system", "user"] and "Passage: <<<" in asked[1]["content"]
    written = generator["sample"]["came_to"].removeprefix("Question: ").split("; Answer: ")
    assert all(text in judge["sample"]["asked"][0]["content"] for text in written)
    assert judge["sample"]["came_to"].startswith("passed: 0.9")
    for card in (generator, judge):
        assert (card["batch"]["calls"], card["batch"]["failed"]) == (BATCH, 0)
        assert card["facts"] == {"slots": 64}
    assert generator["batch"]["completion_tokens"] == 24 * BATCH


def test_a_role_that_fails_does_not_hide_the_others(tmp_path: Path) -> None:
    """The judge's code is missing: its line says so, the generator is shown, and a script sees exit code 2."""
    result = gleaner("models", configured(tmp_path, judge="no.such:engine"))
    assert result.exit_code == 2
    told = " ".join(result.stdout.split())
    assert "speed 16 calls at once" in told
    assert "failed engine factory 'no.such:engine' cannot be imported" in told
    assert "Traceback" not in result.output


def test_calls_that_fail(tmp_path: Path) -> None:
    """An engine that starts and answers nothing: why stands in its card, and the judge is asked about a stand-in."""
    result = gleaner("models", configured(tmp_path, generator="{failing: 1.0}"), "--json")
    assert result.exit_code == 2
    generator, judge = json.loads(result.stdout)["roles"]
    assert "sample" not in generator and generator["error"]
    assert "The harbour of Town" in judge["sample"]["asked"][0]["content"] and "error" not in judge


def test_a_malformed_completion_is_shown_as_it_is(tmp_path: Path) -> None:
    """The commonest surprise: the model does not write in the form that the task reads."""
    told = json.loads(gleaner("models", configured(tmp_path, generator="{malformed: 1.0}"), "--json").stdout)
    assert told["roles"][0]["sample"]["came_to"].startswith("malformed: ")


def test_a_gate_that_shares_a_pool(tmp_path: Path) -> None:
    """It is asked its own question; the model is the pool's."""
    path = configured(tmp_path)
    text = path.read_text()
    gates = text[text.index("gates: ") :]
    path.write_text(text.replace(gates, "gates: {reward: {form: llm, engine: {pool: generator}}}\n"))
    _, card = json.loads(gleaner("models", path, "--json").stdout)["roles"]
    assert card["what"] == "gate, reward by llm, answered by the pool generator"
    assert (card["engine"], card["batch"]["failed"]) == ("custom", 0)
    assert "Dimensions: well_formed" in card["sample"]["asked"][0]["content"]
    assert card["sample"]["came_to"] == "passed: 0.900, the threshold is 0.5"


def test_a_judge_by_likelihood_whose_engine_does_not_score(tmp_path: Path) -> None:
    """An engine of one's own without `score`: said in the judge's card."""
    path = configured(tmp_path)
    text = path.read_text()
    engine = '{kind: custom, factory: "examples.engines.table:TableEngine", options: {table: t.json}}'
    (tmp_path / "t.json").write_text('{"": "Question: Who? Answer: Nobody."}')
    engine = engine.replace("t.json", str(tmp_path / "t.json"))
    gates = text[text.index("gates: ") :]
    path.write_text(text.replace(gates, f"gates: {{faithfulness: {{form: likelihood, engine: {engine}}}}}\n"))
    result = gleaner("models", path, "--json")
    card = json.loads(result.stdout)["roles"][1]
    assert result.exit_code == 2 and "no score(request)" in card["error"]


async def test_the_embedder_is_a_role_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked about the pools' drafts, by what near-duplicates are found by; its card says how near two come."""
    path = configured(tmp_path)
    path.write_text(
        path.read_text() + "judging: {embedder: {engine: {kind: transformers, model: none}, similarity: 0.8}}\n"
    )
    monkeypatch.setattr("deployments.local.roles.local_embedder", AsyncMock(return_value=Halves()))
    config = load(path)
    passages = first_passages(config, BATCH).passages
    pool, _, card = [card async for card in look_at(config, passages, None, clock=lambda: 0.0)]
    assert pool.sample is not None and card.sample is not None and card.batch is not None
    assert (card.role, card.what, card.model, card.error) == ("embedder", "embedder", "none", None)
    question, answer = card.sample.asked[0].content.split("\n")
    assert question in pool.sample.came_to and answer in pool.sample.came_to
    assert card.sample.said == "a vector of 2 numbers"
    assert card.sample.came_to == "cosine 0.000 with another draft; near-duplicates from 0.8"
    assert (card.batch.calls, card.batch.failed, card.batch.prompt_tokens) == (BATCH, 0, 3 * BATCH)


def test_one_role_by_its_name(tmp_path: Path) -> None:
    """A name that is none is one line with those that are."""
    path = configured(tmp_path)
    roles = json.loads(gleaner("models", path, "--role", "faithfulness", "--json").stdout)["roles"]
    assert [card["role"] for card in roles] == ["faithfulness"]
    wrong = gleaner("models", path, "--role", "short")
    assert wrong.exit_code == 2
    assert "has this name; there are generator, faithfulness (docs/" in wrong.stderr.splitlines()[-1]


@pytest.mark.slow
async def test_the_quickstarts_models() -> None:
    """What ships here, looked at for real; the prompt that is shown is the one that a preview sends."""
    config = load(ROOT / "examples" / "quickstart.yaml")
    passages = first_passages(config, 1).passages
    cards = {card.role: card async for card in look_at(config, passages, None, clock=lambda: 0.0)}
    assert [card.error for card in cards.values()] == [None, None, None]
    known = cards["generator"].facts
    assert (known.context, known.slots, known.turn_ends) == (512, 64, ("<|end|>",))
    assert known.template == "<|user|>{user}<|end|><|assistant|>" and known.system_turn is SystemTurn.LEFT_OUT
    assert cards["faithfulness"].facts.labels == ("unfaithful", "faithful")
    sample, batch = cards["generator"].sample, cards["generator"].batch
    (life,) = await preview_lives(config, samples=1)
    candidate = life.attempts[0].candidate
    assert candidate is not None and sample is not None and batch is not None
    assert (sample.asked, sample.said) == (candidate.prompt, candidate.text)
    assert batch.failed == 0 and batch.completion_tokens > BATCH
