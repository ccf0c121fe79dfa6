"""A solution cut into its steps for credit. Law: its prefixes end where `actors.text.steps` cuts."""

from actors.text.steps import steps
from schemas.credit import CreditTarget
from schemas.ids import OrderId, PassageId


def target_of(passage_id: PassageId, order_id: OrderId, attempt: int, solution: str) -> CreditTarget:
    """The target for the rejected solution of one attempt."""
    ends = tuple(step.end for step in steps(solution))
    return CreditTarget(passage_id, order_id, attempt, solution, ends)
