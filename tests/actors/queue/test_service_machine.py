"""Queue service and ledger under any schedule: calls stepped await by await, cancelled, cut off by a crash at any step.

The ledger is a list; a batch in flight when the process dies is in it or not. What a caller was told is the model: it
must be true of the ledger at that moment, and stay true of every life after it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from actors.audit.book import ACCEPTED, DEAD_LETTERED, OPEN
from actors.audit.findings import Findings
from actors.audit.fold import read_book
from actors.ledger.sqlite import MemoryLedger
from actors.queue.machine import QueueLimits, RegenerationQueue
from actors.queue.service import QueueService, ServiceSettings
from schemas.corpus import Passage
from schemas.errors import GleanerError, OutputError
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Record, Rejoined
from schemas.orders import Accept, Duplicate, Lease, Outcome, Recorded, Settlement, Stale
from schemas.until_dry import UntilDry, first_orders
from tests.doubles.attempts import accepted, given_up, orders, passage, rejected
from tests.doubles.giving import giving_faults
from tests.doubles.service_calls import Ask, Given
from tests.doubles.stepped_loop import SteppedLoop

MAX_ATTEMPTS = 3
LEASE_S = 20.0
SLOTS = 2
CAPACITY = 6
PATIENCE_S = 31.0
RARELY = st.integers(0, 5).map(lambda drawn: drawn == 5)
"""So that a process lives long enough to have something to lose."""
Key = tuple[OrderId, int]


class ServiceMachine(RuleBasedStateMachine):
    """One queue over many lives of its process."""

    @initialize(
        budget=st.sampled_from([None, None, None, 300]),
        under_way=st.booleans(),
        slots=st.sampled_from([SLOTS, SLOTS, UntilDry(3, 1), UntilDry(4, 2), UntilDry(4, 1, at_once=3)]),
    )
    def begin(self, budget: int | None, under_way: bool, slots: int | UntilDry) -> None:
        self.slots = slots
        self.limits = QueueLimits(MAX_ATTEMPTS, LEASE_S, 0.25, tokens=budget)
        self.kept: list[Record] = []
        self.now = 1000.0
        self.names = 0
        self.reports = 0
        self.passages: list[Passage] = []
        self.held: list[Given] = []
        self.sent: list[Outcome] = []
        self.told_ends: set[OrderId] = set()
        self.told_recorded: set[Key] = set()
        self.open()
        if under_way:
            self.offer(2, again=False)
            self.lease("a", 3, 0.0)
            self.all_goes_well()

    def open(self) -> None:
        """A new process: the queue is what the ledger says."""
        self.loop = SteppedLoop(self.now)
        self.ledger = MemoryLedger()
        self.ledger.kept = self.kept
        self.queue = RegenerationQueue(self.limits, lambda one, other: float(one == other))
        settings = ServiceSettings("grounded_answer", samples_per_passage=self.slots, capacity=CAPACITY)
        make = lambda: QueueService(self.queue, self.ledger, settings, now=self.loop.time)  # noqa: E731
        self.service = self.loop.call_now(make)
        self.asks: list[Ask] = []
        self.conductors = {"a": self.named("a"), "b": self.named("b")}
        self.dead: set[str] = set()
        self.live: dict[OrderId, Given] = {}
        self.failed = self.stopped = self.ended = False

    def named(self, conductor: str) -> str:
        self.names += 1
        return f"{conductor}{self.names}"

    # what callers do

    @rule(count=st.integers(1, 3), again=st.booleans())
    def offer(self, count: int, again: bool) -> None:
        if self.ended:
            return
        first = 0 if again else len(self.passages)
        offered = [passage(number) for number in range(first, first + count)]
        known = {one.id for one in self.passages}
        self.passages.extend(one for one in offered if one.id not in known)
        self.ask(self.service.offer(offered), lambda wanted: self.was_offered(offered, wanted))

    @rule(really=RARELY)
    def corpus_ends(self, really: bool) -> None:
        if really and not self.ended:
            self.ended = True
            self.ask(self.service.corpus_ended(1, self.taken_in), lambda _: None)

    @property
    def taken_in(self) -> int:
        return len({record.passage.id for record in self.kept if isinstance(record, Planned)})

    @rule(who=st.sampled_from("ab"), limit=st.integers(1, 4), wait_s=st.sampled_from([0.0, 1.0, 50.0]))
    def lease(self, who: str, limit: int, wait_s: float) -> None:
        name = self.conductors[who]

        async def call() -> Sequence[Lease]:
            ask.until = self.now + wait_s
            return await self.service.lease(name, limit, wait_s)

        ask = self.ask(call(), lambda leases: self.was_leased(name, leases), conductor=name)

    @precondition(lambda self: self.held)
    @rule(
        picks=st.lists(st.integers(0, 999), min_size=1, max_size=3),
        kind=st.sampled_from(["accept", "reject", "stop", "same question", "same question"]),
    )
    def settle(self, picks: list[int], kind: str) -> None:
        """Of any lease ever given: running, expired, of a dead conductor, of an earlier life, already reported."""
        self.report([self.written(self.held[pick % len(self.held)].lease, kind) for pick in picks])

    @precondition(lambda self: self.sent)
    @rule(pick=st.integers(0, 999))
    def settle_again(self, pick: int) -> None:
        """The same message twice."""
        self.report([self.sent[pick % len(self.sent)]])

    @rule(who=st.sampled_from("ab"))
    def conductor_dies(self, who: str) -> None:
        self.answers()
        name = self.conductors[who]
        self.service.release(name)
        self.dead.add(name)
        self.conductors[who] = self.named(who)
        self.live = {order: given for order, given in self.live.items() if given.conductor != name}

    @precondition(lambda self: self.asks)
    @rule(pick=st.integers(0, 999))
    def caller_gives_up(self, pick: int) -> None:
        ask = self.asks[pick % len(self.asks)]
        ask.cancelled = True
        ask.task.cancel()

    @rule(really=RARELY)
    def leasing_stops(self, really: bool) -> None:
        if not really:
            return
        self.answers()
        self.service.stop_leasing()
        self.stopped = True

    # what happens meanwhile

    @rule(steps=st.integers(1, 6))
    def step(self, steps: int) -> None:
        for _ in range(steps):
            self.loop.step()

    @rule()
    def run_on(self) -> None:
        self.loop.run_until_quiet()

    @rule(seconds=st.sampled_from([0.01, 1.5, LEASE_S + 1]))
    def wait(self, seconds: float) -> None:
        self.loop.wait(seconds)
        self.now = self.loop.now

    @precondition(lambda self: self.loop.jobs)
    @rule()
    def commit(self) -> None:
        job = self.loop.jobs.popleft()
        job.done(job.work())

    @rule()
    def all_goes_well(self) -> None:
        """Calls run, batches reach the disk, answers reach their callers."""
        self.loop.run_until_quiet()
        while self.loop.jobs:
            self.commit()
            self.loop.run_until_quiet()

    @precondition(lambda self: self.loop.jobs)
    @rule(written=st.booleans(), really=RARELY)
    def commit_fails(self, written: bool, really: bool) -> None:
        """The disk says no; yet the batch may be on it."""
        if not really:
            return
        job = self.loop.jobs.popleft()
        if written:
            job.work()
        job.failed(OutputError("the disk is full"))
        self.failed = True

    @rule(written=st.booleans(), really=RARELY)
    def process_dies(self, written: bool, really: bool) -> None:
        """Between any two steps; the batch in flight reached the disk or not."""
        if not (really or self.failed):
            return
        self.answers()
        if self.loop.jobs and written:
            self.loop.jobs[0].work()
        self.loop.die()
        self.open()

    # what callers are told

    def ask(self, call: Any, check: Callable[[Any], None], *, conductor: str | None = None) -> Ask:
        ask = Ask(self.loop.start(call), check, conductor)
        self.asks.append(ask)
        return ask

    def report(self, outcomes: list[Outcome]) -> None:
        self.sent.extend(outcomes)
        self.ask(self.service.settle(outcomes), lambda told: self.was_settled(outcomes, told))

    def written(self, lease: Lease, kind: str) -> Outcome:
        """A report whose text is its own, so that the ledger shows whose was used."""
        self.reports += 1
        match kind:
            case "accept":
                outcome = accepted(lease, f"Question {self.reports}?")
            case "same question":
                outcome = accepted(lease, "The same question?")
            case "reject":
                outcome = rejected(lease)
            case _:
                outcome = given_up(lease)
        assert outcome.attempt.candidate is not None
        text = replace(outcome.attempt.candidate, text=f"report {self.reports}")
        return replace(outcome, attempt=replace(outcome.attempt, candidate=text))

    def answers(self) -> None:
        """Looks at every call that has been answered since the last look."""
        done = [ask for ask in self.asks if ask.task.done()]
        self.asks = [ask for ask in self.asks if not ask.task.done()]
        for ask in done:
            if ask.task.cancelled():
                assert ask.cancelled, "a call was cancelled that nobody gave up"
                continue
            error = ask.task.exception()
            if error is None:
                ask.check(ask.task.result())
            else:
                assert isinstance(error, GleanerError) and self.failed, error

    def was_offered(self, offered: list[Passage], wanted: bool) -> None:
        planned = {record.passage.id for record in self.kept if isinstance(record, Planned)}
        if wanted:
            assert {one.id for one in offered} <= planned, "an offer was answered before it was durable"
        else:
            assert self.stopped or self.queue.exhausted

    def was_leased(self, conductor: str, leases: Sequence[Lease]) -> None:
        assert not leases or conductor not in self.dead, "a dead conductor was given a lease"
        used = self.used()
        planned = {order.id for record in self.kept if isinstance(record, Planned) for order in record.orders}
        for lease in leases:
            order = lease.order.id
            assert order not in self.told_ends, "an order that has ended is paid for again"
            assert order in planned, "an order is given that the ledger does not know"
            assert all((order, earlier) in used for earlier in range(1, lease.attempt)), (
                "an attempt ahead of the ledger"
            )
            other = self.live.get(order)
            if other is not None and other.lease.attempt == lease.attempt:
                apart_s = abs(lease.expires_at - other.lease.expires_at)  # answers may overtake each other
                assert apart_s >= LEASE_S, "leased to two at once"
            given = Given(lease, conductor)
            if other is None or lease.expires_at > other.lease.expires_at or lease.attempt != other.lease.attempt:
                self.live[order] = given
            self.held.append(given)

    def was_settled(self, outcomes: list[Outcome], settlements: list[Settlement]) -> None:
        used, ended = self.used(), {end.order_id for end in self.kept if isinstance(end, AcceptedEnd | DeadLetteredEnd)}
        for outcome, settlement in zip(outcomes, settlements, strict=True):
            key = (outcome.order_id, outcome.attempt.number)
            match settlement:
                case Recorded():
                    assert used.get(key) == outcome, "told as recorded, and not in the ledger"
                    assert key not in self.told_recorded, "one attempt was recorded for two"
                    self.told_recorded.add(key)
                    if outcome.order_id in ended:
                        self.told_ends.add(outcome.order_id)
                case Stale():
                    assert key in used or outcome.order_id in ended, "dropped for a report that is not durable"
                case Duplicate():
                    assert isinstance(outcome.decision, Accept)
                    assert settlement.of in ended, "refused for a sample that is not durable"

    def used(self) -> dict[Key, Outcome]:
        """Which report the ledger holds of each attempt."""
        found: dict[Key, Outcome] = {}
        texts = {_text(outcome): outcome for outcome in self.sent}
        for record in self.kept:
            if isinstance(record, Rejoined | AcceptedEnd | DeadLetteredEnd) and record.attempt is not None:
                key = (record.order_id, record.attempt.number)
                assert key not in found, "two reports of one attempt are in the ledger"
                found[key] = texts[record.attempt.candidate.text if record.attempt.candidate else ""]
        return found

    # what always holds

    @invariant()
    def holds(self) -> None:
        self.answers()
        self.queue.check()
        assert self.queue.outstanding < CAPACITY + first_orders(self.slots)
        assert self.loop.complaints == []
        findings = Findings()
        read_book(enumerate(self.kept, 1), findings)
        assert findings.kept == []

    @invariant()
    def nobody_waits_in_vain(self) -> None:
        """When nothing moves, who waits has a reason: a commit, a full queue, no work."""
        if not self.loop.quiet or self.loop.jobs:
            return
        ready = self.queue.depth().ready
        for ask in self.asks:
            if ask.conductor is None:
                assert self.reserved >= CAPACITY, "a call is never answered"
                continue
            assert ask.until is not None
            assert ask.until >= self.now and not self.stopped, "a lease call waits longer than it was asked to"
            assert ask.conductor not in self.dead
            assert not ready or self.queue.exhausted or self.failed, "a lease call waits beside work"

    @property
    def reserved(self) -> int:
        """Outstanding orders, with those that open passages may get at once."""
        by_passage = len(self.queue.orders.open_passages) * first_orders(self.slots)
        return max(self.queue.outstanding, by_passage if isinstance(self.slots, UntilDry) else 0)

    def teardown(self) -> None:
        if not hasattr(self, "loop"):
            return
        self.loop.die()
        self.open()
        self.everything_ends()
        self.loop.die()

    def everything_ends(self) -> None:
        """From whatever is left, one good life brings every order to its one end, each told or found."""
        offering = self.loop.start(self.service.offer(self.passages))
        for _ in range(len(self.passages) + 1):
            self.conduct()
            self.wait(PATIENCE_S)
        self.loop.run_until_quiet()
        assert offering.done(), "a queue that has room again lets its reader wait"
        self.through(self.service.corpus_ended(1, self.taken_in))
        for _ in range(MAX_ATTEMPTS * 3):
            self.conduct()
            self.wait(PATIENCE_S)
        assert self.service.finished()
        book = read_book(enumerate(self.kept, 1), Findings())
        counts = self.service.snapshot().counts
        said = (counts.issued, counts.accepted, counts.dead_lettered, counts.outstanding)
        assert said == (len(book.ends), book.count(ACCEPTED), book.count(DEAD_LETTERED), book.count(OPEN))
        assert counts.outstanding == 0
        if isinstance(self.slots, UntilDry):
            assert giving_faults(self.kept, self.slots, whole=not self.queue.exhausted) == []
            return
        issued = {order.id for one in self.passages for order in orders(one, SLOTS)}
        assert set(book.ends) == issued or (self.queue.exhausted and set(book.ends) < issued)

    def conduct(self) -> None:
        while leases := self.through(self.service.lease(self.conductors["a"], 100, 0.0)):
            self.was_leased(self.conductors["a"], leases)
            outcomes = [self.written(lease, "accept") for lease in leases]
            self.sent.extend(outcomes)
            self.was_settled(outcomes, self.through(self.service.settle(outcomes)))

    def through(self, call: Any) -> Any:
        """One call, from asking to its answer, on a good disk."""
        task = self.loop.start(call)
        for _ in range(100):
            self.loop.run_until_quiet()
            if self.loop.jobs:
                self.commit()
            elif task.done():
                return task.result()
        raise AssertionError("a call is never answered")


def _text(outcome: Outcome) -> str:
    assert outcome.attempt.candidate is not None
    return outcome.attempt.candidate.text


TestServiceMachine = pytest.mark.slow(ServiceMachine.TestCase)
TestServiceMachine.settings = settings(max_examples=200, stateful_step_count=80, deadline=None)
