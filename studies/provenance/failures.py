"""Why a draft failed, by the world's facts, and which diagnoses are right for it (plan 2).

Law: no gate, diagnosis or sampling is looked at. What the world cannot name has no name here, and what a gate
names by itself (a text that does not parse, a near-duplicate) is left out, since naming it is no skill.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum

from msgspec.structs import replace

from schemas.config import SamplingDefaults
from schemas.recovery import FailureMode, Modes
from schemas.samples import Candidate, Draft
from studies.almanac.truth import Faithful, check_facts, understood, well_worded
from studies.almanac.world import Edition, Entity, Fact

Told = Mapping[tuple[Entity, str], frozenset[str]]
"""Entity and attribute to every value that some passage of the corpus states of it."""


class Failure(Enum):
    """What the world knows of a bad draft."""

    POOR_QUESTION = "the question names nobody, or asks nothing"
    OTHER_SUBJECT = "the question is about somebody of whom the passage does not tell"
    ELSEWHERE = "another passage tells it"
    BESIDE = "the passage tells it of something else"
    REMEMBERED = "the canon tells it, and the passage otherwise"
    MADE_UP = "nothing tells it"
    POOR_ANSWER = "the answer is a part, a hedge or no value of its kind"


RIGHT: Mapping[Failure, frozenset[FailureMode]] = {
    Failure.POOR_QUESTION: frozenset({Modes.INSTRUCTION_QUALITY}),
    Failure.OTHER_SUBJECT: frozenset({Modes.DOMAIN_MISMATCH}),
    Failure.ELSEWHERE: frozenset({Modes.CROSS_PASSAGE}),
    Failure.BESIDE: frozenset({Modes.AMBIGUOUS_SOURCE}),
    Failure.REMEMBERED: frozenset({Modes.PARAMETRIC}),
    Failure.MADE_UP: frozenset({Modes.PARAMETRIC}),
    Failure.POOR_ANSWER: frozenset({Modes.RESPONSE_QUALITY}),
}
"""The modes that name each. A value that the passage has not looks the same whether it was remembered or made up."""


def blind(candidate: Candidate) -> Candidate:
    """The candidate as a diagnosis sees it that does not know how it was drawn: at the default temperature."""
    return replace(candidate, sampling=replace(candidate.sampling, temperature=SamplingDefaults().temperature))


def told_by(corpus: Iterable[Sequence[Fact]]) -> Told:
    """What the passages of a corpus state, all together."""
    found: dict[tuple[Entity, str], set[str]] = {}
    for facts in corpus:
        for fact in facts:
            found.setdefault((fact.entity, fact.attribute.key), set()).add(fact.value.casefold())
    return {key: frozenset(values) for key, values in found.items()}


def failure_of(draft: Draft, facts: tuple[Fact, ...], told: Told, canon: Edition) -> Failure | None:
    """Why the draft of a passage with these facts is bad; None where it is good, or the world has no name for it.
    `told`: by the whole corpus."""
    asked = understood(draft.question)
    if asked is None or asked.entity is None:
        return Failure.POOR_QUESTION
    truth = check_facts(facts, question=draft.question, answer=draft.answer)
    if isinstance(truth, Faithful):
        return None if truth.complete and well_worded(draft.question, draft.answer) else Failure.POOR_ANSWER
    answer = draft.answer.strip().rstrip(".").casefold()
    key = (asked.entity, asked.attribute.key)
    if answer in told.get(key, ()):
        return Failure.ELSEWHERE
    if asked.entity not in {fact.entity for fact in facts}:
        return Failure.OTHER_SUBJECT
    if answer in {fact.value.casefold() for fact in facts}:
        return Failure.BESIDE
    if not well_worded(draft.question, draft.answer):
        return Failure.POOR_ANSWER
    remembered = canon.get(asked.entity, {}).get(asked.attribute.key, "").casefold()
    return Failure.REMEMBERED if answer == remembered else Failure.MADE_UP
