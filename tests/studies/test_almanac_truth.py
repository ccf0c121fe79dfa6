"""The exact check: it reads passages back into facts and knows a true answer from a false one, without a model."""

import random

import pytest

from studies.almanac.claims import any_claim
from studies.almanac.data import Mode, World, turn
from studies.almanac.exam import exam
from studies.almanac.flaws import Sloppiness
from studies.almanac.truth import (
    Faithful,
    NotAQuestionOfThisWorld,
    Reason,
    Unfaithful,
    check,
    facts_of,
    understood,
    well_worded,
)
from studies.almanac.world import canon

PASSAGE = "The Silver Heron was launched in 1743. Orla Branley commands the ship. Amber Ford's mayor is Ivo Lordale."


def test_passages_are_read_back_into_their_facts() -> None:
    """The check knows what a passage says from its text alone."""
    for one in exam(200, seed=3):
        assert facts_of(one.passage.text) == one.passage.facts


@pytest.mark.parametrize(
    ("question", "answer", "complete"),
    [
        ("In which year was the Silver Heron launched?", "1743", True),
        ("In which year was the Silver Heron launched?", "1743.", True),
        ("When did it first sail?", "1743", True),
        ("Who commands the Silver Heron?", "Orla Branley", True),
        ("Who commands the Silver Heron?", "perhaps Orla Branley", False),
        ("Who commands the Silver Heron?", "Orla", False),
        ("Who governs Amber Ford?", "Ivo Lordale", True),
    ],
)
def test_what_the_passage_states_is_faithful(question: str, answer: str, complete: bool) -> None:
    """Also in another wording, with a full stop, in part, or hedged."""
    found = check(PASSAGE, question=question, answer=answer)
    assert isinstance(found, Faithful)
    assert found.complete is complete


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        ("In which year was the Silver Heron launched?", "1744", Reason.OTHER_VALUE),
        ("Who commands the Silver Heron?", "Ivo Lordale", Reason.OTHER_VALUE),
        ("Who commands the Silver Heron?", "Orla Lordale", Reason.OTHER_VALUE),
        ("Who commands the Silver Heron?", "someone", Reason.NO_VALUE),
        ("Who built the Silver Heron?", "Orla Branley", Reason.UNSTATED),
        ("Who is the mayor of Cold Ford?", "Ivo Lordale", Reason.UNSTATED),
    ],
)
def test_what_it_does_not_state_is_unfaithful(question: str, answer: str, reason: Reason) -> None:
    """A wrong value, a neighbour's value, half a name, no value, or a fact that is not there."""
    found = check(PASSAGE, question=question, answer=answer)
    assert isinstance(found, Unfaithful)
    assert found.reason is reason


@pytest.mark.parametrize("question", ["", "Why?", "Who is the captain of Atlantis Nine?", "When was the?"])
def test_other_questions_are_not_guessed_at(question: str) -> None:
    """What is no question of the almanac is said to be none."""
    assert isinstance(check(PASSAGE, question=question, answer="1743"), NotAQuestionOfThisWorld)


def test_claims_carry_the_labels_that_the_check_finds() -> None:
    """The judges learn what the check calls true, the reward model what it calls well worded."""
    rng = random.Random(4)
    world = World(canon(7, entities=60), rng)
    agreed = total = 0
    for _ in range(400):
        told = world.told()
        claim = any_claim(told, rng)
        found = check(told.passage.text, question=claim.question, answer=claim.answer)
        assert claim.good is well_worded(claim.question, claim.answer)
        if not isinstance(found, NotAQuestionOfThisWorld):
            total += 1
            agreed += isinstance(found, Faithful) is claim.faithful
    assert agreed / total > 0.99


def test_repairs_are_taught_with_true_replies_only() -> None:
    """Strict, quoting, editing and asking another: what they teach is faithful and well worded."""
    rng = random.Random(5)
    for told in exam(60, seed=4):
        for mode in (Mode.STRICT, Mode.QUOTE, Mode.ANOTHER, Mode.EDIT):
            one = turn(told, rng.randrange(len(told.passage.sentences)), mode, Sloppiness(), rng)
            lines = dict(line.split(": ", 1) for line in one.reply.split("\n"))
            found = check(told.passage.text, question=lines["Question"], answer=lines["Answer"])
            assert isinstance(found, Faithful)
            assert well_worded(lines["Question"], lines["Answer"])
            assert lines.get("Quote", told.passage.text) in told.passage.text


def test_a_vague_question_is_understood_but_not_well_worded() -> None:
    """ "It" can be resolved next to the passage, and not by a reader who does not see it."""
    assert understood("When did it first sail?", kind="ship") is not None
    assert not well_worded("When did it first sail?", "1743")
