"""The first calls of each role, and what is said of them."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from actors.counts.advice import REMEDIES, advice_of
from actors.counts.firsts import LOOKED_AT
from actors.counts.issue_order import MOST_WAITING
from schemas.errors import ErrorKind
from schemas.firsts import FirstCause, FirstCount
from schemas.ids import PoolName
from schemas.ledger import AcceptedEnd, CorpusEnded, DeadLetteredEnd, Reconfigured, Record, Rejoined
from schemas.orders import Attempt, DeadLetter, EndReason
from schemas.progress import Counts, Summary
from schemas.samples import Candidate, MalformedReason
from schemas.verdicts import FAITHFULNESS, FORMAT, VERDICT_CUT_OFF, Errored, Rejected, Verdict
from tests.actors.counts.records import FAITHFUL, GOOD, UNFAITHFUL, counted, first, planned, repaired
from tests.doubles.attempts import candidate

NO_DRAFT = Rejected(FORMAT, 0.0, 1.0)


def malformed(reason: MalformedReason, text: str = "Well, ", why: str = "why") -> Attempt:
    written = replace(candidate("What?"), text=text, draft=None, malformed=why, malformed_reason=reason)
    return Attempt(1, None, written, (NO_DRAFT,))


def judged(*verdicts: Verdict) -> Attempt:
    return first(*verdicts)


def unanswered(detail: str) -> tuple[Attempt, DeadLetter]:
    return Attempt(1, None, None), DeadLetter(EndReason.ENGINE_ERROR, detail, error=ErrorKind.PERMANENT)


def summary_of(attempts: Sequence[Attempt], *more: Record) -> Summary:
    """Each attempt the first of its order."""
    plan, orders = planned(len(attempts))
    return counted(
        [plan, *(Rejoined(2.0, order.id, each) for order, each in zip(orders, attempts, strict=True)), *more]
    )


def said(attempts: Sequence[Attempt]) -> list[str]:
    return [advice.words for advice in advice_of(summary_of(attempts))]


DRAFT = judged(FAITHFUL, GOOD)


@pytest.mark.parametrize(
    ("reason", "text", "seen", "key"),
    [
        (MalformedReason.CUT_OFF, "Question: Wh", "were cut off:", "task.sampling.max_tokens"),
        (MalformedReason.CUT_OFF, "<think>Let me", "were cut off while thinking:", "enable_thinking: false"),
        (
            MalformedReason.UNFINISHED_THOUGHTS,
            "<think>So",
            "were cut off while thinking:",
            "pools.generator.engine.chat",
        ),
        (MalformedReason.EMPTY, "", "were empty:", "`gleaner models`"),
        (MalformedReason.NO_LABEL, "It is so.", "could not be read: no line", "task.examples"),
        (MalformedReason.BAD_JSON, "{", "could not be read: no line", "task.examples"),
        (MalformedReason.CONTROL_TEXT, "<|im_end|>", "hold control text: no line", "`gleaner models`"),
        (MalformedReason.TOO_LONG, "#### 1", "too long to be compared: no line", "max_characters"),
    ],
)
def test_half_of_the_first_completions_are_no_drafts(reason: MalformedReason, text: str, seen: str, key: str) -> None:
    """Four of eight: one paragraph says how many, why, and which key mends it."""
    bad = malformed(reason, text, "no line is labelled")
    (told,) = said([bad, DRAFT] * 4)
    assert told.startswith("4 of the first 8 completions of generator ") and seen in told and key in told
    assert said([bad] * 3 + [DRAFT] * 5) == []


@pytest.mark.parametrize(
    ("verdict", "seen", "key"),
    [
        (Errored(FAITHFULNESS, ErrorKind.NONSENSE, VERDICT_CUT_OFF), "were cut off:", "gates.faithfulness.max_tokens"),
        (
            Errored(FAITHFULNESS, ErrorKind.NONSENSE, "no JSON"),
            "could not be read: no JSON.",
            "gates.faithfulness.engine",
        ),
        (Errored(FAITHFULNESS, ErrorKind.REFUSED, "HTTP 404"), "were errors: HTTP 404.", "gates.faithfulness as"),
    ],
)
def test_half_of_the_first_verdicts_are_errors(verdict: Verdict, seen: str, key: str) -> None:
    """A judge that cannot judge is told apart from one that rejects."""
    (told,) = said([judged(verdict, GOOD), DRAFT] * 4)
    assert told.startswith("4 of the first 8 verdicts of faithfulness ") and seen in told and key in told


def test_a_gate_that_rejects_everything() -> None:
    """Eight of eight: a threshold, a label or a model that does not fit. Seven of eight may be a hard corpus."""
    (told,) = said([judged(UNFAITHFUL, GOOD)] * 8)
    assert told.startswith("8 of the first 8 verdicts of faithfulness rejected: ") and "positive_label" in told
    assert said([judged(UNFAITHFUL, GOOD)] * 7 + [DRAFT]) == []


def test_a_pool_that_does_not_answer() -> None:
    """Orders that end as engine_error, each with the same words."""
    plan, orders = planned(8)
    attempt, end = unanswered("a prompt of 700 tokens; the model reads 512")
    told = advice_of(counted([plan, *(DeadLetteredEnd(2.0, order.id, attempt, end) for order in orders)]))
    assert [advice.words.split(". ")[0] for advice in told] == [
        "8 of the first 8 calls of generator were not answered: a prompt of 700 tokens; the model reads 512"
    ]


def test_several_causes_are_one_paragraph() -> None:
    """The commonest is told, with its own number."""
    cut, empty = malformed(MalformedReason.CUT_OFF), malformed(MalformedReason.EMPTY)
    (told,) = said([cut, cut, cut, empty, *[DRAFT] * 4])
    assert told.startswith("3 of the first 8 completions of generator were cut off")


def test_only_the_first_are_looked_at() -> None:
    """What is said does not change with the run: whoever reads the ledger later reads the same."""
    cut = malformed(MalformedReason.CUT_OFF)
    summary = summary_of([cut] * LOOKED_AT + [DRAFT] * 20)
    assert FirstCount("generator", FirstCause.CUT_OFF, LOOKED_AT, "why") in summary.firsts
    assert {row.role for row in summary.firsts} == {"generator", "faithfulness", "reward"}
    assert said([DRAFT] * LOOKED_AT + [cut] * 20) == []


def test_what_is_rejected_soonest_is_not_looked_at_first() -> None:
    """A rejected query waits for no second one, so rejections are reported first. The first eight verdicts are those of
    the first eight orders; a budget that ends one of them, and an attempt at a repair, say nothing."""
    plan, orders = planned(24)
    soon = [Rejoined(2.0, order.id, judged(UNFAITHFUL)) for order in orders[6:]]
    assert counted([plan, *soon]).firsts == () and advice_of(counted([plan, *soon])) == ()
    later = [AcceptedEnd(9.0, order.id, judged(FAITHFUL)) for order in orders[:6]]
    again = DeadLetteredEnd(8.0, orders[6].id, None, DeadLetter(EndReason.BUDGET, "spent"))
    counts = {(row.role, row.cause): row.number for row in counted([plan, *soon, again, *later]).firsts}
    assert counts[("faithfulness", FirstCause.PASSED)] == 6 and counts[("faithfulness", FirstCause.REJECTED)] == 2


def test_an_order_that_never_reports_is_not_waited_for() -> None:
    """Its conductor hangs, or nobody wants its sample: what 32 others say of a broken gate is said."""
    plan, orders = planned(MOST_WAITING + 1)
    bad = [Rejoined(2.0, order.id, judged(UNFAITHFUL)) for order in orders[1:]]
    assert advice_of(counted([plan, *bad[:-1]])) == ()
    (told,) = advice_of(counted([plan, *bad]))
    assert told.what == "8 of the first 8 verdicts of faithfulness rejected"


def test_repairs_and_other_pools() -> None:
    """A repair's attempt says nothing of how fresh orders are asked for; another pool's first calls are looked at."""
    plan, (order, other) = planned(2)
    strong = replace(candidate("What else?"), pool=PoolName("strong"))
    summary = counted(
        [
            plan,
            Rejoined(2.0, order.id, judged(UNFAITHFUL, GOOD)),
            AcceptedEnd(3.0, order.id, replace(repaired(FAITHFUL, GOOD), candidate=strong)),
            AcceptedEnd(3.0, other.id, judged(FAITHFUL, GOOD)),
        ]
    )
    counts = {(row.role, row.cause): row.number for row in summary.firsts}
    assert counts[("generator", FirstCause.DRAFT)] == 2 and counts[("strong", FirstCause.DRAFT)] == 1
    assert (counts[("faithfulness", FirstCause.REJECTED)], counts[("faithfulness", FirstCause.PASSED)]) == (1, 1)


def test_a_completion_of_several_orders_counts_once() -> None:
    """One call that made three samples is one completion; its verdicts are three."""
    plan, orders = planned(3)
    paid = candidate("What?")
    each: list[Candidate] = [paid, *(replace(paid, paid_by=orders[0].id) for _ in orders[1:])]
    ends = [
        AcceptedEnd(2.0, order.id, Attempt(1, None, written, (FAITHFUL,)))
        for order, written in zip(orders, each, strict=True)
    ]
    counts = {row.role: row.number for row in counted([plan, *ends]).firsts}
    assert counts == {"generator": 1, "faithfulness": 3}


def test_a_changed_configuration_is_looked_at_anew() -> None:
    """`gleaner replay --config`: what was bad under the configuration before says nothing of this one."""
    summary = summary_of([malformed(MalformedReason.EMPTY)] * 8, Reconfigured(3.0, "before", {}, ("task",)))
    assert summary.firsts == () and advice_of(summary) == ()


def test_a_small_run_is_spoken_of_at_its_end() -> None:
    """Five samples of a preview: said once all have ended, for then no more will come. Three say nothing."""
    bad = malformed(MalformedReason.CUT_OFF)
    plan, orders = planned(5)
    ends = [DeadLetteredEnd(2.0, order.id, bad, DeadLetter(EndReason.REJECTED)) for order in orders]
    assert advice_of(counted([plan, *ends])) == ()
    (told,) = advice_of(counted([plan, *ends, CorpusEnded(3.0, 1, 1)]))
    assert told.what == "5 of the first 5 completions of generator were cut off"
    few = Summary(firsts=(FirstCount("generator", FirstCause.EMPTY, 3),), corpus_ended=True, counts=Counts(issued=3))
    assert advice_of(few) == ()


def test_there_are_words_for_every_cause() -> None:
    """All but the good ones."""
    assert REMEDIES.keys() == set(FirstCause) - {FirstCause.DRAFT, FirstCause.PASSED}
