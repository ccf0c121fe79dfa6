"""What a gate's replica builds when it starts: all passages of the corpus, and the search that was asked for."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from actors.corpus.chunker import Chunker
from actors.corpus.reader import read
from actors.gates.evidence import EXACT, NoSource
from deployments.build.evidence import all_passages, open_source
from deployments.config.load import load_text
from deployments.local.gates import local_gate, names
from schemas.config import Chunking, Corpus
from schemas.config_engines import TransformersEngine
from schemas.config_gates import Exact, Provenance, Retrieved, Unseen
from schemas.corpus import Document
from schemas.errors import ConfigError, ModelError
from schemas.samples import answered
from schemas.verdicts import REWARD, GateRequest, Passed, Rejected, Shown
from tests.doubles.tiny_models import save_generator

TEXTS = (
    "Amber Heron lies on the Ister. " * 6,
    "Silver Comet was launched in 1623. It carries salt.",
    "",
    "The Deep Guild meets in Velmora.",
)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """Three documents that can be read, one of which is cut, and one that is refused."""
    path = tmp_path / "corpus.jsonl"
    lines = (json.dumps({"id": f"d{number}", "text": text}) for number, text in enumerate(TEXTS))
    path.write_text("\n".join(lines))
    return Corpus(paths=(str(path),), chunking=Chunking(max_tokens=24))


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


def test_the_index_holds_the_passages_that_the_run_plans(corpus: Corpus) -> None:
    """The same reader and the same chunker: the same passages under the same ids, in the corpus's order."""
    chunker = Chunker(corpus.chunking)
    planned = [passage for found in read(corpus) if isinstance(found, Document) for passage in chunker.passages(found)]
    assert all_passages(corpus, limit=len(planned)) == planned
    assert len(planned) > 3


def test_a_corpus_over_the_bound_is_refused(corpus: Corpus) -> None:
    """Better one line at the start than a replica without memory later."""
    with pytest.raises(
        ConfigError, match=r"faithfulness\.provenance\.max_passages: the corpus has more than 2 passages"
    ):
        all_passages(corpus, limit=2)


async def test_the_other_modes_open_nothing(stack: AsyncExitStack) -> None:
    """Exact and none never touch the corpus: it need not even be readable where the gate runs."""
    nowhere = Corpus(paths=("/does/not/exist",))
    assert await open_source(stack, Exact(), nowhere) is EXACT
    assert isinstance(await open_source(stack, Unseen(), nowhere), NoSource)


async def shown(stack: AsyncExitStack, provenance: Provenance, corpus: Corpus, question: str) -> Shown:
    source = await open_source(stack, provenance, corpus)
    passage = next(passage for passage in all_passages(corpus, 100) if "Comet" in passage.text)
    found = (await source.grounds(GateRequest("r", passage, answered(question, "salt")))).shown
    assert found is not None
    return found


async def test_bm25_finds_what_was_asked_about(stack: AsyncExitStack, corpus: Corpus) -> None:
    """By words of the question: the passage itself comes first."""
    found = await shown(stack, Retrieved(k=2), corpus, "What does the Silver Comet carry?")
    assert found.rank == 1


@pytest.mark.parametrize(
    ("provenance", "rank"),
    [("{mode: exact}", "unsearched"), ("{mode: none}", None), ("{mode: retrieved, k: 1}", 1)],
)
async def test_previews_and_audits_show_the_faithfulness_gate_what_the_run_would(
    provenance: str, rank: object, stack: AsyncExitStack, corpus: Corpus
) -> None:
    """In this process as in a replica: the mode decides for the faithfulness gate, and for no other."""
    engine = '{kind: custom, factory: "tests.doubles.engines:instant"}'
    judge = f"{{form: classifier, engine: {engine}}}"
    config = load_text(
        f"corpus: {{paths: [{corpus.paths[0]}], chunking: {{max_tokens: 24}}}}\n"
        "task: {kind: grounded_answer}\n"
        f"pools: {{generator: {{engine: {engine}}}}}\n"
        f"gates: {{faithfulness: {judge}, reward: {judge}, provenance: {provenance}}}\n"
    )
    passage = next(passage for passage in all_passages(corpus, 100) if "Comet" in passage.text)
    request = GateRequest("r", passage, answered("What does the Silver Comet carry?", "salt"))
    for name in names(config):
        verdict = await (await local_gate(stack, config, name)).check(request)
        assert isinstance(verdict, Passed | Rejected)
        found = verdict.evidence.shown
        if name == REWARD or rank == "unsearched":
            assert found is None
        else:
            assert found is not None
            assert (found.searched, found.rank) == (rank is not None, rank)


@pytest.mark.slow
async def test_an_encoder_of_ones_own_finds_too(stack: AsyncExitStack, corpus: Corpus, tmp_path: Path) -> None:
    """A real (tiny) model's hidden states: asked with a passage's own words, the passage is nearest."""
    encoder = TransformersEngine(model=str(save_generator(tmp_path / "m")), dtype="float32")
    by_vectors = Retrieved(retriever="embedding", k=2, encoder=encoder)
    found = await shown(stack, by_vectors, corpus, "Silver Comet was launched in 1623. It carries salt.")
    assert (found.rank, len(found.passages)) == (1, 2)


async def test_an_encoder_that_is_not_there_is_told(stack: AsyncExitStack, corpus: Corpus, tmp_path: Path) -> None:
    """One line, as for any model."""
    nothing = Retrieved(retriever="embedding", encoder=TransformersEngine(model=str(tmp_path)))
    with pytest.raises(ModelError, match="no tokenizer"):
        await open_source(stack, nothing, corpus)
