"""Problems, solutions of several steps and outcomes for tests of credit."""

from schemas.corpus import Passage, Provenance
from schemas.ids import DocumentId, PoolName
from schemas.orders import Accept, Attempt, DeadLetter, EndReason, Lease, Order, Outcome, Requeue
from schemas.recovery import Choice, Diagnosis, Modes, Repair, Repairs
from schemas.samples import Candidate, Cost, Message, Sampling, answered
from schemas.verdicts import PROVENANCE, VERIFIER, Passed, Rejected

RESAMPLE = Repair(Repairs.RESAMPLE, temperature=0.7)
TOKENS = 10


def problem(number: int) -> Passage:
    text = f"What is {number} + {number}?"
    where = Provenance(
        f"memory://problems#record={number}", DocumentId(f"p{number}"), f"{number:064x}", 0, len(text), "t"
    )
    return Passage.of(text, where, str(2 * number))


def orders(of: Passage, count: int) -> list[Order]:
    return [Order.fresh(of.id, "math", slot) for slot in range(count)]


def solution(steps: int, *, variant: int = 0) -> str:
    """Solutions of one variant share their steps as far as both go."""
    lines = [f"Step {step} of way {variant}." for step in range(1, steps)]
    return "\n".join([*lines, f"#### {variant}"])


def attempt(lease: Lease, answer: str, *, right: bool) -> Attempt:
    prefix = "" if lease.repair is None else lease.repair.prefix
    candidate = Candidate(
        pool=PoolName("generator"),
        prompt=(Message("user", lease.passage.text),),
        sampling=Sampling(),
        text=answer.removeprefix(prefix),
        draft=answered(lease.passage.text, answer),
        cost=Cost(prompt_tokens=TOKENS - 3, completion_tokens=3, seconds=0.1),
    )
    said = Passed if right else Rejected
    verdicts = (Passed(PROVENANCE, 1.0, 1.0), said(VERIFIER, float(right), 1.0))
    return Attempt(lease.attempt, lease.repair, candidate, verdicts)


def solved(lease: Lease, answer: str = "#### 0") -> Outcome:
    return Outcome(lease.order.id, attempt(lease, answer, right=True), Accept())


def wrong(lease: Lease, answer: str) -> Outcome:
    made = attempt(lease, answer, right=False)
    made = Attempt(
        made.number,
        made.repair,
        made.candidate,
        made.verdicts,
        diagnosis=Diagnosis(Modes.WRONG_ANSWER, 0.95),
        choice=Choice("rules", RESAMPLE),
    )
    return Outcome(lease.order.id, made, Requeue(RESAMPLE))


def given_up(lease: Lease, answer: str) -> Outcome:
    end = DeadLetter(EndReason.REJECTED, "stopped", gates=(VERIFIER,))
    return Outcome(lease.order.id, wrong(lease, answer).attempt, end)


def rolled(lease: Lease, *, right: bool) -> Outcome:
    """What a conductor reports of a rollout whose answer was compared."""
    assert lease.repair is not None
    made = attempt(lease, lease.repair.prefix + "so #### 1", right=right)
    end = Accept() if right else DeadLetter(EndReason.REJECTED, gates=(VERIFIER,))
    return Outcome(lease.order.id, made, end)


def unanswered(lease: Lease) -> Outcome:
    """Of an order or a rollout whose engine failed for good."""
    return Outcome(lease.order.id, Attempt(lease.attempt, lease.repair, None), DeadLetter(EndReason.ENGINE_ERROR))
