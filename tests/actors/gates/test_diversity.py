"""When two samples of one passage ask the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.gates.diversity import SAME_FACT, duplicate_verdict, similarity
from schemas.ids import OrderId
from schemas.orders import Duplicate, Likeness
from schemas.samples import Texts, qa
from schemas.verdicts import DIVERSITY

DRAFTS = st.builds(qa, st.text(), st.text())
THRESHOLD = 0.9


def asked(a: str, b: str) -> float:
    """How alike two questions are whose answers differ."""
    return similarity(qa(a, "one thing"), qa(b, "another matter"))


def alike(answer: str, a: str, b: str) -> float:
    """How alike two samples are that give the same answer."""
    return similarity(qa(a, answer), qa(b, answer))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("Who founded Velmora?", "Who founded Velmora?", 1.0),
        ("Who founded Velmora?", "who founded  VELMORA?", 1.0),
        ("Velmora was founded by whom?", "By whom was Velmora founded?", 0.99),
        ("Who founded Velmora?", "Who founded Orsel?", 0.5),
        ("Who founded Velmora?", "Which river flows past Orsel?", 0.0),
        ("Who ruled Velmora in 1623 after the long war?", "Who ruled Velmora in 1624 after the long war?", 0.0),
        ("???", "!!!", 0.0),
        ("", "", 1.0),
    ],
)
def test_words_numbers_and_names_count(a: str, b: str, expected: float) -> None:
    """Case and white space do not matter, the order of words hardly; another name does, and another year makes another
    question."""
    assert asked(a, b) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Who made C++?", "Who made C#?"),
        ("Who made C?", "Who made C++?"),
        ("What is 5 + 3?", "What is 5 - 3?"),
        ("What does ☀ mean on the map?", "What does ☂ mean on the map?"),
        ("What is 20 % of it?", "What is 20 ° of it?"),
        ("कि का अर्थ क्या है?", "की का अर्थ क्या है?"),
        ("ร้านอยู่ที่ไหน", "ร้อนอยู่ที่ไหน"),
        ("Is Orsel larger than Velmora?", "Is Velmora larger than Orsel?"),
        (
            "What did Anna send to Bob in the spring of that year?",
            "What did Bob send to Anna in the spring of that year?",
        ),
    ],
)
def test_symbols_scripts_and_the_order_of_names_tell_questions_apart(a: str, b: str) -> None:
    """A language's name ends in a sign, a vowel is a mark on its consonant, who is larger is a matter of order: none of
    these is refused."""
    assert asked(a, b) < THRESHOLD


@pytest.mark.parametrize(
    ("answer", "a", "b"),
    [
        ("1508", "In which year was Velmora founded?", "When was Velmora first settled?"),
        ("1508", "In which year was Velmora founded?", "In what year was Velmora founded?"),
        ("Perrin Vale", "Who founded Velmora?", "To whom does Velmora owe its founding?"),
        ("412 households", "How many households live in Orsel?", "How many households does Orsel count?"),
        ("12", "How many bridges does Orsel have?", "How many bridges are there in Orsel?"),
        ("100 °C", "At what temperature does water boil?", "what is the boiling temperature of water?"),
        ("The Rusk", "Velmora lies on which river?", "What river flows past Velmora?"),
        ("東京", "日本の首都はどこですか", "日本の首都の名前は何ですか"),
    ],
)
def test_one_fact_asked_in_other_words_is_asked_again(answer: str, a: str, b: str) -> None:
    """A passage states a fact once; a second sample of it teaches nothing."""
    assert THRESHOLD <= alike(answer, a, b) < 1


@pytest.mark.parametrize(
    ("answer", "a", "b"),
    [
        ("1508", "When was Velmora founded?", "When was Orsel founded?"),
        ("Perrin Vale", "Who ruled Velmora in 1508?", "Who ruled Velmora in 1520?"),
        ("yes", "Is Velmora a town?", "Does Velmora lie on a river?"),
        ("silk", "What is Velmora known for?", "Why did merchants come to Velmora?"),
        ("3", "How many bridges does Orsel have?", "How many churches does Orsel have?"),
        ("iron", "what are the gates made of?", "which metal was dug in the hills?"),
    ],
)
def test_the_same_answer_to_another_question_is_no_duplicate(answer: str, a: str, b: str) -> None:
    """Two towns were founded in one year, two things are there three times: both samples stay."""
    assert alike(answer, a, b) < THRESHOLD


def test_an_answer_in_other_words_is_the_same_answer() -> None:
    """With an article or a preposition before it."""
    a, b = "In which year was Velmora founded?", "When was Velmora first settled?"
    assert similarity(qa(a, "1508"), qa(b, "In 1508.")) >= SAME_FACT


@given(DRAFTS, DRAFTS)
def test_similarity_is_a_symmetric_share(a: Texts, b: Texts) -> None:
    """Whatever the texts: in [0, 1], the same both ways, and 1 for equal ones."""
    assert 0 <= similarity(a, b) == similarity(b, a) <= 1
    assert similarity(a, a) == 1.0


@given(DRAFTS, DRAFTS)
def test_only_equal_questions_reach_one(a: Texts, b: Texts) -> None:
    """With a threshold of 1, what is refused is the same question, whatever its case and white space."""
    if similarity(a, b) == 1:
        assert set(a[0][1].casefold().split()) == set(b[0][1].casefold().split()) or not a[0][1].isascii()


def test_a_refused_duplicate_is_a_rejection() -> None:
    """The queue's answer becomes a verdict like any other: below its threshold by as much as the questions overlap."""
    found = duplicate_verdict(Duplicate(OrderId("a"), of=OrderId("b"), question="Who?", similarity=0.95, threshold=0.9))
    assert found.gate == DIVERSITY
    assert found.score < found.threshold
    assert "order b" in found.evidence.note and "Who?" in found.evidence.note


def test_a_verdict_by_vectors_says_so() -> None:
    """Which of words and vectors counted stands in the note."""
    found = Duplicate(OrderId("a"), OrderId("b"), "Who?", similarity=0.83, threshold=0.8, by=Likeness.VECTORS)
    verdict = duplicate_verdict(found)
    assert verdict.evidence.note == "order b asks nearly the same (by vectors, 0.83): Who?"
    assert (verdict.score, verdict.threshold) == (pytest.approx(0.17), pytest.approx(0.2))
