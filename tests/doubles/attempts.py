"""Small passages, drafts and outcomes for tests of the queue and the ledger."""

from schemas.corpus import Passage, Provenance
from schemas.ids import DocumentId, OrderId, PoolName
from schemas.orders import Accept, Attempt, DeadLetter, EndReason, Lease, Order, Outcome, Requeue
from schemas.recovery import Choice, Diagnosis, Modes, Repair, Repairs
from schemas.samples import Candidate, Cost, Message, Sampling, answered
from schemas.verdicts import FAITHFULNESS, REWARD, Passed, Rejected

REPAIR = Repair(Repairs.STRICT_GROUNDING, temperature=0.3)
TOKENS_PER_ATTEMPT = 10


def passage(number: int) -> Passage:
    text = f"Passage number {number} states a fact."
    where = Provenance(
        f"memory://corpus#record={number}", DocumentId(f"d{number}"), f"{number:064x}", 0, len(text), "t"
    )
    return Passage.of(text, where)


def orders(of: Passage, count: int) -> list[Order]:
    return [Order.fresh(of.id, "grounded_answer", slot) for slot in range(count)]


def candidate(question: str) -> Candidate:
    return Candidate(
        pool=PoolName("generator"),
        prompt=(Message("user", "ask"),),
        sampling=Sampling(),
        text=f"Question: {question}\nAnswer: a fact",
        draft=answered(question=question, answer="a fact"),
        cost=Cost(prompt_tokens=TOKENS_PER_ATTEMPT - 3, completion_tokens=3, seconds=0.1),
    )


def accepted(lease: Lease, question: str | None = None) -> Outcome:
    verdicts = (Passed(FAITHFULNESS, 0.9, 0.5), Passed(REWARD, 0.9, 0.5))
    attempt = Attempt(lease.attempt, lease.repair, candidate(question or f"What of {lease.order.id}?"), verdicts)
    return Outcome(lease.order.id, attempt, Accept())


def rejected(lease: Lease) -> Outcome:
    verdicts = (Rejected(FAITHFULNESS, 0.1, 0.5), Passed(REWARD, 0.9, 0.5))
    attempt = Attempt(
        lease.attempt,
        lease.repair,
        candidate(f"What of {lease.order.id}?"),
        verdicts,
        diagnosis=Diagnosis(Modes.PARAMETRIC, 0.8),
        choice=Choice("rules", REPAIR),
    )
    return Outcome(lease.order.id, attempt, Requeue(REPAIR))


def given_up(lease: Lease) -> Outcome:
    end = DeadLetter(EndReason.REJECTED, "stopped", gates=(FAITHFULNESS,))
    return Outcome(lease.order.id, rejected(lease).attempt, end)


def unknown_order(lease: Lease) -> Outcome:
    return Outcome(OrderId("0" * 32), accepted(lease).attempt, Accept())
