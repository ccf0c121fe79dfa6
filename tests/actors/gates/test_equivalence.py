"""Which final answers count as equal: a table of pairs, kind by kind, and what reading alone decides."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.gates.answers import read_answer
from actors.gates.equality_worker import compare
from actors.gates.equivalence import by_reading
from actors.gates.verifier import AnswerPair, Compared
from tests.actors.gates import more_answer_pairs as more
from tests.actors.gates.answer_pairs import DIFFERENT, EQUAL, MISSES

TABLE = [
    pytest.param(reference, candidate, equal, id=f"{kind}: {reference} {'=' if equal else '≠'} {candidate}")
    for equal, kinds in ((True, {**EQUAL, "more": more.EQUAL}), (False, {**DIFFERENT, "more": more.DIFFERENT}))
    for kind, pairs in kinds.items()
    for reference, candidate in pairs
]
KNOWN_MISSES = [
    (reference, candidate, equal)
    for equal, kind in ((True, "equal, called different"), (False, "different, called equal"))
    for reference, candidate in MISSES[kind]
]


def equal(reference: str, candidate: str) -> bool:
    """As the gate decides, but with the library in this process."""
    decided = by_reading(reference, candidate)
    if decided is not None:
        return decided
    compared = compare(AnswerPair(reference, candidate))
    assert isinstance(compared, Compared)
    return compared.equal


@pytest.mark.parametrize(("reference", "candidate", "same"), TABLE)
def test_answers_are_told_apart(reference: str, candidate: str, same: bool) -> None:
    """Forms that mean the same are equal; near misses are not."""
    assert equal(reference, candidate) is same


def test_the_table_is_large_and_has_both_sides() -> None:
    """At least 150 pairs, and near misses of every kind that has equal forms, but for looks."""
    assert len(TABLE) >= 440
    assert set(EQUAL) - set(DIFFERENT) == {"looks"}


@pytest.mark.parametrize(("reference", "candidate", "truth"), KNOWN_MISSES)
def test_known_misses_are_still_missed(reference: str, candidate: str, truth: bool) -> None:
    """What docs/tasks/math.md lists as judged wrongly is so; one that is judged rightly leaves the list."""
    assert equal(reference, candidate) is not truth


@given(st.text(alphabet="0123456789.,-+/%$\\{}()[] fractextsqrcm^_eE", max_size=60) | st.text(max_size=60))
def test_reading_takes_any_text(text: str) -> None:
    """Whatever stands where an answer should be: it is read without an error, and equals itself."""
    if read_answer(text).value:
        assert by_reading(text, text) is True


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9))
def test_whole_numbers_are_decided_by_reading_whatever_their_looks(a: int, b: int) -> None:
    """The common case needs no process: with or without commas, dollars and a decimal point."""
    assert by_reading(str(a), f"{b:,}") is (a == b)
    assert by_reading(f"{a:,}.00", str(b)) is (a == b)
    assert by_reading(str(a), f"${b}" if b >= 0 else f"-${-b}") is (a == b)


@pytest.mark.parametrize(
    "piece", ["1", "1}", "a ", "\\frac1", ",000", "1,", "°1/", "\\text{", "(\\frac", "\\boxed{", "-", "0."]
)
def test_reading_takes_no_longer_than_its_text(piece: str) -> None:
    """Four thousand characters that look like the beginning of something: read in a moment of processor time."""
    text = piece * (4_000 // len(piece))
    began = time.process_time()
    by_reading("7", text)
    by_reading("7", "1" + text[:-2] + "!")
    assert time.process_time() - began < 1.0
