"""The record that a report on an order becomes, or that ends an order that no report ends.

Law: pure; a record holds all that a replay needs. Rollouts are ended by `credits`, and probes by records of their own
(`probes`).
"""

from actors.ledger.attempts import tokens
from actors.queue.aim import Need
from actors.queue.held import Held, QueueLimits
from schemas.ledger import (
    AcceptedEnd,
    Credited,
    DeadLetteredEnd,
    NotNeededEnd,
    ProbeEnded,
    ProbeRejoined,
    Record,
    Rejoined,
    Rescored,
    Rolled,
)
from schemas.orders import Accept, DeadLetter, EndReason, Outcome, Requeue
from schemas.verdicts import Rejected

COST_REACHED = DeadLetter(EndReason.BUDGET, "the budget's cost is reached")
BUDGET_SPENT = DeadLetter(EndReason.BUDGET, "the token budget is spent")
NOT_NEEDED = "the run wants no more samples"
EndRecord = AcceptedEnd | Rescored | DeadLetteredEnd | NotNeededEnd | Rolled | ProbeEnded
"""After one of these an order is forgotten."""
Move = Rejoined | ProbeRejoined | EndRecord
"""One transition of one order."""


def sample_record(
    held: Held, outcome: Outcome, now: float, limits: QueueLimits, *, spent: int, need: Need
) -> Rejoined | EndRecord:
    """The record of a report on an order of a sample. `spent`: tokens before this attempt."""
    order_id, attempt = held.order.id, outcome.attempt
    if need is Need.NOTHING or (need is Need.LAST and isinstance(outcome.decision, Requeue)):
        return NotNeededEnd(now, order_id, attempt)
    match outcome.decision:
        case Accept():
            return AcceptedEnd(now, order_id, attempt)
        case DeadLetter() as end:
            return DeadLetteredEnd(now, order_id, attempt, end)
        case Requeue() if held.attempt - held.attempts_before >= limits.max_attempts:
            gates = tuple(verdict.gate for verdict in attempt.verdicts if isinstance(verdict, Rejected))
            made = held.attempt - held.attempts_before
            end = DeadLetter(EndReason.REJECTED, f"all {made} attempts were rejected", gates)
            return DeadLetteredEnd(now, order_id, attempt, end)
        case Requeue() if limits.tokens is not None and spent + tokens(attempt) >= limits.tokens:
            return DeadLetteredEnd(now, order_id, attempt, BUDGET_SPENT)
        case Requeue():
            return Rejoined(now, order_id, attempt)


def tokens_of(record: EndRecord) -> int:
    """The tokens that an end adds to those spent."""
    match record:
        case AcceptedEnd():
            return tokens(record.attempt)
        case DeadLetteredEnd() | NotNeededEnd() | ProbeEnded():
            return 0 if record.attempt is None else tokens(record.attempt)
        case Rolled():
            return record.cost.tokens
        case Rescored():
            return 0


def is_reported(record: EndRecord) -> bool:
    """Whether an end came from a report on an attempt."""
    match record:
        case AcceptedEnd() | Rolled():
            return True
        case DeadLetteredEnd() | NotNeededEnd() | ProbeEnded():
            return record.attempt is not None
        case Rescored():
            return False


def is_same_label(kept: Record, credited: Credited) -> bool:
    """Whether both are the label of the same solution."""
    return (
        isinstance(kept, Credited)
        and kept.order_id == credited.order_id
        and kept.label.attempt == credited.label.attempt
    )
