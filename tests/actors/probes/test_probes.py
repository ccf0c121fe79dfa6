"""Probes in the queue: whatever happens in whatever order, issued = ended + outstanding, they are in no count of
samples, and a replay of the records gives them back."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from actors.queue.ends import BUDGET_SPENT, ProbeTerms
from actors.queue.machine import QueueLimits, RegenerationQueue
from schemas.canaries import Canary, CanaryEnd
from schemas.errors import ErrorKind, LedgerError
from schemas.ids import OrderId, content_id
from schemas.injection import Worth
from schemas.ledger import AcceptedEnd, CanaryEnded, CanaryIssued, DeadLetteredEnd, Record
from schemas.orders import Accept, Attempt, DeadLetter, EndReason, Holding, Lease, OrderKind, Outcome, Stale
from schemas.samples import Cost, answered
from schemas.verdicts import FAITHFULNESS, PROVENANCE, Errored, GateName, Passed
from tests.doubles.attempts import TOKENS_PER_ATTEMPT, accepted, candidate, orders, passage, rejected

LIMITS = QueueLimits(max_attempts=3, lease_s=10.0, fresh_share=0.25)
TERMS = ProbeTerms("grounded_answer", {FAITHFULNESS: "judge@1"})
PASSED = Passed(FAITHFULNESS, 0.9, 0.5, cost=Cost(prompt_tokens=7))
TOKENS_OF_A_PROBE = TOKENS_PER_ATTEMPT + 7
"""Of its check and its gate."""


def made(limits: QueueLimits = LIMITS) -> RegenerationQueue:
    return RegenerationQueue(limits, lambda a, b: float(a.question == b.question), probes=TERMS)


def canary(number: int) -> Canary:
    return Canary(
        OrderId(content_id(number)), passage(number), answered("Who?", "Oda"), Worth.GOOD, f"rows#line={number}"
    )


def judged(lease: Lease) -> Outcome:
    return Outcome(lease.order.id, Attempt(1, None, candidate("Who?"), (PASSED,)), Accept())


class Probes(RuleBasedStateMachine):
    """Conductors lease, die, are late and report; sometimes the queue dies and is made again of its records. Orders of
    samples are among the probes."""

    @initialize()
    def begin(self) -> None:
        self.queue, self.now, self.records = made(), 0.0, list[Record]()
        self.issued, self.ended = 0, set[OrderId]()
        self.planned = 0
        self.in_hand: list[tuple[str, Lease]] = []

    @rule()
    def plan(self) -> None:
        self.planned += 1
        one = passage(1000 + self.planned)
        planned = self.queue.plan(one, orders(one, 2), self.now)
        assert planned is not None
        self.records.append(planned)

    @rule()
    def issue(self) -> None:
        issued = CanaryIssued(self.now, canary(self.issued))
        self.queue.replay(issued)
        self.records.append(issued)
        self.issued += 1

    @rule(conductor=st.sampled_from("ab"), limit=st.integers(0, 3))
    def lease(self, conductor: str, limit: int) -> None:
        leases = self.queue.lease(self.now, conductor, limit)
        assert len(leases) <= limit
        kinds = [lease.order.kind is OrderKind.CANARY for lease in leases]
        assert kinds == sorted(kinds, reverse=True), "an order went before a probe"
        for lease in leases:
            assert (lease.canary is not None) == (lease.order.kind is OrderKind.CANARY)
            assert lease.order.id not in self.ended
            held = [mine for _, mine in self.in_hand if mine.order.id == lease.order.id]
            assert all(mine.expires_at <= self.now or mine.attempt < lease.attempt for mine in held), "two hold it"
        self.in_hand += [(conductor, lease) for lease in leases]

    @rule(seconds=st.floats(0.1, 12))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(data=st.data(), again=st.booleans(), brings=st.booleans())
    def report(self, data: st.DataObject, again: bool, brings: bool) -> None:
        """Of a probe, or of an order, whose outcome may bring a probe along."""
        if not self.in_hand:
            return
        _, lease = self.in_hand.pop(data.draw(st.integers(0, len(self.in_hand) - 1)))
        if lease.canary is None:
            outcome = rejected(lease) if again else accepted(lease, lease.order.id)
            if brings and lease.attempt == 1:
                outcome = replace(outcome, canary=canary(self.issued))
        else:
            outcome = judged(lease)
        before = (self.queue.issued, self.queue.accepted, self.queue.dead_lettered, self.queue.outstanding)
        settlement, record = self.queue.settle(outcome, self.now)
        followed = self.queue.followed()
        if lease.canary is not None:
            assert (record is None) is (lease.order.id in self.ended), "late reports change nothing, first ones count"
            assert followed == [], "a second report on a probe is not paid for"
            after = (self.queue.issued, self.queue.accepted, self.queue.dead_lettered, self.queue.outstanding)
            assert before == after, "a probe is counted as a sample"
        elif outcome.canary is not None and not isinstance(settlement, Stale):
            assert [each.order_id for each in followed if isinstance(each, CanaryIssued)] == [outcome.canary.id]
            self.issued += 1
        self.keep([*([] if record is None else [record]), *followed])

    def keep(self, records: list[Record]) -> None:
        self.records += records
        self.ended |= {record.order_id for record in records if isinstance(record, CanaryEnded)}

    @rule(conductor=st.sampled_from("ab"))
    def die(self, conductor: str) -> None:
        self.in_hand = [(name, lease) for name, lease in self.in_hand if name != conductor]
        self.queue.release(conductor, self.now)

    @rule(joins=st.booleans())
    def made_again(self, joins: bool) -> None:
        """Of a queue that died the records are left; conductors that live say what they hold, or have died with it."""
        spent = self.queue.spent
        self.queue = made()
        for record in self.records:
            self.queue.replay(record)
        assert self.queue.spent == spent
        alive, self.in_hand = self.in_hand if joins else [], []
        for conductor, lease in alive:
            if self.queue.hold(conductor, [Holding(lease.order.id, lease.attempt)], self.now):
                self.in_hand.append((conductor, lease))

    @rule()
    def spend_the_budget(self) -> None:
        ends = self.queue.end_unleased(self.now, BUDGET_SPENT)
        assert all(isinstance(end, DeadLetteredEnd) for end in ends)
        probes = self.queue.followed()
        assert all(isinstance(end, CanaryEnded) and end.end is CanaryEnd.BUDGET for end in probes)
        self.keep([*ends, *probes])

    @invariant()
    def conserved(self) -> None:
        if not hasattr(self, "queue"):
            return
        self.queue.check()
        outstanding = self.issued - len(self.ended)
        assert self.queue.idle == (outstanding + self.queue.outstanding == 0)
        depth = self.queue.depth()
        assert depth.ready + depth.leased == self.queue.outstanding, "a probe is in the queue's depth"

    def teardown(self) -> None:
        """Patience brings every probe to its end."""
        if not hasattr(self, "queue"):
            return
        for _ in range(4):
            self.now += 11
            for lease in self.queue.lease(self.now, "last", 1000):
                outcome = accepted(lease, lease.order.id) if lease.canary is None else judged(lease)
                self.keep([record for record in [self.queue.settle(outcome, self.now)[1]] if record is not None])
        assert self.queue.idle and len(self.ended) == self.issued


TestProbes = Probes.TestCase
TestProbes.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize(
    ("attempt", "decision", "end"),
    [
        (Attempt(1, None, candidate("Who?"), (PASSED,)), Accept(), CanaryEnd.JUDGED),
        (Attempt(1, None, candidate("Who?")), DeadLetter(EndReason.REJECTED, "found good"), CanaryEnd.UNVERIFIED),
        (Attempt(1, None, None), DeadLetter(EndReason.INTERNAL_ERROR, "a bug"), CanaryEnd.FAILED),
        (
            Attempt(
                1,
                None,
                candidate("Who?"),
                (Passed(PROVENANCE, 1, 1), Errored(FAITHFULNESS, ErrorKind.PERMANENT, "no")),
            ),
            Accept(),
            CanaryEnd.ERRORED,
        ),
    ],
)
def test_how_a_probe_ends_follows_from_what_was_reported(
    attempt: Attempt, decision: Accept | DeadLetter, end: CanaryEnd
) -> None:
    """Judged, not judged, not asked, not our day: four words for it, and the judges that were asked."""
    queue = made()
    queue.replay(CanaryIssued(0.0, canary(1)))
    queue.lease(0.0, "a", 1)
    _, ended = queue.settle(Outcome(canary(1).id, attempt, decision), 1.0)
    assert isinstance(ended, CanaryEnded) and ended.end is end
    asked = any(said.gate == FAITHFULNESS for said in attempt.verdicts)
    assert ended.judges == ({FAITHFULNESS: "judge@1"} if asked else {})
    assert ended.detail == (decision.detail if isinstance(decision, DeadLetter) else "")
    assert ended.draft == (None if attempt.candidate is None else attempt.candidate.draft)


def test_a_second_judge_is_told_as_what_it_is_like() -> None:
    """Two gates judge against the source: the one whose name does not say so is recorded with its kind, if it was
    asked."""
    second, third = GateName("second"), GateName("third")
    kinds = {FAITHFULNESS: FAITHFULNESS, second: FAITHFULNESS, third: FAITHFULNESS}
    queue = RegenerationQueue(LIMITS, lambda a, b: 0.0, probes=ProbeTerms("grounded_answer", {}, kinds))
    queue.replay(CanaryIssued(0.0, canary(1)))
    attempt = Attempt(1, None, candidate("Who?"), (PASSED, replace(PASSED, gate=second)))
    _, ended = queue.settle(Outcome(canary(1).id, attempt, Accept()), 1.0)
    assert isinstance(ended, CanaryEnded) and ended.kinds == {second: FAITHFULNESS}


def test_a_probe_is_leased_before_orders_and_given_back_after_those_that_wait() -> None:
    """A conductor with one free hand takes the probe; when its lease ends it stands behind the one that came later."""
    queue = made()
    one = passage(9)
    queue.plan(one, orders(one, 1), 0.0)
    queue.replay(CanaryIssued(0.0, canary(1)))
    (first,) = queue.lease(1.0, "a", 1)
    assert (first.order.id, first.order.task, first.canary) == (canary(1).id, "grounded_answer", canary(1))
    queue.replay(CanaryIssued(2.0, canary(2)))
    assert queue.next_wake() == 11.0
    leases = queue.lease(11.0, "b", 3)
    assert [lease.order.id for lease in leases] == [canary(2).id, canary(1).id, orders(one, 1)[0].id]


def test_a_probe_is_issued_with_the_outcome_that_brings_it_along_unless_the_budget_is_spent() -> None:
    """Its record follows the order's. What it took of the gates is charged; a spent budget ends it unjudged."""
    limits = replace(LIMITS, tokens=2 * TOKENS_PER_ATTEMPT + TOKENS_OF_A_PROBE)
    queue = made(limits)
    one = passage(9)
    queue.plan(one, orders(one, 3), 0.0)
    first, second, third = queue.lease(0.0, "a", 3)
    _, record = queue.settle(replace(accepted(first, "One?"), canary=canary(1)), 1.0)
    assert isinstance(record, AcceptedEnd) and queue.followed() == [CanaryIssued(1.0, canary(1))]
    (probe,) = queue.lease(1.0, "a", 1)
    queue.settle(judged(probe), 2.0)
    assert queue.spent == TOKENS_PER_ATTEMPT + TOKENS_OF_A_PROBE
    queue.replay(CanaryIssued(2.0, canary(2)))
    queue.settle(replace(accepted(second, "Two?"), canary=canary(3)), 3.0)
    assert queue.exhausted and queue.followed() == [], "the budget is spent: no probe is issued"
    assert queue.lease(3.0, "a", 9) == []
    assert queue.end_unleased(3.0, BUDGET_SPENT) == []
    (unjudged,) = queue.followed()
    assert isinstance(unjudged, CanaryEnded) and (unjudged.end, unjudged.order_id) == (CanaryEnd.BUDGET, canary(2).id)
    assert unjudged.detail == BUDGET_SPENT.detail
    queue.settle(accepted(third, "Three?"), 4.0)
    assert queue.idle
    queue.check()


def test_a_conductor_that_hangs_with_a_probe_does_not_keep_a_spent_run_from_its_end() -> None:
    """The budget is spent while it has the probe; its lease ends, and the probe ends unjudged. Its late report is
    stale, and is not paid for."""
    queue = made(replace(LIMITS, tokens=1))
    queue.replay(CanaryIssued(0.0, canary(1)))
    (probe,) = queue.lease(0.0, "hangs", 1)
    one = passage(9)
    queue.plan(one, orders(one, 1), 0.0)
    (order,) = queue.lease(0.0, "a", 1)
    queue.settle(accepted(order), 1.0)
    assert queue.exhausted and queue.end_unleased(1.0, BUDGET_SPENT) == [] == queue.followed()
    assert queue.lease(10.0, "a", 1) == []
    assert queue.end_unleased(10.0, BUDGET_SPENT) == [] and len(queue.followed()) == 1
    assert queue.idle
    assert queue.settle(judged(probe), 11.0) == (Stale(probe.order.id), None) and queue.followed() == []
    assert queue.stale == 1


def test_a_ledger_that_ends_what_was_never_issued_is_refused() -> None:
    """A damaged ledger is told, not counted: also where it ends an order as a probe, or a probe as an order."""
    queue = made()
    with pytest.raises(LedgerError, match="not outstanding"):
        queue.replay(CanaryEnded(0.0, OrderId("00"), CanaryEnd.JUDGED, Worth.GOOD, "x"))
    issued = CanaryIssued(0.0, canary(1))
    queue.replay(issued)
    with pytest.raises(LedgerError, match="twice"):
        queue.replay(issued)
    with pytest.raises(LedgerError, match=r"order .* not outstanding"):
        queue.replay(DeadLetteredEnd(0.0, canary(1).id, None, BUDGET_SPENT))
    one = passage(9)
    queue.plan(one, orders(one, 1), 0.0)
    with pytest.raises(LedgerError, match=r"canary .* not outstanding"):
        queue.replay(CanaryEnded(0.0, orders(one, 1)[0].id, CanaryEnd.JUDGED, Worth.GOOD, "x"))
    queue.check()
