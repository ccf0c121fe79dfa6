"""Rows of dpo_ranked: several answers to one prompt, of which the gates prefer one."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.errors import ErrorKind
from schemas.exports import ExportFormat, LeftOut
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Record
from schemas.orders import Attempt, DeadLetter, EndReason, Order
from schemas.samples import rewritten
from schemas.verdicts import DIVERSITY, PROVENANCE, Errored, GateName, Passed, Rejected, Verdict
from tests.actors.exports.runs import Row, asked, exported
from tests.doubles.attempts import candidate, passage

BRIEF, GROUNDED = GateName("brief"), GateName("grounded")
ONE = passage(1)
RANKED = asked(ExportFormat.DPO_RANKED)
Scored = tuple[float, float]


def judged(gate: GateName, score: float) -> Verdict:
    return Passed(gate, score, 0.5) if score >= 0.5 else Rejected(gate, score, 0.5)


def attempt_of(text: str, *verdicts: Verdict) -> Attempt:
    """An answer to the one question, and what the gates said of it."""
    made = candidate("Who?")
    assert made.draft is not None
    draft = rewritten(made.draft, answer=text)
    return Attempt(1, None, replace(made, draft=draft), (Passed(PROVENANCE, 1.0, 1.0), *verdicts))


def ended(attempts: Sequence[Attempt]) -> list[Record]:
    """An order for each attempt, which ended with it."""
    orders = [Order.fresh(ONE.id, "grounded_answer", slot) for slot in range(len(attempts))]
    records: list[Record] = [Planned(0.0, ONE, tuple(orders))]
    for order, attempt in zip(orders, attempts, strict=True):
        good = all(isinstance(said, Passed) for said in attempt.verdicts)
        end = DeadLetter(EndReason.REJECTED)
        records.append(AcceptedEnd(1.0, order.id, attempt) if good else DeadLetteredEnd(1.0, order.id, attempt, end))
    return records


def answers(*scores: Scored) -> list[Record]:
    """An order for each answer, with its scores for brevity and for grounding."""
    each = enumerate(scores)
    return ended([attempt_of(f"answer {n}", judged(BRIEF, a), judged(GROUNDED, b)) for n, (a, b) in each])


def sides(rows: Sequence[Row]) -> list[tuple[str, str]]:
    return [(row["chosen"][0]["content"], row["rejected"][0]["content"]) for row in rows]


def test_the_best_answer_is_chosen_over_each_that_is_worse() -> None:
    """Four answers: one rejected, two accepted and worse, of which one only by a gate's score."""
    rows, left = exported(answers((0.9, 0.8), (0.9, 0.2), (0.6, 0.8), (0.7, 0.7)), RANKED)
    assert sides(rows) == [("answer 0", "answer 2"), ("answer 0", "answer 3"), ("answer 0", "answer 1")]
    assert not left
    assert {str(row["prompt"]) for row in rows} == {str(rows[0]["prompt"])}


@pytest.mark.parametrize(
    ("scores", "left"),
    [
        (((0.9, 0.6), (0.6, 0.9)), 2),  # each gate prefers another
        (((0.9, 0.9), (0.9, 0.9)), 2),  # none prefers either
        (((0.1, 0.9), (0.1, 0.2)), 2),  # none was accepted
        (((0.6, 0.6), (0.9, 0.1)), 2),  # the rejected one is better by a gate
        (((0.9, 0.9),), 1),  # alone
    ],
)
def test_what_the_gates_do_not_rank_is_no_pair(scores: tuple[Scored, ...], left: int) -> None:
    """No score is weighed against another gate's."""
    rows, counted = exported(answers(*scores), RANKED)
    assert (rows, counted) == ([], {LeftOut.NOT_RANKED: left})


@pytest.mark.parametrize("swapped", [False, True])
def test_gates_of_other_scales_decide_no_tie(swapped: bool) -> None:
    """Each of two answers is better than the third, neither than the other: the first is chosen, whichever has the
    larger scores, and the two make no pair."""
    ties = ((0.6, 0.9), (0.7, 0.6))
    rows, left = exported(answers(*(reversed(ties) if swapped else ties), (0.5, 0.5)), RANKED)
    assert sides(rows) == [("answer 0", "answer 2")] and left == {LeftOut.NOT_RANKED: 1}


def test_what_cannot_be_compared_is_counted() -> None:
    """An error is no rank, a near-duplicate is no worse answer, and a text stands once."""
    good = attempt_of("good", judged(BRIEF, 0.9), judged(GROUNDED, 0.9))
    records = ended(
        [
            good,
            attempt_of("poor", judged(BRIEF, 0.2), judged(GROUNDED, 0.9)),
            attempt_of("unknown", judged(BRIEF, 0.2), Errored(GROUNDED, ErrorKind.NONSENSE, "no score")),
            attempt_of("alike", judged(BRIEF, 0.9), judged(GROUNDED, 0.6), Rejected(DIVERSITY, 0.0, 0.1)),
            attempt_of("Good ", judged(BRIEF, 0.1), judged(GROUNDED, 0.9)),
        ]
    )
    rows, left = exported(records, RANKED)
    assert sides(rows) == [("good", "poor")]
    assert left == {LeftOut.NOT_JUDGED: 1, LeftOut.DUPLICATE: 1, LeftOut.REPEATED: 1}


@given(st.lists(st.tuples(st.sampled_from([0.2, 0.5, 0.7, 0.9]), st.sampled_from([0.2, 0.5, 0.7, 0.9])), max_size=6))
def test_no_gate_prefers_what_is_rejected(scores: list[Scored]) -> None:
    """Whatever the scores: chosen was accepted, one answer is chosen, and every answer is in a row or counted."""
    rows, left = exported(answers(*scores), RANKED)
    for row in rows:
        best, worse = row["chosen_origin"]["scores"], row["rejected_origin"]["scores"]
        assert row["chosen_origin"]["rejected_by"] == []
        assert all(best[gate] >= worse[gate] for gate in (BRIEF, GROUNDED)) and best != worse
    assert len({chosen for chosen, _ in sides(rows)}) <= 1
    assert len(rows) + bool(rows) + left.total() == len(scores)
