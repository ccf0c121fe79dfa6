"""The classifier form over pairs: what is read against what, and which of the probabilities counts."""

import pytest
from msgspec.structs import replace

from actors.gates.build import build_gate
from actors.gates.evidence import EXACT, Grounds
from actors.gates.pairs import KEPT, MOST_SENTENCES
from schemas.config_engines import CustomEngine
from schemas.config_gates import Classifier
from schemas.errors import ErrorKind, JudgeError
from schemas.samples import Classification, ClassificationRequest
from schemas.verdicts import (
    FAITHFULNESS,
    REWARD,
    ClaimEvidence,
    GateName,
    GateRequest,
    Passed,
    Rejected,
    Shown,
    Verdict,
)
from tests.doubles.passages import HERON, asked_of_gate, passage_of
from tests.doubles.scripted import ScriptedEngine

ENGINE = CustomEngine("tests:none")
PAIR, SENTENCES = Classifier(ENGINE, reads="pair"), Classifier(ENGINE, reads="sentences")
OTHER = "Velmora lies on the Ash."


class Entails(ScriptedEngine):
    """Gives 0.9 to a hypothesis whose last word stands in the premise, else 0.1; `windows` come with each answer."""

    def __init__(self, *windows: tuple[float, ...]) -> None:
        super().__init__()
        self._windows = windows
        self.asked: list[ClassificationRequest] = []

    async def classify(self, request: ClassificationRequest) -> Classification:
        self.asked.append(request)
        yes = 0.9 if request.text.split()[-1].strip(".") in (request.premise or "") else 0.1
        return Classification(request.id, (1 - yes, yes), 40, self._windows)


class Both:
    """A search that found two passages."""

    async def grounds(self, request: GateRequest) -> Grounds:
        return Grounds((passage_of(OTHER), request.passage), Shown(searched=True))


async def judged(
    engine: Entails, config: Classifier, answer: str, name: GateName = FAITHFULNESS, source: Both | None = None
) -> Verdict:
    request = asked_of_gate("Who founded Amber Heron?", answer)
    return await build_gate(name, config, engine, source or EXACT).check(request)


async def test_a_claim_is_read_with_its_source() -> None:
    """The passage is the first of the pair, the question and its answer the second, in one line."""
    engine = Entails()
    found = await judged(engine, PAIR, "It was\nOda Lind")
    assert isinstance(found, Passed) and (found.score, found.cost.tokens) == (0.9, 40)
    assert found.evidence.claims == (ClaimEvidence("It was Oda Lind", supported=True),)
    (asked,) = engine.asked
    assert (asked.premise, asked.text) == (HERON, "Who founded Amber Heron? It was Oda Lind")


async def test_the_worst_sentence_decides() -> None:
    """One sentence that the source does not entail is one too many, and evidence says which."""
    engine = Entails()
    found = await judged(engine, SENTENCES, "It was Oda Lind. She came from Paris. She sold salt.")
    assert isinstance(found, Rejected) and found.score == 0.1 and found.cost.tokens == 120
    assert [claim.supported for claim in found.evidence.claims] == [True, False, True]
    assert found.evidence.note == "the least supported: 'She came from Paris.' 0.1"
    assert engine.asked[1].text == "Who founded Amber Heron? She came from Paris."
    assert len({asked.id for asked in engine.asked}) == 3


async def test_the_best_passage_and_the_best_window_count() -> None:
    """One place that bears a claim out is enough: a passage of several, a part of a long one."""
    engine = Entails()
    found = await judged(engine, PAIR, "Oda Lind", source=Both())
    assert isinstance(found, Passed) and found.evidence.shown == Shown(searched=True)
    assert [asked.premise for asked in engine.asked] == [OTHER, HERON]
    found = await judged(Entails((0.6, 0.4), (0.3, 0.7)), PAIR, "Paris")
    assert isinstance(found, Passed) and found.score == 0.7


async def test_a_reward_model_reads_the_question_and_its_answer() -> None:
    """And never the passage."""
    engine = Entails()
    found = await judged(engine, PAIR, "Oda Lind", REWARD)
    assert isinstance(found, Rejected) and found.evidence.claims == ()
    assert [(asked.premise, asked.text) for asked in engine.asked] == [("Who founded Amber Heron?", "Oda Lind")]


@pytest.mark.parametrize(
    ("answer", "says"), [(" \n", "nothing is said"), ("Yes. " * (MOST_SENTENCES + 1), "65 sentences; at most 64")]
)
async def test_what_cannot_be_weighed_is_an_error(answer: str, says: str) -> None:
    """An empty answer, and one that would be read for ever."""
    with pytest.raises(JudgeError, match=says) as raised:
        await judged(Entails(), SENTENCES, answer)
    assert raised.value.kind is ErrorKind.PERMANENT


async def test_every_window_needs_its_probability() -> None:
    """A label that the model lacks is the configuration's fault, wherever it is missed."""
    with pytest.raises(JudgeError, match=r"gates\.faithfulness\.positive_label is 1, but the model has 1 labels"):
        await judged(Entails((0.5,)), PAIR, "Paris")


async def test_of_a_repaired_draft_the_sentences_that_changed_are_weighed() -> None:
    """The edit replaced one sentence of three: one pair is read, the verdict is that of all three, and its cost that of
    one. About another question, or beside another passage, nothing is known."""
    engine = Entails()
    gate = build_gate(FAITHFULNESS, SENTENCES, engine)
    first = await gate.check(asked_of_gate("Who?", "It was Oda Lind. She came from Paris. She sold salt."))
    edited = asked_of_gate("Who?", "It was Oda Lind. She settled in Velmora. She sold salt.")
    repaired = await gate.check(edited)
    fresh = await build_gate(FAITHFULNESS, SENTENCES, Entails()).check(edited)
    assert isinstance(first, Rejected) and isinstance(repaired, Passed | Rejected) and isinstance(fresh, type(repaired))
    assert [asked.text for asked in engine.asked[3:]] == ["Who? She settled in Velmora."]
    assert repaired.score == fresh.score
    assert (repaired.cost.tokens, fresh.cost.tokens) == (40, 120)
    assert repaired.evidence == fresh.evidence  # a verdict does not tell whether a gate has seen the claim before
    await gate.check(asked_of_gate("Who was it?", "It was Oda Lind."))
    await gate.check(asked_of_gate("Who?", "It was Oda Lind.", text=OTHER))
    assert len(engine.asked) == 6


async def test_a_trial_asks_the_model_whatever_is_known() -> None:
    """It is there to find out whether the model answers."""
    engine = Entails()
    gate = build_gate(FAITHFULNESS, SENTENCES, engine)
    request = asked_of_gate("Who?", "It was Oda Lind.")
    for each in (request, request, replace(request, is_trial=True)):
        await gate.check(each)
    assert len(engine.asked) == 2


async def test_few_claims_are_kept() -> None:
    """A replica that lives for days keeps no more than so many; the oldest go first."""
    engine = Entails()
    gate = build_gate(FAITHFULNESS, PAIR, engine)
    for number in range(KEPT + 1):
        await gate.check(asked_of_gate("Who?", f"Number {number}."))
    await gate.check(asked_of_gate("Who?", "Number 1."))
    await gate.check(asked_of_gate("Who?", "Number 0."))
    assert len(engine.asked) == KEPT + 2
