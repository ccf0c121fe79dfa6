"""What models took: by role, and by what the attempt came to."""

from msgspec.structs import replace

from schemas.distributions import AttemptEnd
from schemas.ids import PoolName
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Rejoined
from schemas.orders import DeadLetter, EndReason
from schemas.progress import (
    GateVerdicts,
)
from schemas.verdicts import FAITHFULNESS, PROVENANCE, REWARD, Passed
from tests.actors.counts.records import BROKEN, FAITHFUL, GOOD, UNFAITHFUL, counted, first, planned, repaired
from tests.doubles.attempts import candidate


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
    ends = (AttemptEnd.ACCEPTED, AttemptEnd.REJECTED, AttemptEnd.ERRORED)
    assert [spent[("faithfulness", end)] for end in ends] == [20, 20, 20]
    assert [spent[("reward", end)] for end in ends] == [5, 5, 0]
    for cost in summary.roles:
        assert sum(each.calls for each in summary.spent if each.role == cost.role) == cost.calls == 3
    assert summary.verdicts == (
        GateVerdicts(FAITHFULNESS, passed=1, rejected=2, errored=0),
        GateVerdicts(REWARD, passed=2, rejected=0, errored=1),
    )
