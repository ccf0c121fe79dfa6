"""What a judge is shown: the exact passage, what a search finds, or nothing; and what it does with each."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.gates import faithfulness
from actors.gates.build import build_gate
from actors.gates.evidence import EXACT, EvidenceSource, NoSource, RetrievedSource
from actors.gates.retrieval import Bm25Retriever, EmbeddingRetriever
from actors.tasks import prompts
from schemas.config_engines import CustomEngine
from schemas.config_gates import Classifier, LlmJudge
from schemas.samples import Classification, ClassificationRequest, qa
from schemas.verdicts import FAITHFULNESS, REWARD, Passed, Rejected, Shown
from tests.doubles.passages import HERON, asked_of_gate, passage_of
from tests.doubles.scripted import ScriptedEngine

ENGINE = CustomEngine("tests:none")
OTHERS = ("Silver Comet is a ship. It was launched in 1623.", "Oda Lind endowed a guild of salt merchants in Velmora.")
PASSAGES = [passage_of(text) for text in (OTHERS[0], HERON, OTHERS[1])]
OWN = PASSAGES[1]
REQUEST = asked_of_gate("Who founded Amber Heron?", "Oda Lind")


def bm25(query: str = "question") -> RetrievedSource:
    return RetrievedSource(Bm25Retriever(PASSAGES), k=2, query="question" if query == "question" else "answer")


async def judged(engine: ScriptedEngine, source: EvidenceSource) -> Passed | Rejected:
    found = await build_gate(FAITHFULNESS, LlmJudge(engine=ENGINE), engine, source).check(REQUEST)
    assert isinstance(found, Passed | Rejected)
    return found


def verdict(quote: str) -> str:
    claim = {"claim": "Oda Lind founded it", "supported": True, "quote": quote}
    return json.dumps({"claims": [claim], "score": 0.9})


async def test_the_exact_source_shows_the_samples_own_passage_and_nothing_else() -> None:
    """As ever: one passage, and no word of a search in the verdict."""
    grounds = await EXACT.grounds(REQUEST)
    assert [passage.id for passage in grounds.passages] == [REQUEST.passage.id]
    assert grounds.shown is None


async def test_a_search_says_at_which_place_it_found_the_own_passage() -> None:
    """Searched for by its question, the passage is the first found; by the answer, another says the name too."""
    by_question, by_answer = await bm25().grounds(REQUEST), await bm25("answer").grounds(REQUEST)
    assert by_question.shown == Shown(searched=True, passages=(OWN.id,), rank=1)
    assert by_answer.shown is not None
    assert set(by_answer.shown.passages) == {OWN.id, PASSAGES[2].id}


async def test_a_search_that_misses_says_so() -> None:
    """The own passage is not in the corpus any more: rank is None, which counts as a miss."""
    source = RetrievedSource(Bm25Retriever([PASSAGES[0], PASSAGES[2]]), k=3, query="answer")
    shown = (await source.grounds(REQUEST)).shown
    assert shown == Shown(searched=True, passages=(PASSAGES[2].id,), rank=None)


@pytest.mark.parametrize("query", ["", "zeppelin", "the of and", "?"])
async def test_a_query_without_a_known_word_finds_nothing(query: str) -> None:
    """Rather nothing than passages that have no word in common with what was asked."""
    assert await Bm25Retriever(PASSAGES).best(query, 3) == []
    assert await Bm25Retriever([]).best(query, 3) == []


WORDS = st.lists(st.sampled_from(["salt", "heron", "1623", "oda", "comet", "guild"]), min_size=1, max_size=5)


@settings(deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=8), WORDS, st.integers(1, 4))
async def test_a_search_gives_different_passages_that_share_a_word(
    texts: list[list[str]], query: list[str], k: int
) -> None:
    """Whatever the corpus: at most k, none twice, each with a word of the query, and the same when asked again."""
    passages = [passage_of(f"{' '.join(words)} {number}") for number, words in enumerate(texts)]
    search = Bm25Retriever(passages)
    found = await search.best(" ".join(query), k)
    assert len(found) <= k
    assert len({passage.id for passage in found}) == len(found)
    assert all(set(query) & set(passage.text.split()) for passage in found)
    sharing = sum(bool(set(query) & set(words)) for words in texts)
    assert len(found) == min(k, sharing)
    assert list(await search.best(" ".join(query), k)) == list(found)


async def test_vectors_find_what_points_the_same_way() -> None:
    """Letters counted as vectors: the passage of the same letters comes first, whatever its length."""

    async def letters(texts: Sequence[str]) -> Sequence[Sequence[float]]:
        return [[float(text.count(letter)) for letter in "abc"] for text in texts]

    passages = [passage_of(text) for text in ("aab", "bbcc", "cc", "bccc bccc")]
    search = await EmbeddingRetriever.of(passages, letters)
    assert [passage.text for passage in await search.best("bc", 2)] == ["bbcc", "bccc bccc"]
    assert list(await (await EmbeddingRetriever.of([], letters)).best("bc", 2)) == []


class Believes(ScriptedEngine):
    """A classifier that believes texts with a certain word in the passage."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self._word = word

    async def classify(self, request: ClassificationRequest) -> Classification:
        self.texts.append(request.text)
        good = 0.9 if self._word in request.text else 0.2
        return Classification(request_id=request.id, probabilities=(1 - good, good), prompt_tokens=40)


async def test_a_classifier_reads_passages_one_by_one_and_the_best_counts() -> None:
    """Two passages found, one of which bears the answer out: two readings of one passage each, paid for, and a pass."""
    engine = Believes("guild")
    gate = build_gate(FAITHFULNESS, Classifier(engine=ENGINE), engine, bm25("answer"))
    found = await gate.check(REQUEST)
    assert isinstance(found, Passed)
    assert found.score == 0.9
    assert found.cost.prompt_tokens == 80
    assert [text.count(prompts.PASSAGE_OPEN) for text in engine.texts] == [1, 1]


async def test_a_classifier_without_a_passage_reads_question_and_answer() -> None:
    """Mode none: the text ends with the answer, and the verdict says that nothing was looked for."""
    engine = Believes("guild")
    found = await build_gate(FAITHFULNESS, Classifier(engine=ENGINE), engine, NoSource()).check(REQUEST)
    assert engine.texts == ["Question: Who founded Amber Heron?\nAnswer: Oda Lind"]
    assert isinstance(found, Rejected)
    assert found.evidence.shown == Shown(searched=False)


async def test_the_reward_gate_is_shown_no_passage_in_any_mode() -> None:
    """A source given to it by mistake changes nothing: it never reads one."""
    engine = Believes("guild")
    await build_gate(REWARD, Classifier(engine=ENGINE), engine, bm25()).check(REQUEST)
    assert engine.texts == ["Question: Who founded Amber Heron?\nAnswer: Oda Lind"]


async def test_a_quote_of_another_passage_names_it() -> None:
    """The judge quotes what the search found elsewhere: it counts here, and the verdict says where the words stand."""
    found = await judged(ScriptedEngine(verdict("Oda Lind endowed a guild")), bm25("answer"))
    (claim,) = found.evidence.claims
    assert claim.supported
    assert claim.quote is not None
    assert (claim.quote.passage_id, claim.quote.start) == (PASSAGES[2].id, 0)


async def test_a_quote_of_the_own_passage_is_told_as_ever() -> None:
    """Found by a search or not, words of the sample's own passage need no id."""
    found = await judged(ScriptedEngine(verdict("Its founder was Oda Lind.")), bm25("answer"))
    quote = found.evidence.claims[0].quote
    assert quote is not None
    assert quote.passage_id is None


async def test_a_judge_without_a_passage_has_nothing_to_quote_and_is_believed() -> None:
    """Mode none: another instruction, no passage, and the judge's word alone."""
    engine = ScriptedEngine(verdict(""))
    found = await judged(engine, NoSource())
    assert isinstance(found, Passed)
    system, user = engine.generations[0].messages
    assert system.content == faithfulness.ALONE
    assert "Passage:" not in user.content


async def test_each_passage_has_a_fence_of_its_own() -> None:
    """Several passages in one prompt: as many fences, and an instruction that speaks of several."""
    engine = ScriptedEngine(verdict(""))
    await judged(engine, bm25("answer"))
    system, user = engine.generations[0].messages
    assert user.content.count(f"Passage: {prompts.PASSAGE_OPEN}") == 2
    assert user.content.count(prompts.PASSAGE_OPEN) == 4  # question and answer have their own
    assert system.content == faithfulness.SEVERAL != faithfulness.SYSTEM


def test_one_passage_reads_as_it_was_learnt() -> None:
    """The judges were trained on these very words: several passages are the same words repeated."""
    one = prompts.judged(HERON, qa("q?", "a"))
    assert one == f"Question: q?\nAnswer: a\n{prompts.fenced(HERON)}" == prompts.judged_by([HERON], qa("q?", "a"))
