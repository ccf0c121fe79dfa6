"""From a rejected candidate to why it failed, on cases as they occur."""

import pytest
from msgspec.structs import replace

from actors.recovery.diagnoser import RULES, diagnose
from actors.recovery.elsewhere import Elsewhere
from actors.recovery.evidence import DraftEvidence, evidence_of
from schemas.ids import PoolName
from schemas.recovery import FailureMode, Modes
from schemas.samples import Candidate, Cost, Draft, Sampling, answered, qa
from schemas.verdicts import DIVERSITY, FAITHFULNESS, FORMAT, PROVENANCE, REWARD, Passed, Rejected, Verdict
from tests.doubles.passages import HERON, lease_of, passage_of

FAITHLESS = Rejected(FAITHFULNESS, 0.1, 0.5)
FAITHFUL = Passed(FAITHFULNESS, 0.9, 0.5)
POOR = Rejected(REWARD, 0.1, 0.5)
FINE = Passed(REWARD, 0.9, 0.5)
DUPLICATE = Rejected(DIVERSITY, 0.05, 0.1)
TOWNS = "Velmora was settled in 1623. Orsel was settled in 1701."

HERON_FOUNDER = "Who founded Amber Heron?"
CASES: dict[str, tuple[Draft, tuple[Verdict, ...], FailureMode]] = {
    "a founder the passage never heard of": (
        answered(HERON_FOUNDER, "Jon Berg"), (FAITHLESS, FINE), Modes.PARAMETRIC,
    ),
    "a quote that the passage does not hold": (
        answered(HERON_FOUNDER, "Jon Berg", "Jon Berg founded it."),
        (Rejected(PROVENANCE, 0.0, 1.0), FINE), Modes.PARAMETRIC,
    ),
    "words of the passage put together anew": (
        answered(HERON_FOUNDER, "Lind Oda"), (FAITHLESS, FINE), Modes.PARAMETRIC,
    ),
    "a question about something else": (
        answered("Which king ruled Norland?", "Jon Berg"), (FAITHLESS, FINE), Modes.DOMAIN_MISMATCH,
    ),
    "just below the threshold": (
        answered(HERON_FOUNDER, "Oda Lind"), (Rejected(FAITHFULNESS, 0.45, 0.5), FINE), Modes.MARGINAL,
    ),
    "a question that names nothing": (
        answered("When was it first settled?", "1623"), (FAITHFUL, POOR), Modes.INSTRUCTION_QUALITY,
    ),
    "an answer that repeats the question": (
        answered(HERON_FOUNDER, "Amber Heron"), (FAITHFUL, POOR), Modes.RESPONSE_QUALITY,
    ),
    "a hedged answer": (
        answered(HERON_FOUNDER, "perhaps Oda Lind"), (FAITHFUL, POOR), Modes.RESPONSE_QUALITY,
    ),
    "accepted before": (
        answered(HERON_FOUNDER, "Oda Lind"), (FAITHFUL, FINE, DUPLICATE), Modes.NEAR_DUPLICATE,
    ),
    "no fact speaks": (
        answered("What is the trade of Amber Heron?", "town"), (FAITHLESS, FINE), Modes.UNKNOWN,
    ),
}  # fmt: skip


def evidence(
    draft: Draft | None, verdicts: tuple[Verdict, ...], *, temperature: float = 0.7, text: str | None = None
) -> DraftEvidence:
    reason = "the answer is missing" if draft is None else None
    said = Candidate(PoolName("generator"), (), Sampling(temperature), "text", draft, Cost(), malformed=reason)
    return evidence_of(lease_of() if text is None else lease_of(text), said, verdicts)


@pytest.mark.parametrize(("draft", "verdicts", "mode"), CASES.values(), ids=CASES.keys())
def test_failures_are_distinguished(draft: Draft, verdicts: tuple[Verdict, ...], mode: FailureMode) -> None:
    """Each usual way to fail, from the facts of one attempt."""
    assert diagnose(evidence(draft, verdicts)).mode == mode


def test_a_value_of_the_neighbour_sentence_is_ambiguous() -> None:
    """Two towns, two years: the year of the other one."""
    found = evidence(answered("When was Velmora settled?", "1701"), (FAITHLESS, FINE), text=TOWNS)
    assert diagnose(found).mode == Modes.AMBIGUOUS_SOURCE


def test_the_same_foreign_words_mean_something_else_when_hot() -> None:
    """At a high temperature sampling is to blame, at a usual one memory."""
    draft = answered(HERON_FOUNDER, "Jon Berg")
    assert diagnose(evidence(draft, (FAITHLESS, FINE), temperature=1.2)).mode == Modes.TEMPERATURE
    assert diagnose(evidence(draft, (FAITHLESS, FINE), temperature=0.7)).mode == Modes.PARAMETRIC


def test_what_another_passage_tells_was_mixed_up() -> None:
    """A fact of the next town, given for this town's passage: the index separates it from memory and from foreign
    subjects."""
    orsel = passage_of("Orsel was settled in 1701. Its founder was Jon Berg.")
    elsewhere = Elsewhere([passage_of(HERON), orsel])

    def mode(draft: Draft) -> FailureMode:
        said = Candidate(PoolName("generator"), (), Sampling(), "text", draft, Cost())
        return diagnose(evidence_of(lease_of(), said, (FAITHLESS, FINE), elsewhere)).mode

    assert mode(answered("Who was the founder of Orsel?", "Jon Berg")) == Modes.CROSS_PASSAGE
    assert mode(answered(HERON_FOUNDER, "Jon Berg")) == Modes.PARAMETRIC
    assert mode(answered("Which king ruled Norland?", "Jon Berg")) == Modes.DOMAIN_MISMATCH


def test_who_tells_it() -> None:
    """The passage that has most of the question; never the sample's own, and never by a word of the answer alone."""
    texts = ("Orsel was settled in 1701.", "Orsel was settled by Jon Berg in 1701.", "In 1701 Velmora burnt.")
    first, second, third = (passage_of(text) for text in texts)
    index = Elsewhere([first, second, third])
    assert index.tells(qa("When did Jon Berg settle in Orsel?", "1701"), third) == second.id
    assert index.tells(qa("When was Orsel settled?", "1701"), second) is None
    assert index.tells(qa("When was Ambria settled?", "1701"), third) is None
    assert index.tells(qa("when settled orsel", "1701"), third) == first.id
    assert index.tells(qa("", "1701"), third) is None
    assert Elsewhere([]).tells(qa("When was Orsel settled?", "1701"), third) is None


def test_drawn_far_too_hot_explains_every_fault() -> None:
    """At 1.8 no other cause needs to be looked for."""
    draft = answered("Which king ruled Norland?", "Jon Berg")
    assert diagnose(evidence(draft, (FAITHLESS, POOR), temperature=1.8)).mode == Modes.TEMPERATURE


def test_what_does_not_parse_is_malformed_and_says_why() -> None:
    """The parser's reason is the diagnosis' reason."""
    found = diagnose(evidence(None, (Rejected(FORMAT, 0.0, 1.0),), temperature=1.5))
    assert found.mode == Modes.MALFORMED
    assert "the answer is missing" in found.reasons


def test_a_diagnosis_says_its_facts() -> None:
    """Whoever reads the ledger sees why: the rule in words, and the figures it rests on."""
    found = diagnose(evidence(answered(HERON_FOUNDER, "Jon Berg"), (FAITHLESS, FINE)))
    assert found.reasons == (
        "the answer's words are foreign to the passage",
        "faithfulness is 0.40 below its threshold",
        "0% of the answer's words are in the passage",
    )
    assert 0 < found.confidence < 1


def test_one_gate_near_its_threshold_is_not_marginal_when_the_other_is_far() -> None:
    """Marginal means that nothing is clearly wrong."""
    near = Rejected(FAITHFULNESS, 0.45, 0.5)
    found = evidence(answered(HERON_FOUNDER, "Jon Berg"), (near, POOR))
    assert diagnose(found).mode == Modes.RESPONSE_QUALITY
    assert diagnose(replace(found, margins={FAITHFULNESS: 0.05})).mode == Modes.MARGINAL


def test_rules_name_themselves() -> None:
    """Every rule is as sure as a probability, and gives its fact in words."""
    assert all(0 < rule.confidence <= 1 and rule.reason for rule in RULES)
