"""What becomes of an order: the record that a report on it makes, or that a spent budget makes of one nobody works on.

Law: pure; a record says all that a replay needs. Rollouts are ended by whoever asked for them (`credits`).
"""

from collections.abc import Mapping

from msgspec import Struct

from actors.ledger.attempts import tokens
from actors.queue.held import Held, QueueLimits
from schemas.canaries import CanaryEnd
from schemas.ledger import AcceptedEnd, CanaryEnded, DeadLetteredEnd, Rejoined, Rescored, Rolled
from schemas.orders import Accept, Attempt, DeadLetter, EndReason, Outcome, Requeue
from schemas.samples import Cost
from schemas.verdicts import PROVENANCE, Errored, GateName, Rejected

BUDGET_SPENT = DeadLetter(EndReason.BUDGET, "the token budget is spent")
EndRecord = AcceptedEnd | Rescored | DeadLetteredEnd | Rolled | CanaryEnded
"""After one of these an order is forgotten."""


class ProbeTerms(Struct, frozen=True):
    """What the queue says of probes. `task`: of their orders; `judges`: the version of each gate that is measured;
    `kinds`: the usual gate that each is like, where that is another."""

    task: str = "probe"
    judges: Mapping[GateName, str] = {}
    kinds: Mapping[GateName, GateName] = {}


def sample_record(held: Held, outcome: Outcome, now: float, limits: QueueLimits, spent: int) -> Rejoined | EndRecord:
    """Of a sample. `spent`: tokens before this attempt."""
    order_id, attempt = held.order.id, outcome.attempt
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


def probe_record(held: Held, outcome: Outcome, now: float, terms: ProbeTerms) -> CanaryEnded:
    """Of a probe, whoever reports first."""
    canary, attempt, decision = held.canary, outcome.attempt, outcome.decision
    assert canary is not None, held.told()
    candidate, injected = attempt.candidate, attempt.injected
    failed = isinstance(decision, DeadLetter) and decision.reason is EndReason.INTERNAL_ERROR
    asked = {verdict.gate for verdict in attempt.verdicts}
    return CanaryEnded(
        at=now,
        order_id=canary.id,
        end=CanaryEnd.FAILED if failed else _measured(attempt),
        label=canary.label,
        origin=canary.origin,
        flaw=canary.flaw if injected is None else injected.kind,
        gate=canary.gate,
        draft=None if candidate is None else candidate.draft,
        verdicts=attempt.verdicts,
        judges={gate: version for gate, version in terms.judges.items() if gate in asked},
        kinds={gate: kind for gate, kind in terms.kinds.items() if gate != kind and gate in asked},
        cost=Cost() if candidate is None else candidate.cost,
        detail=decision.detail if isinstance(decision, DeadLetter) else "",
    )


def unjudged(held: Held, now: float, detail: str) -> CanaryEnded:
    """Of a probe that nobody works on when the budget is spent."""
    canary = held.canary
    assert canary is not None, held.told()
    return CanaryEnded(now, canary.id, CanaryEnd.BUDGET, canary.label, canary.origin, detail=detail)


def tokens_of(record: EndRecord) -> int:
    """What an end takes of the budget."""
    match record:
        case AcceptedEnd():
            return tokens(record.attempt)
        case DeadLetteredEnd():
            return 0 if record.attempt is None else tokens(record.attempt)
        case Rolled():
            return record.cost.tokens
        case CanaryEnded():
            return record.tokens
        case Rescored():
            return 0


def is_reported(record: EndRecord) -> bool:
    """Whether an end is somebody's report on an attempt."""
    match record:
        case AcceptedEnd() | Rolled():
            return True
        case DeadLetteredEnd():
            return record.attempt is not None
        case CanaryEnded():
            return record.end is not CanaryEnd.BUDGET
        case Rescored():
            return False


def _measured(attempt: Attempt) -> CanaryEnd:
    if not attempt.verdicts:
        return CanaryEnd.UNVERIFIED
    models = [said for said in attempt.verdicts if said.gate != PROVENANCE]
    return CanaryEnd.ERRORED if all(isinstance(said, Errored) for said in models) else CanaryEnd.JUDGED
