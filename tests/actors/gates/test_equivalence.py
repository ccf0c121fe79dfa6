"""Which final answers count as equal: tables of pairs, kind by kind, and what reading alone decides."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.gates.answers import read_reference
from actors.gates.equality_worker import compare
from actors.gates.equivalence import by_reading
from actors.gates.units import OPERATORS, unit_of
from actors.gates.verifier import AnswerPair, Compared
from actors.text.final_answer import final_answer, reference_answer
from tests.actors.gates import kinds_of_pairs as kinds
from tests.actors.gates import more_answer_pairs as more
from tests.actors.gates.answer_pairs import DIFFERENT, EQUAL, MISSES
from tests.doubles.gsm8k import solutions

ROOT = Path(__file__).parents[3]
LABELLED = Path(__file__).with_name("labelled_pairs.jsonl")
TABLE = [
    pytest.param(reference, candidate, equal, id=f"{kind}: {reference} {'=' if equal else '≠'} {candidate}")
    for equal, tables in (
        (True, {**EQUAL, "more": more.EQUAL, **{f"by kind, {kind}": pairs for kind, pairs in kinds.EQUAL.items()}}),
        (
            False,
            {
                **DIFFERENT,
                "more": more.DIFFERENT,
                **{f"by kind, {kind}": pairs for kind, pairs in kinds.DIFFERENT.items()},
            },
        ),
    )
    for kind, pairs in tables.items()
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
    assert isinstance(compared, Compared), compared
    return compared.equal


@pytest.mark.parametrize(("reference", "candidate", "same"), TABLE)
def test_answers_are_told_apart(reference: str, candidate: str, same: bool) -> None:
    """Forms that mean the same are equal; near misses are not."""
    assert equal(reference_answer(reference), candidate) is same


def test_the_table_is_large_and_has_both_sides() -> None:
    """Pairs and near misses of every kind that has equal forms, but for looks."""
    assert len(TABLE) >= 740
    assert set(EQUAL) - set(DIFFERENT) == {"looks"}


def test_no_wrong_answer_of_the_labelled_pairs_passes() -> None:
    """448 pairs of 70 kinds, spelled as people and models spell answers: nothing wrong passes, 97% are as labelled."""
    pairs = [json.loads(line) for line in LABELLED.read_text("utf-8").splitlines()]
    passed_wrongly, disagreements = [], []
    for pair in pairs:
        found = final_answer(pair["solution"])
        same = found is not None and equal(reference_answer(pair["reference"]), found.text)
        if same is not pair["label"]:
            disagreements.append(pair)
            passed_wrongly += [pair] if same else []
    assert passed_wrongly == []
    assert len(disagreements) <= 0.03 * len(pairs), disagreements


def test_real_solutions_are_judged_as_labelled() -> None:
    """2,640 GSM8K solutions of four models, none of which needs the library: all but one too long to be read."""
    judged = [
        by_reading(reference_answer(solved.ground_truth), found.text) is solved.is_correct
        for solved in solutions()
        if (found := final_answer(solved.solution)) is not None and len(found.text) <= 1_000
    ]
    assert len(judged) >= 2_630
    assert sum(judged) >= 0.998 * len(judged)


def test_the_table_of_the_page_is_true() -> None:
    """docs/tasks/math.md says what equals what, row by row: each row is so."""
    page = (ROOT / "docs" / "tasks" / "math.md").read_text("utf-8")
    table = page.partition("| reference | equal | different |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.split(" | ")] for line in table.splitlines() if line.startswith("| `")]
    assert len(rows) >= 30
    for reference, same, different in rows:
        (expected,) = _spans(reference.removeprefix("| "))
        for answer in _spans(same):
            assert equal(reference_answer(expected), answer), f"{expected} is {answer}"
        for answer in _spans(different.removesuffix(" |")):
            assert not equal(reference_answer(expected), answer), f"{expected} is not {answer}"


def _spans(cell: str) -> list[str]:
    """What stands in code spans; a bar inside a table is escaped."""
    return [part.replace("\\|", "|") for part in cell.split("`")[1::2]]


@pytest.mark.parametrize(("reference", "candidate", "truth"), KNOWN_MISSES)
def test_known_misses_are_still_missed(reference: str, candidate: str, truth: bool) -> None:
    """What docs/tasks/math.md lists as judged wrongly is so; one that is judged rightly leaves the list."""
    assert equal(reference, candidate) is not truth


def test_no_word_that_changes_a_number_is_a_unit() -> None:
    """`6 dozen` is no six of a thing called dozen; a second and a square are measures besides."""
    assert {word for word in OPERATORS if unit_of(word) is not None} <= {"second", "point"}


@given(st.text(alphabet="0123456789.,-+/%$\\{}()[] fractextsqrcm^_eE", max_size=60) | st.text(max_size=60))
def test_reading_takes_any_text(text: str) -> None:
    """Whatever stands where an answer should be: it is read without an error, and equals itself."""
    if read_reference(text).spelled:
        assert by_reading(text, text) is True


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9))
def test_whole_numbers_are_decided_by_reading_whatever_their_looks(a: int, b: int) -> None:
    """The common case needs no process: with or without commas, dollars and a decimal point."""
    assert by_reading(str(a), f"{b:,}") is (a == b)
    assert by_reading(f"{a:,}.00", str(b)) is (a == b)
    assert by_reading(str(a), f"${b}" if b >= 0 else f"-${-b}") is (a == b)


@given(st.lists(st.integers(0, 9), min_size=3, max_size=6), st.data())
def test_digits_in_another_order_are_never_equal(digits: list[int], data: st.DataObject) -> None:
    """Dates, phone numbers, scores and ratios: no mark between digits makes a sum, a product or a list of them."""
    other = data.draw(st.permutations(digits))
    for mark in "-:/":
        a, b = (mark.join(map(str, each)) for each in (digits, other))
        assert by_reading(a, b) is (digits == other)
