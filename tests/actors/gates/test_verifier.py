"""The verifier gate: a solution's final answer against the problem's reference; what cannot be compared is an error."""

import pytest

from actors.gates.verifier import AnswerPair, Compared, Exhausted, Reply, VerifierGate
from schemas.config_gates import Verifier
from schemas.errors import ErrorKind, JudgeError
from schemas.verdicts import VERIFIER, Passed, Rejected
from tests.doubles.passages import solution_before_gate


class Says:
    """A comparer that says what it is told, and keeps what it was asked."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.asked: list[AnswerPair] = []

    async def compare(self, pair: AnswerPair) -> Reply:
        self.asked.append(pair)
        return self.reply

    def close(self) -> None:
        """No processes to end."""


def gate(comparer: Says, **settings: int) -> VerifierGate:
    return VerifierGate(Verifier(**settings), comparer)


async def test_a_right_answer_passes_and_a_wrong_one_is_rejected_without_a_process() -> None:
    """Numbers are decided by reading; the evidence says what was compared."""
    comparer = Says(Exhausted("time"))
    right = await gate(comparer).check(solution_before_gate("5+4=9\n#### 9", reference="So 9.\n#### 9.00"))
    wrong = await gate(comparer).check(solution_before_gate("5+4=8\n#### 8", reference="#### 9"))
    assert isinstance(right, Passed)
    assert isinstance(wrong, Rejected)
    assert (right.gate, right.score, wrong.score) == (VERIFIER, 1.0, 0.0)
    assert wrong.evidence.note == "final answer '8' (hashes), reference '9'"
    assert comparer.asked == []


async def test_what_reading_cannot_tell_is_asked_of_the_comparer() -> None:
    """An algebraic form goes to the library, with the answers as they stand."""
    comparer = Says(Compared(True))
    verdict = await gate(comparer).check(solution_before_gate(r"so \boxed{(x-1)(x+1)}", reference="x^2-1"))
    assert isinstance(verdict, Passed)
    assert comparer.asked == [AnswerPair("x^2-1", "(x-1)(x+1)")]


async def test_a_solution_without_a_final_answer_is_rejected() -> None:
    """It was checked, and there is nothing right in it."""
    verdict = await gate(Says(Compared(True))).check(solution_before_gate("I give up.", reference="9"))
    assert isinstance(verdict, Rejected)
    assert verdict.evidence.note == "the solution gives no final answer"


@pytest.mark.parametrize(
    ("solution", "reference", "says"),
    [
        ("#### 9", None, "no reference answer"),
        ("#### " + "9" * 10_000_000, "9", "10,000,000 characters"),
        ("#### x", "9" * 2_000, "2,000 characters"),
        ("#### 9", "The answer is" + " " * 1_000_000, "a reference of 1,000,013 characters"),
        ("#### 9^{9^{9^9}}", "9", "ran out of time"),
    ],
)
async def test_what_cannot_be_compared_is_a_permanent_error_not_a_rejection(
    solution: str, reference: str | None, says: str
) -> None:
    """No reference, ten megabytes of digits, a tower of powers: nobody can say that these are wrong."""
    with pytest.raises(JudgeError, match=says) as raised:
        await gate(Says(Exhausted("time"))).check(solution_before_gate(solution, reference=reference))
    assert raised.value.kind is ErrorKind.PERMANENT
