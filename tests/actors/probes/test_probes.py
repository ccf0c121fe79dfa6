"""Probes in the queue: whatever happens in whatever order, issued = ended + outstanding, they are in no count of
samples, and a replay of the records gives them back."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from actors.queue.ends import BUDGET_SPENT
from actors.queue.machine import QueueLimits, RegenerationQueue
from actors.queue.probes import ProbeTerms
from schemas.corpus import Passage
from schemas.errors import ErrorKind, LedgerError
from schemas.flaws import FlawKind, Probed, Worth
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, ProbeEnded, ProbeIssued, ProbeRejoined, Record, StaleReport
from schemas.orders import (
    Accept,
    Attempt,
    DeadLetter,
    EndReason,
    Holding,
    Lease,
    Order,
    OrderKind,
    Outcome,
    Stale,
)
from schemas.probes import Probe, ProbeEnd
from schemas.samples import Cost
from schemas.verdicts import FAITHFULNESS, PROVENANCE, Errored, GateName, Passed
from tests.doubles.attempts import REPAIR, TOKENS_PER_ATTEMPT, accepted, candidate, orders, passage, rejected
from tests.doubles.probes import ended, facts, issued, probe

LIMITS = QueueLimits(max_attempts=3, lease_s=10.0, fresh_share=0.25)
PASSED = Passed(FAITHFULNESS, 0.9, 0.5, cost=Cost(prompt_tokens=7))
TOKENS_OF_A_PROBE = TOKENS_PER_ATTEMPT + 7
"""Of its check and its gate."""


def spoilt(number: int) -> Probe:
    """One that an injector is to make bad."""
    return probe(number, Worth.BAD, checked=False)


def beside(order: Order, of: Passage, attempt: Attempt) -> Probe | None:
    """Every first attempt of an odd slot brings a probe along."""
    if attempt.number > 1 or not order.slot % 2:
        return None
    number = int(order.id[:8], 16)
    return spoilt(number) if number % 3 else probe(number)


TERMS = ProbeTerms("grounded_answer", beside, judges={FAITHFULNESS: "judge@1"})


def made(limits: QueueLimits = LIMITS, terms: ProbeTerms = TERMS) -> RegenerationQueue:
    return RegenerationQueue(limits, lambda a, b: float(a.question == b.question), probes=terms)


def judged(lease: Lease) -> Outcome:
    attempt = Attempt(lease.attempt, lease.repair, candidate("Who?"), (PASSED,))
    return Outcome(lease.order.id, attempt, Accept())


def caught(lease: Lease) -> Outcome:
    """Rejected and diagnosed, as a sample is."""
    return replace(rejected(lease), probed=Probed(Worth.BAD, FlawKind.PARAMETRIC))


class Probes(RuleBasedStateMachine):
    """Conductors lease, die, are late and report. Sometimes the queue dies and is rebuilt from its records. Orders of
    samples are among the probes."""

    @initialize()
    def begin(self) -> None:
        self.queue, self.now, self.records = made(), 0.0, list[Record]()
        self.issued, self.ended = set[OrderId](), set[OrderId]()
        self.planned = 0
        self.in_hand: list[tuple[str, Lease]] = []

    @rule()
    def plan(self) -> None:
        self.planned += 1
        one = passage(1000 + self.planned)
        planned = self.queue.plan(one, orders(one, 2), self.now)
        assert planned is not None
        self.records.append(planned)

    @rule(bad=st.booleans())
    def issue(self, bad: bool) -> None:
        number = 10_000 + len(self.issued)
        record = ProbeIssued(self.now, spoilt(number) if bad else probe(number))
        self.queue.replay(record)
        self.records.append(record)
        self.issued.add(record.order_id)

    @rule(conductor=st.sampled_from("ab"), limit=st.integers(0, 3))
    def lease(self, conductor: str, limit: int) -> None:
        leases = self.queue.lease(self.now, conductor, limit)
        assert len(leases) <= limit
        kinds = [lease.order.kind is OrderKind.PROBE for lease in leases]
        assert kinds == sorted(kinds, reverse=True), "an order went before a probe"
        for lease in leases:
            assert (lease.probe is not None) == (lease.order.kind is OrderKind.PROBE)
            assert lease.order.id not in self.ended
            held = [mine for _, mine in self.in_hand if mine.order.id == lease.order.id]
            assert all(mine.expires_at <= self.now or mine.attempt < lease.attempt for mine in held), "two hold it"
        self.in_hand += [(conductor, lease) for lease in leases]

    @rule(seconds=st.floats(0.1, 12))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(data=st.data(), again=st.booleans())
    def report(self, data: st.DataObject, again: bool) -> None:
        """Of a probe, or of an order whose first attempt may bring a probe along; `again`: it was rejected."""
        if not self.in_hand:
            return
        _, lease = self.in_hand.pop(data.draw(st.integers(0, len(self.in_hand) - 1)))
        if lease.probe is None:
            outcome = rejected(lease) if again else accepted(lease, lease.order.id)
        else:
            outcome = caught(lease) if again else judged(lease)
        before = (self.queue.issued, self.queue.accepted, self.queue.dead_lettered, self.queue.outstanding)
        settlement, record = self.queue.settle(outcome, self.now)
        followed = self.queue.followed()
        new = [each.order_id for each in followed if isinstance(each, ProbeIssued)]
        if lease.probe is not None:
            assert not (record is not None and lease.order.id in self.ended), "it has moved after its end"
            assert new == [], "a probe brings a probe along"
            after = (self.queue.issued, self.queue.accepted, self.queue.dead_lettered, self.queue.outstanding)
            assert before == after, "a probe is counted as a sample"
            repairs = again and not lease.probe.checked and lease.attempt < LIMITS.max_attempts
            assert record is None or isinstance(record, ProbeRejoined) is repairs
        elif not isinstance(settlement, Stale):
            brought = beside(lease.order, lease.passage, outcome.attempt)
            assert new == ([] if brought is None else [brought.id])
        self.issued |= set(new)
        self.keep([*([] if record is None else [record]), *followed])

    def keep(self, records: list[Record]) -> None:
        self.records += records
        self.ended |= {record.order_id for record in records if isinstance(record, ProbeEnded)}

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
        assert all(isinstance(end, ProbeEnded) and end.end is ProbeEnd.BUDGET for end in probes)
        self.keep([*ends, *probes])

    @invariant()
    def conserved(self) -> None:
        if not hasattr(self, "queue"):
            return
        self.queue.check()
        assert self.ended <= self.issued
        outstanding = len(self.issued) - len(self.ended)
        assert self.queue.idle == (outstanding + self.queue.outstanding == 0)
        depth = self.queue.depth()
        assert depth.ready + depth.leased == self.queue.outstanding, "a probe is in the queue's depth"

    def teardown(self) -> None:
        """Patience brings every probe to its end, those that came along with the last orders too."""
        if not hasattr(self, "queue"):
            return
        for _ in range(6):
            self.now += 11
            for lease in self.queue.lease(self.now, "last", 1000):
                outcome = accepted(lease, lease.order.id) if lease.probe is None else judged(lease)
                _, record = self.queue.settle(outcome, self.now)
                followed = self.queue.followed()
                self.issued |= {each.order_id for each in followed if isinstance(each, ProbeIssued)}
                self.keep([*([] if record is None else [record]), *followed])
        assert self.queue.idle and self.ended == self.issued


TestProbes = Probes.TestCase
TestProbes.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize(
    ("attempt", "decision", "end"),
    [
        (Attempt(1, None, candidate("Who?"), (PASSED,)), Accept(), ProbeEnd.JUDGED),
        (Attempt(1, None, candidate("Who?")), DeadLetter(EndReason.REJECTED, "found good"), ProbeEnd.UNVERIFIED),
        (Attempt(1, None, None), DeadLetter(EndReason.INTERNAL_ERROR, "a bug"), ProbeEnd.FAILED),
        (
            Attempt(
                1,
                None,
                candidate("Who?"),
                (Passed(PROVENANCE, 1, 1), Errored(FAITHFULNESS, ErrorKind.PERMANENT, "no")),
            ),
            Accept(),
            ProbeEnd.ERRORED,
        ),
    ],
)
def test_how_a_probe_ends_follows_from_what_was_reported(
    attempt: Attempt, decision: Accept | DeadLetter, end: ProbeEnd
) -> None:
    """Judged, not judged, not asked, not our day: four words for it, and the judges that were asked."""
    queue = made()
    queue.replay(issued(1))
    queue.lease(0.0, "a", 1)
    _, over = queue.settle(Outcome(probe(1).id, attempt, decision), 1.0)
    assert isinstance(over, ProbeEnded) and over.end is end
    asked = any(said.gate == FAITHFULNESS for said in attempt.verdicts)
    assert over.facts.judges == ({FAITHFULNESS: "judge@1"} if asked else {})
    assert over.detail == (decision.detail if isinstance(decision, DeadLetter) else "")
    assert over.attempt == attempt


def test_a_second_judge_is_told_as_what_it_is_like() -> None:
    """Two gates judge against the source: the one whose name does not say so is recorded with its kind, if it was
    asked."""
    second, third = GateName("second"), GateName("third")
    kinds = {FAITHFULNESS: FAITHFULNESS, second: FAITHFULNESS, third: FAITHFULNESS}
    queue = made(terms=ProbeTerms("grounded_answer", kinds=kinds))
    queue.replay(issued(1))
    attempt = Attempt(1, None, candidate("Who?"), (PASSED, replace(PASSED, gate=second)))
    _, over = queue.settle(Outcome(probe(1).id, attempt, Accept()), 1.0)
    assert isinstance(over, ProbeEnded) and over.facts.kinds == {second: FAITHFULNESS}


def test_a_repaired_probe_keeps_what_was_wrong_with_it_through_a_crash() -> None:
    """Its first attempt was rejected and the queue died: it is rebuilt from the records with its repair, its history
    and its flaw, before every order. Its last report gives the worth of the repair."""
    queue = made()
    queue.replay(ProbeIssued(0.0, spoilt(1)))
    (first,) = queue.lease(0.0, "a", 1)
    _, record = queue.settle(caught(first), 1.0)
    assert isinstance(record, ProbeRejoined) and record.facts.flaw is FlawKind.PARAMETRIC
    queue = made()
    queue.replay(ProbeIssued(0.0, spoilt(1)))
    queue.replay(record)
    one = passage(9)
    queue.plan(one, orders(one, 1), 1.5)
    again, order = queue.lease(2.0, "a", 2)
    assert again.probe is not None and again.probe.flaw is FlawKind.PARAMETRIC and order.probe is None
    assert (again.attempt, again.repair, len(again.history)) == (2, REPAIR, 1)
    assert queue.spent == TOKENS_PER_ATTEMPT
    _, over = queue.settle(replace(judged(again), probed=Probed(Worth.GOOD, FlawKind.PARAMETRIC)), 3.0)
    assert isinstance(over, ProbeEnded) and (over.facts.worth, over.facts.label) == (Worth.GOOD, Worth.BAD)
    assert over.attempt is not None and over.attempt.number == 2
    queue.check()


def test_nobody_knows_what_a_repair_is_worth_that_was_never_made() -> None:
    """The generator did not answer for it: the probe ends as not judged, and its label is no word on its text."""
    queue = made()
    queue.replay(ProbeIssued(0.0, spoilt(1)))
    (first,) = queue.lease(0.0, "a", 1)
    queue.settle(caught(first), 1.0)
    queue.lease(1.0, "a", 1)
    unanswered = Outcome(probe(1).id, Attempt(2, REPAIR, None), DeadLetter(EndReason.ENGINE_ERROR, "timed out"))
    _, over = queue.settle(unanswered, 2.0)
    assert isinstance(over, ProbeEnded) and (over.end, over.detail) == (ProbeEnd.ERRORED, "timed out")
    assert (over.facts.worth, over.facts.flaw) == (Worth.UNKNOWN, FlawKind.PARAMETRIC)


@pytest.mark.parametrize(
    ("one", "terms"),
    [
        (probe(1, Worth.BAD), TERMS),
        (replace(spoilt(1), label=Worth.GOOD), TERMS),
        (spoilt(1), replace(TERMS, repair=False)),
    ],
    ids=["a row of a file", "a good one", "repairs are off"],
)
def test_what_has_nothing_to_heal_is_not_repaired(one: Probe, terms: ProbeTerms) -> None:
    """Rejected and diagnosed, it ends; the repair that recovery chose stands in its last attempt."""
    queue = made(terms=terms)
    queue.replay(ProbeIssued(0.0, one))
    (lease,) = queue.lease(0.0, "a", 1)
    _, record = queue.settle(rejected(lease), 1.0)
    assert isinstance(record, ProbeEnded) and record.end is ProbeEnd.JUDGED
    assert record.attempt == rejected(lease).attempt and queue.idle


def test_a_probe_is_leased_before_orders_and_given_back_after_those_that_wait() -> None:
    """A conductor with one free hand takes the probe; when its lease ends it stands behind the one that came later."""
    queue = made()
    one = passage(9)
    queue.plan(one, orders(one, 1), 0.0)
    queue.replay(issued(1))
    (first,) = queue.lease(1.0, "a", 1)
    assert (first.order.id, first.order.task, first.probe) == (probe(1).id, "grounded_answer", probe(1))
    queue.replay(replace(issued(2), at=2.0))
    assert queue.next_wake() == 11.0
    leases = queue.lease(11.0, "b", 3)
    assert [lease.order.id for lease in leases] == [probe(2).id, probe(1).id, orders(one, 1)[0].id]


def test_a_probe_is_issued_with_the_outcome_that_brings_it_along_unless_the_budget_is_spent() -> None:
    """Its record follows the order's. What it took of the gates is charged; a spent budget ends it unjudged."""
    limits = replace(LIMITS, tokens=2 * TOKENS_PER_ATTEMPT + TOKENS_OF_A_PROBE)
    brought = {0: probe(1), 1: probe(3)}
    queue = made(limits, replace(TERMS, beside=lambda order, of, attempt: brought.get(order.slot)))
    one = passage(9)
    queue.plan(one, orders(one, 3), 0.0)
    first, second, third = queue.lease(0.0, "a", 3)
    _, record = queue.settle(accepted(first, "One?"), 1.0)
    assert isinstance(record, AcceptedEnd) and queue.followed() == [ProbeIssued(1.0, probe(1))]
    (lease,) = queue.lease(1.0, "a", 1)
    queue.settle(judged(lease), 2.0)
    assert queue.spent == TOKENS_PER_ATTEMPT + TOKENS_OF_A_PROBE
    queue.replay(issued(2))
    queue.settle(accepted(second, "Two?"), 3.0)
    assert queue.exhausted and queue.followed() == [], "the budget is spent: no probe is issued"
    assert queue.lease(3.0, "a", 9) == []
    assert queue.end_unleased(3.0, BUDGET_SPENT) == []
    (unjudged,) = queue.followed()
    assert isinstance(unjudged, ProbeEnded) and (unjudged.end, unjudged.order_id) == (ProbeEnd.BUDGET, probe(2).id)
    assert unjudged.detail == BUDGET_SPENT.detail
    queue.settle(accepted(third, "Three?"), 4.0)
    assert queue.idle
    queue.check()


def test_a_conductor_that_hangs_with_a_probe_does_not_keep_a_spent_run_from_its_end() -> None:
    """The budget is spent while it has the probe; its lease ends, and the probe ends unjudged. Its late report is
    stale, and was paid for."""
    queue = made(replace(LIMITS, tokens=1))
    queue.replay(issued(1))
    (hanging,) = queue.lease(0.0, "hangs", 1)
    one = passage(9)
    queue.plan(one, orders(one, 1), 0.0)
    (order,) = queue.lease(0.0, "a", 1)
    queue.settle(accepted(order), 1.0)
    assert queue.exhausted and queue.end_unleased(1.0, BUDGET_SPENT) == [] == queue.followed()
    assert queue.lease(10.0, "a", 1) == []
    assert queue.end_unleased(10.0, BUDGET_SPENT) == [] and len(queue.followed()) == 1
    assert queue.idle
    assert queue.settle(judged(hanging), 11.0) == (Stale(hanging.order.id), None) and queue.stale == 1
    (late,) = queue.followed()
    assert isinstance(late, StaleReport) and late.cost.tokens == TOKENS_OF_A_PROBE


def test_a_ledger_that_ends_what_was_never_issued_is_refused() -> None:
    """A damaged ledger is reported, not counted, even if it ends an order as a probe, or a probe as an order."""
    queue = made()
    with pytest.raises(LedgerError, match="not outstanding"):
        queue.replay(ended(99, None, facts(99, Worth.GOOD)))
    queue.replay(issued(1))
    with pytest.raises(LedgerError, match="twice"):
        queue.replay(issued(1))
    with pytest.raises(LedgerError, match=r"order .* not outstanding"):
        queue.replay(DeadLetteredEnd(0.0, probe(1).id, None, BUDGET_SPENT))
    one = passage(9)
    queue.plan(one, orders(one, 1), 0.0)
    with pytest.raises(LedgerError, match=r"probe .* not outstanding"):
        queue.replay(replace(ended(1, None, facts(1, Worth.GOOD)), order_id=orders(one, 1)[0].id))
    queue.check()
