"""Queue and ledger under any schedule (late and doubled reports, expiry, deaths, crashes), against a simple model."""

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)
from msgspec.structs import replace

from actors.audit.findings import Findings
from actors.audit.fold import read_book
from actors.counts.tally import Tally
from actors.ledger.reopen import ReplayRequest, Terms, dead_letters, reopened
from actors.ledger.sqlite import MemoryLedger
from actors.queue.ends import BUDGET_SPENT
from actors.queue.machine import QueueLimits, RegenerationQueue
from actors.queue.planning import Planning
from schemas.corpus import Passage
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, NotNeededEnd, Planned
from schemas.orders import Lease, Outcome, Recorded
from schemas.until_dry import UntilDry
from tests.doubles.attempts import accepted, given_up, orders, passage, rejected
from tests.doubles.ledgers import MemoryLedger as StoryLedger

LEVELS = ("easy", "hard", "odd")
MAX_ATTEMPTS = 3
LEASE_S = 20.0
MORE = 6
"""The most orders that an open passage still gets, where it goes on until it is dry."""


class QueueMachine(RuleBasedStateMachine):
    """The model: which orders were issued, how each ended, and the attempt that each is at."""

    leases = Bundle("leases")

    @initialize(
        budget=st.sampled_from([None, None, 200]),
        share=st.sampled_from([0.0, 0.25, 1.0]),
        together=st.sampled_from([1, 1, 2, 3]),
        most=st.sampled_from([None, None, {"": 0}, {"": 2}, {"": 5}, {"easy": 3, "hard": 1}, {"hard": 2}]),
        until=st.sampled_from([None, None, UntilDry(3, 1), UntilDry(6, 2), UntilDry(5, 1, at_once=2)]),
    )
    def start(
        self, budget: int | None, share: float, together: int, most: dict[str, int] | None, until: UntilDry | None
    ) -> None:
        self.most, self.closed = most, False
        self.axis = None if most is None or "" in most else "level"
        self.until = until if self.axis is None else None  # quotas need a number of orders
        together = together if self.axis is None else 1  # no task with variables makes several samples of a call
        self.limits = QueueLimits(MAX_ATTEMPTS, LEASE_S, share, tokens=budget, together=together, axis=self.axis)
        self.stratum: dict[OrderId, str] = {}
        self.ledger = MemoryLedger()
        self.queue = self.fresh_queue()
        self.now = 0.0
        self.passages = 0
        self.issued: set[OrderId] = set()
        self.ends: dict[OrderId, str] = {}
        self.attempts: dict[OrderId, int] = {}
        self.before: dict[OrderId, int] = {}
        self.live: dict[OrderId, float] = {}

    def fresh_queue(self) -> RegenerationQueue:
        queue = RegenerationQueue(self.limits, lambda a, b: 1.0 if a.question == b.question else 0.0)
        queue.aim.most, queue.aim.closed = self.most, self.closed
        return queue

    @rule(slots=st.integers(1, 4), again=st.booleans())
    def plan(self, slots: int, again: bool) -> None:
        if not again or not self.passages:
            self.passages += 1
        one = passage(self.passages)
        if self.until is not None:
            self.plan_until_dry(one)
            return
        given = orders(one, slots)
        if self.axis is not None:
            given = [replace(order, vary=self.vary(order.slot)) for order in given]
        planned = self.queue.plan(one, given, self.now)
        if planned is not None:
            self.issue(planned)

    def vary(self, number: int) -> dict[str, str]:
        """What the order of this number is given."""
        return {} if self.axis is None else {self.axis: LEVELS[number % len(LEVELS)]}

    def plan_until_dry(self, one: Passage) -> None:
        """The reader comes to a passage, perhaps again: a known one goes on where a plan that was closed had stopped
        it, and only then."""
        if self.closed or self.queue.exhausted:
            return
        known, open_ = self.queue.passages.standing(one.id).orders, self.queue.is_open(one.id)
        asked = [] if open_ else self.ledger.accepted([order.id for order in orders(one, known)])
        planned = self.planning.issue(one, self.now, asked)
        assert planned is None or not open_
        if planned is not None:
            self.issue(planned)

    @property
    def planning(self) -> Planning:
        assert self.until is not None
        return Planning(self.queue, "grounded_answer", self.until, self.vary)

    def goes_on(self, one: Passage) -> None:
        """The last order of a passage may have ended: it gets more in the same transaction, or none."""
        if self.until is None or self.closed or self.reached or self.queue.exhausted:
            return
        planned = self.planning.issue(one, self.now, follows=True)
        if planned is not None:
            assert self.queue.is_open(one.id)
            self.issue(planned)

    def issue(self, planned: Planned) -> None:
        self.ledger.append([planned])
        for order in planned.orders:
            self.issued.add(order.id)
            self.stratum[order.id] = "" if self.axis is None else order.vary[self.axis]
            self.attempts[order.id] = 1

    @rule(target=leases, conductor=st.sampled_from("ab"))
    def lease(self, conductor: str) -> MultipleResults[Lease]:
        wanted, before = self.queue.wanted, self.in_flight()
        given = self.queue.lease(self.now, conductor, 1)
        for lease in given if wanted is not None else ():
            stratum = self.stratum[lease.order.id]
            assert wanted is not None and before[stratum] < wanted.get(stratum, 0), "more in flight than can be needed"
        assert len(given) <= 1 and all(len(lease.orders) <= self.limits.together for lease in given)
        assert not any(lease.beside and (lease.attempt > 1 or lease.repair) for lease in given)
        return multiple(*(self.taken(single) for lease in given for single in lease.apart()))

    def in_flight(self) -> Counter[str]:
        """Leases that hold, by stratum."""
        return Counter(self.stratum[order] for order, until in self.live.items() if until > self.now)

    def taken(self, lease: Lease) -> Lease:
        order = lease.order.id
        assert lease.order.passage_id == lease.passage.id
        assert order not in self.ends
        assert lease.attempt == self.attempts[order]
        assert lease.attempts_before == len(lease.history) - lease.charged + 1 == self.before.get(order, 0)
        assert self.live.get(order, self.now) <= self.now, "leased to two at once before the first lease ended"
        self.live[order] = lease.expires_at
        return lease

    @rule(lease=leases, kind=st.sampled_from(["accept", "reject", "stop"]))
    def report(self, lease: Lease, kind: str) -> None:
        """Also twice, also long after the lease ended or was given to another."""
        self.settle(lease, _outcome(lease, kind))

    @rule(lease=consumes(leases))
    def report_last(self, lease: Lease) -> None:
        self.settle(lease, accepted(lease))

    def settle(self, lease: Lease, outcome: Outcome) -> None:
        order = lease.order.id
        current = order not in self.ends and self.attempts[order] == lease.attempt
        settlement, record = self.queue.settle(outcome, self.now)
        assert isinstance(settlement, Recorded) == current
        if record is None:
            return
        self.ledger.append([record])
        self.live.pop(order, None)
        if isinstance(record, AcceptedEnd):
            assert not self.is_full(order), "one too many"
            self.ends[order] = "accepted"
        elif isinstance(record, DeadLetteredEnd):
            self.ends[order] = "dead_lettered"
        elif isinstance(record, NotNeededEnd):
            assert self.closed or self.is_full(order)
            self.ends[order] = "not_needed"
        else:
            assert not self.closed
            self.attempts[order] += 1
            assert self.attempts[order] - self.before.get(order, 0) <= MAX_ATTEMPTS
            return
        self.goes_on(lease.passage)

    def accepted_of(self, stratum: str) -> int:
        return sum(end == "accepted" and self.stratum[order] == stratum for order, end in self.ends.items())

    def is_full(self, order: OrderId) -> bool:
        stratum = self.stratum[order]
        return self.most is not None and self.accepted_of(stratum) >= self.most.get(stratum, 0)

    @property
    def reached(self) -> bool:
        return self.most is not None and all(self.accepted_of(each) >= most for each, most in self.most.items())

    @rule(more=st.integers(0, 3))
    def stop_is_raised(self, more: int) -> None:
        """`gleaner run --more`, or another queue gave of its part."""
        if self.most is not None:
            self.most = {each: max(most, self.accepted_of(each)) + more for each, most in self.most.items()}
            self.queue.aim.most = self.most

    @rule()
    def strata_that_are_complete_end(self) -> None:
        """What is ready of them, and nothing else."""
        for record in self.queue.end_over(self.now):
            assert isinstance(record, NotNeededEnd) and self.is_full(record.order_id)
            self.ledger.append([record])
            self.ends[record.order_id] = "not_needed"

    @rule(really=st.integers(0, 5).map(lambda drawn: drawn == 5))
    def plan_is_closed(self, really: bool) -> None:
        """The run has its samples, or was ended on purpose."""
        self.closed = self.queue.aim.closed = self.closed or really

    @precondition(lambda self: self.closed)
    @rule()
    def leftovers_end(self) -> None:
        for record in self.queue.end_unleased(self.now, None):
            assert isinstance(record, NotNeededEnd)
            self.ledger.append([record])
            self.ends[record.order_id] = "not_needed"

    @rule(seconds=st.floats(0, 30))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(conductor=st.sampled_from("ab"))
    def conductor_dies(self, conductor: str) -> None:
        self.queue.release(conductor, self.now)
        self.live.clear()

    @rule()
    def process_dies(self) -> None:
        """Everything in memory is thrown away; the ledger is replayed."""
        self.queue = self.fresh_queue()
        for _, record in self.ledger.records():
            self.queue.replay(record)
        self.live.clear()

    @rule(data=st.data())
    def dead_letters_are_put_back(self, data: st.DataObject) -> None:
        """Between two runs, by the planner that `gleaner replay` uses; then a new process replays the ledger."""
        view = StoryLedger(self.ledger.kept)
        found = list(dead_letters(view, ReplayRequest()))
        assert {letter.end.order_id for letter in found} == {
            o for o, end in self.ends.items() if end == "dead_lettered"
        }
        for letter in found:
            if data.draw(st.booleans()):
                self.ledger.append([reopened(letter, view, Terms(self.now, frozenset()))])
                del self.ends[letter.end.order_id]
                made = len(letter.life.attempts)
                self.before[letter.end.order_id], self.attempts[letter.end.order_id] = made, made + 1
        self.process_dies()

    @precondition(lambda self: self.queue.exhausted)
    @rule()
    def budget_ends(self) -> None:
        for record in self.queue.end_unleased(self.now, BUDGET_SPENT):
            assert isinstance(record, DeadLetteredEnd)
            self.ledger.append([record])
            self.ends[record.order_id] = "dead_lettered"

    @invariant()
    def holds(self) -> None:
        if not hasattr(self, "queue"):
            return
        self.queue.check()
        assert self.queue.issued == len(self.issued)
        assert self.queue.accepted == sum(end == "accepted" for end in self.ends.values())
        assert self.queue.not_needed == sum(end == "not_needed" for end in self.ends.values())
        for stratum in {*self.stratum.values()}:
            assert self.queue.came.accepted[stratum] == self.accepted_of(stratum)
        assert self.queue.dead_lettered == sum(end == "dead_lettered" for end in self.ends.values())

    def teardown(self) -> None:
        if not hasattr(self, "queue"):
            return
        tally = Tally()
        for _, record in self.ledger.records():
            tally.apply(record)
        counts = tally.summary().counts
        assert counts.outstanding == self.queue.outstanding
        findings = Findings()
        read_book(self.ledger.records(), findings)
        assert findings.kept == []
        said = (counts.accepted, counts.dead_lettered, counts.not_needed)
        assert said == (self.queue.accepted, self.queue.dead_lettered, self.queue.not_needed)
        self.everything_ends()

    def everything_ends(self) -> None:
        """From any state, patience and yes-men bring every order to its one end."""
        for _ in range((len(self.issued) + MORE) * MAX_ATTEMPTS + 1):
            self.now += LEASE_S + 31
            for lease in self.queue.lease(self.now, "last", 1000):
                for single in lease.apart():
                    self.settle(single, accepted(single))
            self.strata_that_are_complete_end()
            if self.reached:
                self.plan_is_closed(True)
            if self.closed:
                self.leftovers_end()
            elif self.queue.exhausted:
                self.budget_ends()
        assert set(self.ends) == self.issued
        if self.until is not None and not (self.closed or self.reached or self.queue.exhausted):
            for number in range(1, self.passages + 1):
                assert not self.planning.lacking(passage(number).id), "closed early"


def _outcome(lease: Lease, kind: str) -> Outcome:
    match kind:
        case "accept":
            return accepted(lease)
        case "reject":
            return rejected(lease)
        case _:
            return given_up(lease)


TestQueueMachine = QueueMachine.TestCase
TestQueueMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
