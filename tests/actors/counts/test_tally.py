"""The one fold: what each record adds, held against hand counts and against a second, naive way of counting."""

from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.counts.tally import Tally
from schemas.corpus import DocumentRefused, RefusalReason
from schemas.distributions import AttemptEnd
from schemas.errors import ErrorKind, LedgerError
from schemas.ids import PoolName
from schemas.ledger import AcceptedEnd, CorpusEnded, DeadLetteredEnd, Planned, Record, Refused, Rejoined, RunStarted
from schemas.orders import Attempt, DeadLetter, EndReason, Order, OrderKind
from schemas.overlap import GateOverlap
from schemas.progress import (
    Counts,
    EndCount,
    EngineErrors,
    GateErrors,
    GateVerdicts,
    KindCount,
    MalformedCount,
    ModeCount,
    RepairStat,
    Summary,
)
from schemas.recovery import Diagnosis, Modes, Repairs
from schemas.samples import Cost, MalformedReason
from schemas.verdicts import FAITHFULNESS, FORMAT, PROVENANCE, REWARD, Errored, Passed, Rejected, Verdict
from tests.doubles.attempts import REPAIR, candidate, orders, passage
from tests.doubles.ledgers import Scale, plausible_run

ONE = passage(1)
FAITHFUL = Passed(FAITHFULNESS, 0.9, 0.5, cost=Cost(prompt_tokens=20, seconds=0.2))
UNFAITHFUL = Rejected(FAITHFULNESS, 0.1, 0.5, cost=Cost(prompt_tokens=20, seconds=0.2))
GOOD = Passed(REWARD, 0.9, 0.5, cost=Cost(prompt_tokens=5, seconds=0.1))
POOR = Rejected(REWARD, 0.2, 0.5, cost=Cost(prompt_tokens=5, seconds=0.1))
BROKEN = Errored(REWARD, ErrorKind.NONSENSE, "no score")
INVENTED = Diagnosis(Modes.PARAMETRIC, 0.8)


def counted(records: Iterable[Record]) -> Summary:
    tally = Tally()
    for record in records:
        tally.apply(record)
    return tally.summary()


def planned(slots: int) -> tuple[Planned, list[Order]]:
    made = orders(ONE, slots)
    return Planned(1.0, ONE, tuple(made)), made


def first(*verdicts: Verdict) -> Attempt:
    return Attempt(1, None, candidate("What?"), verdicts)


def repaired(*verdicts: Verdict) -> Attempt:
    return Attempt(2, REPAIR, candidate("What else?"), verdicts)


def test_nothing_yet_counts_as_nothing() -> None:
    """A run that has just begun: rates are 0, not a division by zero."""
    summary = counted([])
    assert summary == Summary()
    assert (summary.counts.yield_, summary.counts.recovery_rate, summary.overlap.jaccard, summary.tokens) == (
        0,
        0,
        0,
        0,
    )


def test_a_rejected_order_that_is_accepted_later_is_recovered() -> None:
    """Three orders: one at first pass, one recovered, one rejected for good; a fourth is still outstanding."""
    plan, (straight, recovered, lost, _) = planned(4)
    diagnosed = replace(first(UNFAITHFUL, GOOD), diagnosis=INVENTED)
    end = DeadLetter(EndReason.REJECTED, "stopped")
    counts = counted(
        [
            plan,
            AcceptedEnd(2.0, straight.id, first(FAITHFUL, GOOD)),
            Rejoined(3.0, recovered.id, diagnosed),
            DeadLetteredEnd(4.0, lost.id, diagnosed, end),
            AcceptedEnd(5.0, recovered.id, repaired(FAITHFUL, GOOD)),
        ]
    ).counts
    assert counts == Counts(
        issued=4, accepted=2, dead_lettered=1, outstanding=1, first_pass=1, rejected=2, recovered=1, attempts=4
    )
    assert (counts.yield_, counts.recovery_rate) == (0.5, 0.5)


def test_an_order_rejected_twice_is_one_rejected_order() -> None:
    """Rejections are counted by order, attempts by attempt."""
    plan, (order,) = planned(1)
    again = Rejoined(3.0, order.id, repaired(UNFAITHFUL, GOOD))
    counts = counted([plan, Rejoined(2.0, order.id, first(UNFAITHFUL, GOOD)), again]).counts
    assert (counts.rejected, counts.attempts, counts.outstanding) == (1, 2, 1)


def test_an_error_is_no_rejection() -> None:
    """The reward model broke: the order ends as a gate error; the rejected count and the overlap do not move."""
    plan, (order,) = planned(1)
    end = DeadLetter(EndReason.GATE_ERROR, "no score", (REWARD,), ErrorKind.NONSENSE)
    summary = counted([plan, DeadLetteredEnd(2.0, order.id, first(FAITHFUL, BROKEN), end)])
    assert (summary.counts.rejected, summary.overlap.scored) == (0, 0)
    assert summary.errors == (GateErrors(REWARD, ErrorKind.NONSENSE, 1),)
    assert summary.ends == (EndCount(EndReason.GATE_ERROR, 1),)


def test_an_order_that_was_only_interrupted_is_not_recovered() -> None:
    """A later attempt alone is no recovery: there was nothing to recover from."""
    plan, (order,) = planned(1)
    accepted = AcceptedEnd(3.0, order.id, repaired(FAITHFUL, GOOD))
    counts = counted([plan, Rejoined(2.0, order.id, first(FAITHFUL, BROKEN)), accepted]).counts
    assert (counts.rejected, counts.recovered, counts.first_pass, counts.accepted) == (0, 0, 0, 1)


def test_an_order_that_ends_without_an_attempt_is_counted_once() -> None:
    """The budget was spent before anybody worked on it."""
    plan, (order,) = planned(1)
    counts = counted([plan, DeadLetteredEnd(2.0, order.id, None, DeadLetter(EndReason.BUDGET))]).counts
    assert (counts.dead_lettered, counts.attempts, counts.outstanding) == (1, 0, 0)


def test_the_gates_rejections_overlap_over_attempts_that_both_scored() -> None:
    """Two rejected by both, one by faithfulness alone, one by reward alone; one not scored by both is out."""
    plan, made = planned(6)
    said = [
        (UNFAITHFUL, POOR),
        (UNFAITHFUL, POOR),
        (UNFAITHFUL, GOOD),
        (FAITHFUL, POOR),
        (UNFAITHFUL,),
        (FAITHFUL, GOOD),
    ]
    rejoined = [Rejoined(2.0, order.id, first(*verdicts)) for order, verdicts in zip(made, said, strict=True)]
    overlap = counted([plan, *rejoined]).overlap
    assert overlap == GateOverlap(scored=5, both=2, only_faithfulness=1, only_reward=1)
    assert overlap.jaccard == 0.5


def test_tokens_and_seconds_go_to_the_role_that_took_them() -> None:
    """Two pools by their names, two gates; provenance needs no model and costs nothing."""
    plan, (order,) = planned(1)
    large = replace(candidate("What?"), pool=PoolName("large"))
    grounded = Passed(PROVENANCE, 1.0, 1.0)
    escalated = replace(repaired(grounded, FAITHFUL, GOOD), candidate=large)
    summary = counted(
        [plan, Rejoined(2.0, order.id, first(grounded, UNFAITHFUL, GOOD)), AcceptedEnd(3.0, order.id, escalated)]
    )
    assert [(cost.role, cost.calls, cost.prompt_tokens, cost.completion_tokens) for cost in summary.roles] == [
        ("faithfulness", 2, 40, 0),
        ("generator", 1, 7, 3),
        ("large", 1, 7, 3),
        ("reward", 2, 10, 0),
    ]
    assert summary.tokens == 70
    assert next(cost.seconds for cost in summary.roles if cost.role == "faithfulness") == 0.4


def test_spend_is_told_by_what_the_attempt_came_to() -> None:
    """Three attempts: accepted, rejected, and one whose reward model broke; of each role they add up to its cost."""
    plan, (good, bad, broken) = planned(3)
    summary = counted(
        [
            plan,
            AcceptedEnd(2.0, good.id, first(FAITHFUL, GOOD)),
            Rejoined(2.0, bad.id, first(UNFAITHFUL, GOOD)),
            DeadLetteredEnd(2.0, broken.id, first(UNFAITHFUL, BROKEN), DeadLetter(EndReason.GATE_ERROR)),
        ]
    )
    spent = {(each.role, each.end): each.prompt_tokens for each in summary.spent}
    assert [spent[("faithfulness", end)] for end in AttemptEnd] == [20, 20, 20]
    assert [spent[("reward", end)] for end in AttemptEnd] == [5, 5, 0]
    for cost in summary.roles:
        assert sum(each.calls for each in summary.spent if each.role == cost.role) == cost.calls == 3
    assert summary.verdicts == (
        GateVerdicts(FAITHFULNESS, passed=1, rejected=2, errored=0),
        GateVerdicts(REWARD, passed=2, rejected=0, errored=1),
    )


def test_orders_are_told_by_kind_and_an_engines_failure_by_its_own() -> None:
    """A fresh order whose generator never answered, and a canary that is accepted."""
    made = [orders(ONE, 1)[0], replace(orders(ONE, 2)[1], kind=OrderKind.CANARY)]
    end = DeadLetter(EndReason.ENGINE_ERROR, "timed out", error=ErrorKind.RETRYABLE)
    summary = counted(
        [
            Planned(1.0, ONE, tuple(made)),
            DeadLetteredEnd(2.0, made[0].id, Attempt(1, None, None), end),
            AcceptedEnd(2.0, made[1].id, first(FAITHFUL, GOOD)),
        ]
    )
    assert summary.kinds == (
        KindCount(OrderKind.FRESH, 1, 0, (EndCount(EndReason.ENGINE_ERROR, 1),)),
        KindCount(OrderKind.CANARY, 1, 1),
    )
    assert summary.engine_errors == (EngineErrors(ErrorKind.RETRYABLE, 1),)


def test_an_end_that_cannot_be_is_no_count() -> None:
    """A damaged ledger ends an order twice: the second is refused instead of making outstanding orders negative."""
    plan, (order,) = planned(1)
    end = AcceptedEnd(2.0, order.id, first(FAITHFUL, GOOD))
    with pytest.raises(LedgerError, match=order.id):
        counted([plan, end, end])


def test_a_repair_is_credited_to_the_diagnosis_it_was_chosen_for() -> None:
    """Diagnosed as parametric, asked to ground strictly, accepted once of two tries."""
    plan, (saved, lost) = planned(2)
    diagnosed = replace(first(UNFAITHFUL, GOOD), diagnosis=INVENTED)
    again = replace(repaired(UNFAITHFUL, GOOD), diagnosis=Diagnosis(Modes.UNKNOWN, 0.3))
    summary = counted(
        [
            plan,
            Rejoined(2.0, saved.id, diagnosed),
            Rejoined(2.0, lost.id, diagnosed),
            AcceptedEnd(3.0, saved.id, repaired(FAITHFUL, GOOD)),
            DeadLetteredEnd(3.0, lost.id, again, DeadLetter(EndReason.REJECTED)),
        ]
    )
    assert summary.repairs == (RepairStat(Modes.PARAMETRIC, Repairs.STRICT_GROUNDING, tried=2, accepted=1),)
    assert summary.modes == (ModeCount(Modes.PARAMETRIC, 2), ModeCount(Modes.UNKNOWN, 1))


def test_a_resumed_run_keeps_its_first_start() -> None:
    """Killed and started again: the run began when it first began, and reading the corpus again ends it once more."""
    bad = Refused(12.0, DocumentRefused("a.txt", RefusalReason.EMPTY, "no text"))
    summary = counted([RunStarted(10.0, "c", {}), CorpusEnded(11.0, 1, 0), RunStarted(12.0, "c", {}), bad])
    assert (summary.started_at, summary.last_at, summary.corpus_ended) == (10.0, 12.0, True)
    assert summary.counts.refused_documents == 1


@given(seed=st.integers(0, 2**20), finished=st.sampled_from([0.3, 1.0]), cut=st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_any_prefix_of_a_run_is_conserved_and_agrees_with_naive_counting(
    seed: int, finished: float, cut: float
) -> None:
    """Looked at in any moment of any run: issued = accepted + dead-lettered + outstanding, and no count drifts."""
    whole = list(plausible_run(seed, Scale(passages=12, finished=finished)))
    records = whole[: round(cut * len(whole))]
    counts = counted(records).counts
    assert counts.issued == counts.accepted + counts.dead_lettered + counts.outstanding
    assert counts == naive(records)


def naive(records: list[Record]) -> Counts:
    """The same counts the slow way: each order's whole life at a time."""
    kinds = Counter(type(record) for record in records)
    lives: dict[str, list[Rejoined | AcceptedEnd | DeadLetteredEnd]] = {}
    for record in records:
        if isinstance(record, Rejoined | AcceptedEnd | DeadLetteredEnd):
            lives.setdefault(record.order_id, []).append(record)
    issued = sum(len(record.orders) for record in records if isinstance(record, Planned))
    refused = [life for life in lives.values() if any(_rejected(step) for step in life)]
    ended = kinds[AcceptedEnd] + kinds[DeadLetteredEnd]
    return Counts(
        issued=issued,
        accepted=kinds[AcceptedEnd],
        dead_lettered=kinds[DeadLetteredEnd],
        outstanding=issued - ended,
        first_pass=sum(len(life) == 1 and isinstance(life[0], AcceptedEnd) for life in lives.values()),
        rejected=len(refused),
        recovered=sum(isinstance(life[-1], AcceptedEnd) for life in refused),
        attempts=sum(step.attempt is not None for life in lives.values() for step in life),
        refused_documents=kinds[Refused],
    )


def _rejected(step: Rejoined | AcceptedEnd | DeadLetteredEnd) -> bool:
    return step.attempt is not None and any(isinstance(verdict, Rejected) for verdict in step.attempt.verdicts)


def test_malformed_attempts_are_counted_by_their_reason() -> None:
    """Of an order's three attempts one was cut off and one had no answer: an old record without a reason is in none."""
    plan, (order,) = planned(1)
    none = Rejected(FORMAT, 0.0, 1.0)
    diagnosis = Diagnosis(Modes.MALFORMED, 0.95)
    tried = [
        Attempt(
            number,
            None,
            replace(candidate("What?"), draft=None, malformed="why", malformed_reason=reason),
            (none,),
            diagnosis,
        )
        for number, reason in enumerate((MalformedReason.CUT_OFF, None, MalformedReason.NO_ANSWER), 1)
    ]
    summary = counted([plan, *(Rejoined(2.0, order.id, attempt) for attempt in tried)])
    assert summary.modes == (ModeCount(Modes.MALFORMED, 3),)
    assert summary.malformed == (
        MalformedCount(MalformedReason.CUT_OFF, 1),
        MalformedCount(MalformedReason.NO_ANSWER, 1),
    )
