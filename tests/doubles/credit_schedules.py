"""Random lives of a credited run, one seed each: its queue service stepped by hand, over a ledger in memory.

Conductors are slow, die, report late and twice; leases end; the process dies with its last batch on the disk or not;
budgets end in the middle of credits; dead letters are put back between two processes. What must hold is checked after
every move, and every ledger is folded again by whatever reads ledgers.
"""

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

from actors.audit.book import OPEN
from actors.audit.findings import Findings
from actors.audit.fold import read_book
from actors.counts.tally import Tally
from actors.credit.desk import CreditDesk
from actors.credit.plan import RolloutOwner
from actors.ledger.sqlite import MemoryLedger
from actors.queue.credits import Credits, CreditTerms
from actors.queue.held import QueueLimits
from actors.queue.machine import RegenerationQueue
from actors.queue.service import QueueService, ServiceSettings
from schemas.config_credit import Credit
from schemas.credit import PolicyVersion
from schemas.ledger import CreditBegun, Credited, DeadLetteredEnd, Planned, Record, Rolled
from schemas.orders import EndReason, Lease, OrderKind, Outcome
from tests.doubles.replays import put_back
from tests.doubles.solutions import given_up, problem, rolled, solution, solved, unanswered, wrong
from tests.doubles.stepped_loop import SteppedLoop

MAX_ATTEMPTS, SLOTS, CAPACITY = 3, 2, 8
LEASE_S, WAIT_S = 20.0, 60.0
CONDUCTORS = ("a", "b")


class Life:
    """One seed's run over many lives of its process. `play` it, then `end` it."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.budget = self.random.choice([None, 40, 90, 150, 300])
        rollouts, at_once = self.random.choice([4, 9]), self.random.choice([1, 3, 5])
        self.rollout_share = self.random.choice([0.0, 0.5, 1.0])
        self.config = Credit(max_rollouts=rollouts, at_once=at_once, token_share=self.random.choice([0.3, 1.0]))
        self.most_open = self.random.choice([1, 3])
        self.kept: list[Record] = []
        self.held: list[tuple[str, Lease]] = []
        self.sent: list[Outcome] = []
        self.problems = 0
        self.names = Counter[str]()
        self.loop = SteppedLoop(1000.0)
        self.open()

    def open(self) -> None:
        """A process begins: its queue is what the ledger says."""
        self.loop = SteppedLoop(self.loop.now)
        self.limits = QueueLimits(MAX_ATTEMPTS, LEASE_S, 0.25, tokens=self.budget, rollout_share=self.rollout_share)
        self.ledger = MemoryLedger()
        self.ledger.kept = self.kept
        self.queue = self.replayed([])
        settings = ServiceSettings("math", samples_per_passage=SLOTS, capacity=CAPACITY)
        self.tally = Tally()
        self.service: QueueService = self.loop.call_now(
            lambda: QueueService(self.queue, self.ledger, settings, now=self.loop.time, tally=self.tally)
        )
        self.names.update(CONDUCTORS)

    def replayed(self, records: Sequence[Record]) -> RegenerationQueue:
        """A queue that has been told these records and nothing else."""
        desk = CreditDesk(self.config, RolloutOwner(PolicyVersion("double"), seed=0))
        credits = Credits(desk, CreditTerms(self.config, 0.7, restart=True, most_open=self.most_open, wait_s=WAIT_S))
        queue = RegenerationQueue(self.limits, lambda a, b: 0.0, listener=credits)
        for record in records:
            queue.replay(record)
        return queue

    def play(self, moves: int) -> None:
        """So many moves, each followed by what must hold."""
        choices = {
            self.offer: 2, self.lease: 6, self.report: 12, self.report_again: 1, self.wait: 1,
            self.conductor_dies: 1, self.process_dies: 1, self.somebody_keeps_a_rollout: 2, self.put_back: 1,
        }  # fmt: skip
        for _ in range(moves):
            (move,) = self.random.choices(list(choices), weights=list(choices.values()))
            move()
            self.holds()

    def offer(self) -> None:
        """A passage more, if there is room."""
        if self.queue.outstanding < CAPACITY and not self.queue.exhausted:
            self.problems += 1
            self.call(self.service.offer([problem(self.problems)]))

    def lease(self) -> None:
        """Some leases to one of the conductors."""
        who = self.random.choice(CONDUCTORS)
        leases = self.call(self.service.lease(self.name(who), self.random.choice([1, 2, 20]), 0.0))
        self.held += [(who, lease) for lease in leases]

    def report(self) -> None:
        """Of a lease that somebody was given, ever."""
        if self.held:
            _, lease = self.held.pop(self.random.randrange(len(self.held)))
            self.settle([self.outcome(lease)])

    def report_again(self) -> None:
        """A message twice, or long after its time."""
        if self.sent:
            self.settle([self.random.choice(self.sent)])

    def wait(self) -> None:
        """Leases and waits may end."""
        self.loop.wait(self.random.choice([1.0, LEASE_S + 1, WAIT_S + 1]))

    def conductor_dies(self) -> None:
        """Its leases return; what it knew may still arrive."""
        who = self.random.choice(CONDUCTORS)
        self.loop.call_now(lambda: self.service.release(self.name(who)))
        self.names[who] += 1

    def somebody_keeps_a_rollout(self) -> None:
        """All rollouts are leased and all but one reported: labels are decided while one is in somebody's hands."""
        who = self.random.choice(CONDUCTORS)
        leases = self.call(self.service.lease(self.name(who), 50, 0.0))
        rollouts = [lease for lease in leases if lease.order.kind is OrderKind.ROLLOUT]
        self.held += [(who, lease) for lease in leases if lease not in rollouts[1:]]
        for rollout in rollouts[1:]:
            self.settle([self.outcome(rollout)])
        if self.random.random() < 0.5:
            self.conductor_dies()

    def process_dies(self) -> None:
        """A report is on its way to the disk: it arrives there or not, and nobody is answered."""
        if self.held:
            _, lease = self.random.choice(self.held)
            self.loop.start(self.service.settle([self.outcome(lease)]))
            self.loop.run_until_quiet()
            if self.loop.jobs and self.random.random() < 0.5:
                self.loop.jobs[0].work()
        self.loop.die()
        self.open()

    def put_back(self) -> None:
        """`gleaner replay` between two processes, perhaps with a larger budget."""
        self.loop.die()
        back = [record for record in put_back(self.kept, at=self.loop.now) if self.random.random() < 0.7]
        self.kept.extend(back)
        if back and self.budget is not None and self.random.random() < 0.5:
            self.budget += 100
        self.open()

    def holds(self) -> None:
        """What must be true between any two moves."""
        self.queue.check()
        assert self.loop.complaints == []
        snapshot = self.service.snapshot()
        assert snapshot.unaccounted == 0
        assert self.queue.spent == self.tally.tokens, "the budget and the counts disagree on what was spent"
        depth = self.queue.depth()
        assert depth.ready + depth.leased + depth.waiting == self.queue.outstanding

    def end(self) -> None:
        """One good life brings everything to its end; then the ledger is what every reader takes it for."""
        self.loop.die()
        self.open()
        self.call(self.service.corpus_ended(1, self.problems))
        for _ in range(60):
            if self.service.finished():
                break
            self.loop.wait(LEASE_S + WAIT_S)
            for lease in self.call(self.service.lease(self.name("a"), 1000, 0.0)):
                self.settle([self.outcome(lease, "s")])
        assert self.service.finished(), "patience does not end it"
        self.holds()
        self.loop.die()
        again = self.replayed(self.kept)
        again.check()
        assert again.idle and again.followed() == [], "a finished run, opened again, has something left to do"
        self.check_ledger()

    def check_ledger(self) -> None:
        """By the hand that knows nothing of queues; each credit has its label, each draw was paid for once."""
        findings = Findings()
        book = read_book(enumerate(self.kept, 1), findings)
        assert findings.kept == []
        assert OPEN not in book.ends.values()
        begun = Counter((r.order_id, r.target.attempt) for r in self.kept if isinstance(r, CreditBegun))
        labelled = Counter((r.order_id, r.label.attempt) for r in self.kept if isinstance(r, Credited))
        assert begun == labelled and set(begun.values()) <= {1}
        paid = Counter((r.passage_id, r.prefix, r.draw, r.policy) for r in self.kept if isinstance(r, Rolled))
        assert set(paid.values()) <= {1}, "a draw was paid for twice"
        issued = {order.id for r in self.kept if isinstance(r, Planned) for order in r.orders}
        budget = [r for r in self.kept if isinstance(r, DeadLetteredEnd) and r.end.reason is EndReason.BUDGET]
        assert {r.order_id for r in budget} <= issued

    def name(self, who: str) -> str:
        """Names are not used again."""
        return f"{who}{self.names[who]}"

    def outcome(self, lease: Lease, how: str | None = None) -> Outcome:
        """What a conductor reports; solutions that begin alike are common, so that they share prefixes."""
        how = self.random.choice("wwwwsge") if how is None else how
        if how == "e":
            return unanswered(lease)
        if lease.order.kind is OrderKind.ROLLOUT:
            return rolled(lease, right=how == "s" or (how == "w" and self.random.random() < 0.3))
        if how == "s":
            return solved(lease)
        answer = solution(self.random.randint(1, 5), variant=self.random.randint(0, 1))
        return given_up(lease, answer) if how == "g" else wrong(lease, answer)

    def settle(self, outcomes: list[Outcome]) -> None:
        self.sent += outcomes
        self.call(self.service.settle(outcomes))

    def call(self, call: Any) -> Any:
        """A call and its answer; batches reach the disk."""
        task = self.loop.start(call)
        self.loop.run_until_quiet()
        while self.loop.jobs:
            job = self.loop.jobs.popleft()
            job.done(job.work())
            self.loop.run_until_quiet()
        assert task.done(), "a call is not answered"
        return task.result()
