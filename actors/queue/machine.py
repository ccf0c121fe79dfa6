"""RegenerationQueue owns every outstanding order, of every kind. Pure: facts and `now` in, records out.

Law: an order is ready, leased or waiting until it ends. It ends once; then it is forgotten. For samples, issued =
accepted + dead-lettered + not needed + outstanding after every call. Only a record of the ledger brings a dead letter
back, with its history, so that attempt numbers continue, and with its full number of attempts.

A lease is a hint, the attempt number is the truth. When a lease ends or its conductor dies, the order is ready again
with the *same* attempt number. The first report on an attempt number moves the order on; any other is stale and changes
nothing. So a late result is used or dropped, never both, and no clock decides. The cost of a dropped result is charged,
once for each lease of its attempt beyond the first.

The kinds of orders differ by their rows in `schemas.order_kinds`. `ready_orders` chooses the next one, a `listener`
what follows from credit.
"""

from collections.abc import Mapping, Sequence

from actors.counts.standing import SampleEnd
from actors.ledger.attempts import summary, tokens
from actors.queue.aim import Aim, Came, Need
from actors.queue.ends import NOT_NEEDED, EndRecord, Move, is_reported, is_same_label, sample_record, tokens_of
from actors.queue.held import AskedQuestions, Depth, Held, OrderState, QueueLimits, Similarity
from actors.queue.issued import held_again, held_order
from actors.queue.late_reports import LateReports
from actors.queue.leasing import Lender
from actors.queue.listener import Instructions, Listener, QueueView
from actors.queue.outstanding import Outstanding
from actors.queue.passages import KnownPassages
from actors.queue.probes import ProbeTerms, held_probe, probe_record, spoilt, unjudged
from schemas.corpus import Passage
from schemas.errors import LedgerError
from schemas.ids import PassageId
from schemas.ledger import (
    AcceptedEnd,
    AskedBefore,
    CreditBegun,
    Credited,
    DeadLetteredEnd,
    NotNeededEnd,
    Planned,
    ProbeEnded,
    ProbeIssued,
    ProbeRejoined,
    Record,
    Rejoined,
    Reopened,
    Rescored,
    Rolled,
    StaleReport,
)
from schemas.order_kinds import Unmade, Urgency
from schemas.orders import (
    Accept,
    DeadLetter,
    Holding,
    Lease,
    Order,
    OrderKind,
    Outcome,
    Recorded,
    Settlement,
    Stale,
)
from schemas.until_dry import UntilDry


class RegenerationQueue:
    """The state machine. `similarity`: of the words of two samples of one passage, in [0, 1]."""

    def __init__(
        self,
        limits: QueueLimits,
        similarity: Similarity,
        *,
        probes: ProbeTerms | None = None,
        listener: Listener | None = None,
    ) -> None:
        self._limits = limits
        self._probes = ProbeTerms() if probes is None else probes
        self._listener = listener
        self._asked = AskedQuestions(similarity, limits.similarity_threshold, limits.vector_threshold)
        self.passages = KnownPassages()
        self.unaffordable = False  # set by who knows the prices
        self.orders = Outstanding({Urgency.FRESH: limits.fresh_share, Urgency.ROLLOUTS: limits.rollout_share})
        self._held = self.orders.by_id
        self._lender = Lender(self.orders, limits)
        self._late = LateReports()
        self._followed: list[Record] = []
        self.aim, self.came = Aim(), Came()
        self.issued = self.accepted = self.dead_lettered = self.not_needed = self.stale = self.spent = 0

    @property
    def outstanding(self) -> int:
        """Orders of samples without an end."""
        return self.orders.outstanding

    @property
    def idle(self) -> bool:
        """Whether no order of any kind is outstanding."""
        return not self._held

    @property
    def exhausted(self) -> bool:
        """Whether the budget is spent, in tokens or in money."""
        return self.unaffordable or (self._limits.tokens is not None and self.spent >= self._limits.tokens)

    @property
    def ending(self) -> bool:
        """Whether no attempt starts any more: the budget is spent, or the plan was closed."""
        return self.aim.closed or self.exhausted

    @property
    def wanted(self) -> Mapping[str, int] | None:
        """How many outstanding orders of samples there should be of each stratum for what is missing; None without a
        limit."""
        return self.aim.wanted(self.came)

    def outstanding_of(self, stratum: str) -> int:
        """Orders of samples of a stratum without an end."""
        return self.orders.outstanding_of(stratum)

    def is_open(self, passage_id: PassageId) -> bool:
        """Whether the passage has outstanding orders, so that its accepted samples are known."""
        return passage_id in self.orders.open_passages

    def plan(
        self,
        passage: Passage,
        orders: Sequence[Order],
        now: float,
        asked: Sequence[AskedBefore] = (),
        *,
        until: UntilDry | None = None,
        follows: bool = False,
    ) -> Planned | None:
        """Issues those orders of a passage that were not issued before; None if there are none. `asked`: the passage's
        accepted samples, if it is known and not open; `until`, `follows`: as in the record."""
        fresh = tuple(order for order in orders if order.slot >= self.passages.standing(passage.id).orders)
        if not fresh:
            return None
        planned = Planned(now, passage, fresh, tuple(asked), until, follows)
        self._plan(planned)
        return planned

    def lease(self, now: float, conductor: str, limit: int) -> list[Lease]:
        """Leases of up to `limit` orders, the most urgent first, no more than are wanted; none when `ending`."""
        self.wake(now)
        return [] if self.ending else self._lender.lease(now, conductor, limit, self.wanted)

    def wake(self, now: float) -> None:
        """Makes orders ready whose lease is over, or whose pause."""
        for due in self.orders.due(now):
            self._make_ready(due, now)

    def hold(self, conductor: str, holdings: Sequence[Holding], now: float) -> int:
        """Leases to a conductor what it works on since before this queue was restarted; returns how many."""
        return self._lender.hold(conductor, holdings, now)

    def release(self, conductor: str, now: float) -> int:
        """Makes a dead conductor's orders ready again; returns how many."""
        lost = self.orders.leased_to(conductor)
        for held in lost:
            self._make_ready(held, now)
        return len(lost)

    def settle(self, outcome: Outcome, now: float) -> tuple[Settlement, Record | None]:
        """The answer to an outcome, and the record that must be durable before the answer is sent.

        An outcome is stale unless it has the order's present attempt number. A number ahead of ours cannot have been
        leased, since a lease is handed out only after the records it depends on are durable.
        """
        held = self._held.get(outcome.order_id)
        if held is None or outcome.attempt.number != held.attempt:
            self.stale += 1
            late = self._late.reported(outcome, now)
            if late is not None:
                self.spent += late.cost.tokens
                self._followed.append(late)
            return Stale(outcome.order_id), None
        need = self.aim.need(held.stratum, self.came)
        if held.policy.sample and isinstance(outcome.decision, Accept) and need is not Need.NOTHING:
            duplicate = self._asked.again(held.order, outcome.attempt)
            if duplicate is not None:
                return duplicate, None
        record = self._record(held, outcome, now)
        self._apply(record, held)
        probe = self._probes.beside(held.order, held.passage, outcome.attempt) if held.policy.sample else None
        if probe is not None and not self.ending:
            self._followed.append(issued := ProbeIssued(now, probe))
            self._issue_probe(issued)
        begun = None if self._listener is None else self._listener.begin(record, self._view(held))
        if begun is not None:
            self._followed.append(begun)
            self._tell(begun, held)
        return Recorded(outcome.order_id), record

    def followed(self) -> list[Record]:
        """Further records of the last calls, beside those that they returned: to be made durable with them."""
        records, self._followed = self._followed, []
        return records

    def end_unleased(self, now: float, end: DeadLetter | None) -> list[Record]:
        """Ends every order that is not leased, as its kind says. `end`: of samples, which are dead letters then; None:
        they are not needed. Returns the samples' records."""
        if self._listener is not None:
            self._obey(self._listener.close(now), now)
        records: list[Record] = []
        for held in self.orders.unleased():
            match held.policy.unmade:
                case Unmade.DEAD_LETTER:
                    order_id = held.order.id
                    record = NotNeededEnd(now, order_id) if end is None else DeadLetteredEnd(now, order_id, None, end)
                    records.append(record)
                    self._apply(record, held)
                case Unmade.ENDED:
                    record = unjudged(held, now, NOT_NEEDED if end is None else end.detail)
                    self._followed.append(record)
                    self._apply(record, held)
                case Unmade.TAKEN_BACK:
                    self._drop(held)
        return records

    def end_over(self, now: float) -> list[Record]:
        """Ends what is ready of strata that the run has enough of: it is not needed."""
        over = self.orders.ready.take_all(lambda stratum: self.aim.is_over(stratum, self.came))
        records: list[Record] = []
        for held in over:
            records.append(record := NotNeededEnd(now, held.order.id))
            self._apply(record, held)
        return records

    def replay(self, record: Record) -> None:
        """Applies one record of the ledger, in order. Leases are not recorded: an order that was leased is ready again.
        Records that follow from it stand later in the ledger, or must still be made durable."""
        match record:
            case Planned():
                self._plan(record)
            case ProbeIssued():
                self._issue_probe(record)
            case Reopened():
                self._reopen(record)
            case Rejoined() | AcceptedEnd() | Rescored() | DeadLetteredEnd() | NotNeededEnd():
                self._apply(record, self.orders.moved_by(record))
            case ProbeRejoined() | ProbeEnded():
                self._apply(record, self.orders.moved_by(record))
            case Rolled():
                self._apply(record, self._held.get(record.order_id))
            case CreditBegun():
                self._tell(record, self._held.get(record.order_id))
            case Credited():
                self._followed = [kept for kept in self._followed if not is_same_label(kept, record)]
                self._tell(record, self._held.get(record.order_id))
            case StaleReport():
                self.spent += record.cost.tokens
            case _:
                pass

    def next_wake(self) -> float | None:
        """When the next waiting order becomes ready or the next lease ends; None if there is neither."""
        return self.orders.next_wake()

    def depth(self) -> Depth:
        """How many orders are in each state."""
        return self.orders.depth()

    def check(self) -> None:
        """Raises AssertionError when an invariant does not hold. For tests: it looks at every order."""
        assert self.issued == self.accepted + self.dead_lettered + self.not_needed + self.outstanding
        assert self.came.accepted.total() == self.accepted
        assert self.came.ended.total() == self.accepted + self.dead_lettered
        self.orders.check()
        for held in self._held.values():
            assert 1 <= held.attempt - held.attempts_before <= self._limits.max_attempts, held.told()
            leased = held.state is OrderState.LEASED
            assert leased or self._is_needed(held), f"{held.told()} is to be made, and nothing waits for it"
        assert self._asked.passages <= self.orders.open_passages.keys()
        if self._listener is not None:
            self._listener.check([held for held in self._held.values() if held.policy.on_demand])

    def _plan(self, planned: Planned) -> None:
        self._asked.planned(planned, is_open=self.is_open(planned.passage.id))
        self.passages.planned(planned.passage.id, len(planned.orders))
        for order in planned.orders:
            if order.id in self._held:
                raise LedgerError(f"order {order.id} is issued twice")
            self._add(held_order(order, planned.passage, planned.at, self._limits.axis))
            self.issued += 1

    def _issue_probe(self, issued: ProbeIssued) -> None:
        if issued.probe.id in self._held:
            raise LedgerError(f"probe {issued.probe.id} is issued twice")
        self._add(held_probe(issued, self._probes.task))

    def _reopen(self, record: Reopened) -> None:
        order, passage = record.order, record.passage
        if order.id in self._held or not self.passages.knows(passage.id) or not self.dead_lettered:
            raise LedgerError(f"the ledger puts back order {order.id}, which is no dead letter")
        if not self.is_open(passage.id):
            self._asked.remember(passage.id, record.asked)
        self.dead_lettered -= 1
        held = held_again(record, self._limits.axis)
        self.came.ended[held.stratum] -= 1
        self._add(held)
        self._tell(record, held)

    def _record(self, held: Held, outcome: Outcome, now: float) -> Move:
        match held.order.kind:
            case OrderKind.FRESH:
                need = self.aim.need(held.stratum, self.came)
                return sample_record(held, outcome, now, self._limits, spent=self.spent, need=need)
            case OrderKind.PROBE:
                return probe_record(held, outcome, now, self._limits, self._probes)
            case OrderKind.ROLLOUT:
                assert self._listener is not None, "whoever issued a rollout has gone"
                return self._listener.end(held, outcome, now)

    def _apply(self, record: Move, held: Held | None) -> None:
        """One transition of one order. `held`: None if the order was forgotten before its report was recorded."""
        if isinstance(record, Rejoined | ProbeRejoined):
            assert held is not None, "only orders that are held are repaired"
            self._rejoin(held, record)
        else:
            self._end(held, record)
        if self._listener is not None:
            self._tell(record, held)

    def _rejoin(self, held: Held, record: Rejoined | ProbeRejoined) -> None:
        choice = record.attempt.choice
        self.spent += tokens(record.attempt)
        self._late.owe(held, reported=True)
        held.attempt = record.attempt.number + 1
        held.repair = None if choice is None else choice.repair
        held.history, held.probe = (*held.history, summary(record.attempt)), spoilt(held.probe, record)
        self._make_ready(held, record.at)

    def _end(self, held: Held | None, record: EndRecord) -> None:
        self.spent += tokens_of(record)
        if held is None:
            return
        self._late.owe(held, reported=is_reported(record))
        match record:
            case AcceptedEnd() | Rescored():
                self.accepted += 1
                self.came.end(held.stratum, accepted=True)
                self._asked.add(held.order, record.attempt)
            case DeadLetteredEnd():
                self.dead_lettered += 1
                self.came.end(held.stratum, accepted=False)
            case NotNeededEnd():
                self.not_needed += 1
            case Rolled() | ProbeEnded():
                pass
        if isinstance(record, SampleEnd):
            self.passages.ended(held.order.passage_id, record)
        if self.orders.forget(held):
            self._asked.forget(held.order.passage_id)

    def _drop(self, held: Held) -> None:
        """Forgets an order whose result is not needed any more and that is not leased."""
        self._late.owe(held, reported=False)
        self.orders.forget(held)
        if self._listener is not None:
            self._listener.dropped(held.order.id)

    def _add(self, held: Held) -> None:
        self.orders.add(held)
        self._make_ready(held, held.since)

    def _make_ready(self, held: Held, now: float) -> None:
        if held.policy.on_demand and not self._is_needed(held):
            self._drop(held)
            return
        self.orders.make_ready(held, now)

    def _is_needed(self, held: Held) -> bool:
        awaited = self._listener is not None and self._listener.awaits(held.order.id)
        return awaited or not held.policy.on_demand

    def _view(self, held: Held | None) -> QueueView:
        return QueueView(held, self.orders.open_passages, self.spent, self.ending)

    def _tell(self, record: Record, held: Held | None) -> None:
        if self._listener is not None:
            self._obey(self._listener.hear(record, self._view(held)), record.at)

    def _obey(self, told: Instructions, now: float) -> None:
        for wait in told.wait:
            self.orders.wait(self._held[wait.order_id], now, until=wait.until)
        for wanted in told.issue:
            self._add(held_order(wanted.order, wanted.passage, now, repair=wanted.repair))
        for order_id in told.take_back:
            held = self._held.get(order_id)
            if held is not None and held.state is not OrderState.LEASED:
                self._drop(held)
        self._followed += told.records
        for each in told.go_on:
            held = self._held.get(each.order_id)
            if held is not None and held.state is OrderState.WAITING and held.attempt == each.attempt:
                held.repair = each.repair or held.repair
                self._make_ready(held, now)
