"""A credited solution as a person reads it: each step with what rollouts said of it, and where it broke."""

from io import StringIO

import pytest
from rich.console import Console, RenderableType

from actors.credit.plan import CreditPlan, RolloutOwner
from actors.credit.targets import target_of
from actors.ledger.history import life_of
from deployments.terminal.life import life_view
from schemas.config_credit import Credit
from schemas.credit import PolicyVersion
from schemas.ledger import AcceptedEnd, Credited, Planned, Rejoined
from schemas.orders import Lease, Order
from schemas.recovery import Repair, Repairs
from tests.doubles.solutions import orders, problem, solution, solved, wrong


def drawn(view: RenderableType, width: int) -> str:
    page = StringIO()
    Console(file=page, width=width, force_terminal=False, color_system=None).print(view)
    return page.getvalue()


def credited_life(order: Order) -> list[Planned | Rejoined | Credited | AcceptedEnd]:
    """Rejected, credited, restarted behind step 2, accepted."""
    passage, text = problem(1), solution(4)
    first = wrong(Lease(order, passage, 1, 0.0), text)
    plan = CreditPlan(target_of(passage.id, order.id, 1, text), Credit(), {})
    while not plan.done:
        for ask in plan.next():
            plan.learn(ask, ask.steps <= 2)
    label = plan.label(RolloutOwner(PolicyVersion("generator: tiny (T 0.7)"), 3))
    repair = Repair(Repairs.RESTART_FROM_PREFIX, 0.7, prefix=plan.target.prefix(2), origin=1)
    second = solved(Lease(order, passage, 2, 0.0, repair), plan.target.prefix(2) + "#### 2")
    return [
        Planned(0.0, passage, (order,)),
        Rejoined(1.0, order.id, first.attempt),
        Credited(2.0, order.id, label),
        AcceptedEnd(3.0, order.id, second.attempt),
    ]


@pytest.mark.parametrize("width", [60, 120])
def test_explain_shows_where_a_solution_broke(width: int) -> None:
    """Beside the attempt that was wrong: every step, its Q with n and k, and the first pit; then the restart."""
    (order,) = orders(problem(1), 1)
    text = drawn(life_view(life_of(order.id, credited_life(order))), width)
    told = " ".join(text.split())
    assert "first pit: step 3" in told
    assert "restart_from_prefix of attempt 1 at T 0.7" in told
    assert "the problem itself" in told
    for step in (1, 2, 3):
        assert f"Step {step} of way 0." in told
    assert all(len(line) <= width for line in text.splitlines())
    assert told.index("attempt 1") < told.index("first pit") < told.index("attempt 2")
