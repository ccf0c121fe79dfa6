"""Orders and how they ended: recovered, rejected, errored, by kind."""

from msgspec.structs import replace

from schemas.errors import ErrorKind
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Rejoined
from schemas.orders import Attempt, DeadLetter, EndReason, OrderKind
from schemas.progress import (
    Counts,
    EndCount,
    EngineErrors,
    GateErrors,
    KindCount,
)
from schemas.verdicts import REWARD
from tests.actors.counts.records import (
    BROKEN,
    FAITHFUL,
    GOOD,
    INVENTED,
    ONE,
    UNFAITHFUL,
    counted,
    first,
    planned,
    repaired,
)
from tests.doubles.attempts import orders


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


def test_orders_are_told_by_kind_and_an_engines_failure_by_its_own() -> None:
    """A fresh order whose generator never answered, and another kind of order that is accepted."""
    made = [orders(ONE, 1)[0], replace(orders(ONE, 2)[1], kind=OrderKind.ROLLOUT)]
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
        KindCount(OrderKind.ROLLOUT, 1, 1),
    )
    assert summary.engine_errors == (EngineErrors(ErrorKind.RETRYABLE, 1),)
