"""Problems with solutions as a math run leaves them: right and wrong ones, restarts, labels of steps."""

from collections.abc import Sequence

from msgspec.structs import replace

from actors.text.steps import steps
from schemas.corpus import Passage, Provenance
from schemas.credit import CreditLabel, PitRule, PolicyVersion, PrefixValue, Stop, StrategyName
from schemas.ids import DocumentId, OrderId, PoolName, content_id
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Record, Rejoined
from schemas.orders import Attempt, DeadLetter, EndReason, Order
from schemas.recovery import Choice, Diagnosis, Modes, Repair, Repairs
from schemas.samples import Candidate, Cost, Message, Sampling, answered
from schemas.verdicts import PROVENANCE, VERIFIER, Passed, Rejected

AT = 1_760_000_000.0
POLICY = PolicyVersion("generator/small/T=0.7")
WORKED = "She buys 2 bags of 3.\n2*3=6\nShe eats 1.\n6-1=5\n#### 5"


def problem(number: int, reference: str = WORKED) -> Passage:
    """A problem with its reference."""
    text = f"Problem {number}: she buys 2 bags of 3 apples and eats 1. How many are left?"
    where = Provenance(
        f"file:///p.jsonl#record={number}", DocumentId(f"p{number}"), content_id(text) * 2, 0, len(text), "whole/1"
    )
    return Passage.of(text, where, reference)


def run_of(of: Passage, lives: Sequence[Sequence[str]], *, solved: Sequence[bool] | None = None) -> list[Record]:
    """A problem's records: each life is its attempts' solutions; the last is right where `solved` says so."""
    orders = tuple(Order(OrderId(content_id("order", of.id, slot)), of.id, "math", slot) for slot in range(len(lives)))
    records: list[Record] = [Planned(AT, of, orders)]
    for order, life, right in zip(orders, lives, solved or [True] * len(lives), strict=True):
        records += _life(of, order, life, right)
    return records


def attempt_of(of: Passage, number: int, solution: str, *, right: bool) -> Attempt:
    """An attempt that the verifier judged."""
    repair = None if number == 1 else Repair(Repairs.RESAMPLE, 0.7)
    candidate = Candidate(
        pool=PoolName("generator"),
        prompt=(Message("system", "Solve it."), Message("user", of.text)),
        sampling=Sampling(seed=number),
        text=solution,
        draft=answered(of.text, solution),
        cost=Cost(prompt_tokens=20, completion_tokens=30),
    )
    verdict = Passed(VERIFIER, 1.0, 1.0) if right else Rejected(VERIFIER, 0.0, 1.0)
    attempt = Attempt(number, repair, candidate, (Passed(PROVENANCE, 1.0, 1.0), verdict))
    if right:
        return attempt
    diagnosis = Diagnosis(Modes.WRONG_ANSWER, 1.0)
    return replace(attempt, diagnosis=diagnosis, choice=Choice("rules", Repair(Repairs.RESAMPLE, 0.7)))


def label_of(order_id: str, attempt: int, solution: str, qs: Sequence[float | None], pit: int | None) -> CreditLabel:
    """A label from each prefix's Q (of the problem alone first), as of ten rollouts each."""
    ends = [0, *(step.end for step in steps(solution))]
    values = tuple(
        PrefixValue(index, end, 0, 0, None)
        if q is None
        else PrefixValue(index, end, 10, round(10 * q), q, max(0.0, q - 0.1), min(1.0, q + 0.1))
        for index, (end, q) in enumerate(zip(ends, qs, strict=True))
    )
    return CreditLabel(
        order_id=OrderId(order_id),
        attempt=attempt,
        values=values,
        first_pit=pit,
        probability=0.95,
        rule=PitRule.ZERO,
        tolerance=0.1,
        strategy=StrategyName("full"),
        stopped=Stop.DECIDED,
        confidence=0.9,
        policy=POLICY,
        seed=3,
    )


def _life(of: Passage, order: Order, solutions: Sequence[str], right: bool) -> list[Record]:
    records: list[Record] = []
    for number, solution in enumerate(solutions, 1):
        last = number == len(solutions)
        attempt = attempt_of(of, number, solution, right=right and last)
        if not last:
            records.append(Rejoined(AT + number, order.id, attempt))
        elif right:
            records.append(AcceptedEnd(AT + number, order.id, attempt))
        else:
            records.append(DeadLetteredEnd(AT + number, order.id, attempt, DeadLetter(EndReason.REJECTED)))
    return records
