"""Facts about a rejected candidate, read off passage, draft and verdicts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.recovery.evidence import DraftEvidence, evidence_of
from schemas.ids import PoolName
from schemas.orders import AttemptSummary
from schemas.samples import Candidate, Cost, Draft, FinishReason, Sampling, answered
from schemas.verdicts import FAITHFULNESS, FORMAT, REWARD, Passed, Rejected
from tests.doubles.passages import HERON, lease_of

UNFAITHFUL = Rejected(FAITHFULNESS, 0.1, 0.5)


def candidate(draft: Draft | None, *, temperature: float = 0.7) -> Candidate:
    return Candidate(PoolName("generator"), (), Sampling(temperature=temperature), "text", draft, Cost())


def facts(question: str, answer: str, text: str = HERON) -> DraftEvidence:
    return evidence_of(lease_of(text), candidate(answered(question, answer)), (UNFAITHFUL,))


def test_margins_are_of_the_rejecting_gates() -> None:
    """Only who rejected speaks of a failure, and by how much."""
    verdicts = (Passed(REWARD, 0.9, 0.5), UNFAITHFUL)
    found = evidence_of(lease_of(), candidate(answered("Who?", "Oda"), temperature=1.2), verdicts)
    assert found.rejected == {FAITHFULNESS}
    assert found.margins == {FAITHFULNESS: pytest.approx(0.4)}
    assert found.temperature == 1.2


def test_a_text_that_does_not_parse_leaves_only_its_reason() -> None:
    """There is no draft to compare with the passage; the reason for that is the fact."""
    broken = Candidate(
        PoolName("generator"), (), Sampling(), "Ques", None, Cost(), malformed="cut off", finish=FinishReason.LENGTH
    )
    found = evidence_of(lease_of(), broken, (Rejected(FORMAT, 0.0, 1.0),))
    assert (found.malformed, found.truncated, found.answer_words) == ("cut off", True, 0)


def test_history_is_evidence() -> None:
    """What failed before comes with the lease."""
    past = (AttemptSummary("parametric", None),)
    assert evidence_of(lease_of(history=past), candidate(None), (UNFAITHFUL,)).history == past


@pytest.mark.parametrize(
    ("answer", "shared", "stated"),
    [
        ("Oda Lind", 1.0, True),
        ("oda  LIND.", 1.0, True),
        ("Oda Berg", 0.5, False),
        ("Lind Oda", 1.0, False),
        ("Jon Berg", 0.0, False),
        ("the settlers", 1.0, False),
        ("of the", 1.0, False),
        ("", 1.0, False),
    ],
)
def test_an_answer_is_looked_for_in_the_passage(answer: str, shared: float, stated: bool) -> None:
    """Share of its content words that the passage has too, and whether they stand there together."""
    found = facts("Who founded Amber Heron?", answer)
    assert (found.answer_in_passage, found.answer_stated) == (pytest.approx(shared), stated)


def test_a_value_of_another_sentence_is_told() -> None:
    """The year is in the passage, but not where the question points."""
    text = "Velmora was settled in 1623. Orsel was settled in 1701."
    assert facts("When was Velmora settled?", "1701", text).answer_elsewhere
    assert not facts("When was Velmora settled?", "1623", text).answer_elsewhere
    assert not facts("When was Velmora settled?", "1850", text).answer_elsewhere


def test_a_question_names_something_or_not() -> None:
    """A name inside it or a number; the capital that every question begins with does not count."""
    assert facts("When was Velmora settled?", "1623").names_subject
    assert facts("What happened in 1623?", "it was settled").names_subject
    assert not facts("When was it settled?", "1623").names_subject
    assert not facts("When?", "1623").names_subject


def test_an_answer_may_only_repeat_the_question() -> None:
    """'Amber Heron' does not say who founded Amber Heron."""
    assert facts("Who founded Amber Heron?", "Amber Heron").answer_to_itself
    assert not facts("Who founded Amber Heron?", "Oda Lind").answer_to_itself


@given(st.text(), st.text(), st.text())
def test_facts_are_computed_for_any_text(question: str, answer: str, text: str) -> None:
    """Whatever is written about whatever passage: shares stay shares, and what is nowhere is not elsewhere."""
    found = facts(question, answer, text)
    assert 0 <= found.answer_in_passage <= 1 and 0 <= found.question_in_passage <= 1
    assert found.answer_stated or not found.answer_elsewhere
