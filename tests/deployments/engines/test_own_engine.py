"""The example of docs/engines.md, as a replica has it: made of its section, started, asked, and left."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec.structs import replace

import gleaner
from actors.protocols import Engine
from deployments.config.load import load, load_text
from deployments.engines.build import build_engine
from deployments.engines.roles import EngineRole
from deployments.serve.replica import Health, answer_each
from schemas.config import Corpus, CustomEngine
from schemas.errors import EngineError, ErrorKind, Failure, ModelError
from schemas.samples import ClassificationRequest, Completion, FinishReason, GenerationRequest, Message, Sampling
from tests.oracle.worlds import GROUNDED

ROOT = Path(__file__).parents[3]
SAID = "Question: Who founded Velmora?\nAnswer: Oda Lind founded it."


def configured(table: Path) -> CustomEngine:
    return CustomEngine(factory="examples.engines.table:TableEngine", options={"table": str(table)})


def asked(content: str, *, max_tokens: int = 64) -> GenerationRequest:
    return GenerationRequest(content, (Message("user", content),), Sampling(max_tokens=max_tokens))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "answers.json"
    path.write_text(json.dumps({"Velmora": SAID}))
    return path


@pytest_asyncio.fixture
async def engine(table: Path) -> AsyncIterator[Engine]:
    made = build_engine(configured(table), EngineRole.GENERATOR)
    await made.start()
    await made.check()
    yield made
    await made.close()


async def test_it_says_what_was_written(engine: Engine) -> None:
    """One completion with the request's id, and its tokens counted."""
    found = await engine.generate(asked("Velmora lies on the Ash."))
    assert found == Completion("Velmora lies on the Ash.", SAID, FinishReason.STOP, 5, 8)


async def test_the_token_limit(engine: Engine) -> None:
    """As our own engines: a completion that was cut off says so."""
    found = await engine.generate(asked("Velmora", max_tokens=2))
    assert (found.text, found.finish, found.completion_tokens) == ("Question: Who", FinishReason.LENGTH, 2)


async def test_it_is_no_classifier(engine: Engine) -> None:
    """As our own engines: a configuration that mixes the roles up is refused for good."""
    with pytest.raises(EngineError) as raised:
        await engine.classify(ClassificationRequest("c", "text"))
    assert raised.value.kind is ErrorKind.PERMANENT


async def test_one_failure_is_one_reply(engine: Engine) -> None:
    """In a replica's batch the others are answered: the error's kind is what travels."""
    health = Health(engine, stall_s=60)
    batches = answer_each([asked("Velmora"), asked("Atlantis")], engine.generate, health)
    replies = {reply.request_id: reply async for batch in batches for reply in batch}
    assert isinstance(replies["Velmora"], Completion)
    failed = replies["Atlantis"]
    assert isinstance(failed, Failure) and failed.kind is ErrorKind.PERMANENT
    await health.check()


@pytest.mark.parametrize("text", [None, "no JSON", '{"Velmora": 1}'])
async def test_a_table_that_cannot_be_read_ends_the_start(tmp_path: Path, text: str | None) -> None:
    """In one line, before any order is made."""
    path = tmp_path / "bad.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ModelError, match="is no table of answers"):
        await build_engine(configured(path), EngineRole.GENERATOR).start()


async def test_a_run_of_it(table: Path, tmp_path: Path) -> None:
    """From the page's section to judged samples."""
    page = (ROOT / "docs" / "engines.md").read_text(encoding="utf-8")
    section = page.split("```yaml\n", 1)[1].split("```", 1)[0]
    pools = load_text(GROUNDED[: GROUNDED.index("pools:")] + section + GROUNDED[GROUNDED.index("gates:") :]).pools
    assert pools["generator"].engine == configured(Path("answers.json"))
    (tmp_path / "corpus.jsonl").write_text(json.dumps({"id": "d", "text": "Velmora was founded by Oda Lind. " * 8}))
    config = replace(
        load(ROOT / "examples" / "summaries.yaml"),
        corpus=Corpus(paths=(str(tmp_path / "corpus.jsonl"),)),
        pools={"generator": replace(pools["generator"], engine=configured(table))},
    )
    (life,) = await gleaner.preview(config, samples=1)
    candidate = life.attempts[0].candidate
    assert candidate is not None and candidate.draft is not None
    assert candidate.draft.fields["summary"] == SAID
