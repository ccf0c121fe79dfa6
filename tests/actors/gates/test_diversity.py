"""When two questions of one passage ask the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.gates.diversity import duplicate_verdict, similarity
from schemas.ids import OrderId
from schemas.orders import Duplicate
from schemas.verdicts import GateName


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("Who founded Velmora?", "Who founded Velmora?", 1.0),
        ("Who founded Velmora?", "who founded  VELMORA", 1.0),
        ("Velmora was founded by whom?", "By whom was Velmora founded?", 1.0),
        ("Who founded Velmora?", "Who founded Orsel?", 0.5),
        ("Who founded Velmora?", "Which river flows past Orsel?", 0.0),
        ("Who ruled Velmora in 1623 after the long war?", "Who ruled Velmora in 1624 after the long war?", 0.0),
        ("???", "!!!", 0.0),
        ("", "", 1.0),
    ],
)
def test_words_numbers_and_names_count(a: str, b: str, expected: float) -> None:
    """Case, order and punctuation do not matter; another name does, and another year makes another question."""
    assert similarity(a, b) == pytest.approx(expected)


@given(st.text(), st.text())
def test_similarity_is_a_symmetric_share(a: str, b: str) -> None:
    """Whatever the texts: in [0, 1], the same both ways, and 1 for equal ones."""
    assert 0 <= similarity(a, b) == similarity(b, a) <= 1
    assert similarity(a, a) == 1.0


def test_a_refused_duplicate_is_a_rejection() -> None:
    """The queue's answer becomes a verdict like any other: below its threshold by as much as the questions overlap."""
    found = duplicate_verdict(Duplicate(OrderId("a"), of=OrderId("b"), question="Who?", similarity=0.95, threshold=0.9))
    assert found.gate is GateName.DIVERSITY
    assert found.score < found.threshold
    assert "order b" in found.evidence.note and "Who?" in found.evidence.note
