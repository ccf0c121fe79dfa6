"""Why attempts were rejected, and what repairs were worth."""

from msgspec.structs import replace

from actors.ledger.attempts import generation_cost
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Rejoined
from schemas.orders import Attempt, DeadLetter, EndReason, cost_of
from schemas.progress import (
    MalformedCount,
    ModeCount,
    RepairStat,
)
from schemas.recovery import Diagnosis, Modes, Repairs
from schemas.samples import MalformedReason
from schemas.verdicts import FORMAT, Rejected
from tests.actors.counts.records import FAITHFUL, GOOD, INVENTED, UNFAITHFUL, counted, first, planned, repaired
from tests.doubles.attempts import candidate


def test_a_repair_is_credited_to_the_diagnosis_it_was_chosen_for() -> None:
    """Diagnosed as parametric, asked to ground strictly, accepted once of two tries; both are paid for, gates too."""
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
    paid = cost_of(repaired(FAITHFUL, GOOD)).tokens + cost_of(again).tokens
    assert paid > generation_cost(again).tokens
    assert summary.repairs == (RepairStat(Modes.PARAMETRIC, Repairs.STRICT_GROUNDING, 2, 1, tokens=paid),)
    assert summary.modes == (ModeCount(Modes.PARAMETRIC, 2), ModeCount(Modes.UNKNOWN, 1))


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
