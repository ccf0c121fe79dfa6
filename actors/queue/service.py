"""The queue and its ledger behind asyncio: many callers, one state machine, one writer.

Law: transitions happen in memory at once, and their records are committed in the same order (`commits`). No report and
no offer is answered before its record is durable. A lease is handed out only after the records it depends on are
durable. So a restarted queue knows every attempt that a conductor can be working on. Leases are in memory alone.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from actors.calls.clocks import Steady
from actors.counts.outstanding import outstanding_by
from actors.counts.refusals import Refusals
from actors.counts.standing import SampleEnd
from actors.counts.tally import Tally
from actors.queue.commits import GroupCommit, Ledger
from actors.queue.documents import KnownDocuments
from actors.queue.ends import BUDGET_SPENT, COST_REACHED
from actors.queue.machine import RegenerationQueue
from actors.queue.news import LeaseNews
from actors.queue.parts import QueuePart
from actors.queue.plan import Plan, StopTerms
from actors.queue.planning import Planning, Vary
from actors.queue.preflight import Hold
from schemas.corpus import DocumentRefused, Passage
from schemas.errors import GleanerError
from schemas.firsts import Preflight
from schemas.ids import PassageId
from schemas.ledger import AskedBefore, CorpusEnded, PlanEnded, Planned, Record, Refused, RunStarted, ShardWritten
from schemas.orders import Holding, Lease, Outcome, Settlement
from schemas.progress import RunSnapshot
from schemas.queue_shard import ShardStanding
from schemas.stop import PlanEnd
from schemas.until_dry import UntilDry


class ServiceSettings(Struct, frozen=True):
    """`samples_per_passage`: the orders of a passage, or the rule that finds them. `capacity`: with this many
    outstanding orders, `offer` waits."""

    task: str
    samples_per_passage: int | UntilDry
    capacity: int
    preflight: Preflight = Preflight.TELL
    stop: StopTerms = StopTerms()
    vary: Vary = lambda number: {}


class QueueService:
    """Replays the ledger when it is made; then serves any number of callers on one event loop."""

    def __init__(
        self,
        queue: RegenerationQueue,
        ledger: Ledger,
        settings: ServiceSettings,
        *,
        now: Callable[[], float],
        tally: Tally | None = None,
        news: LeaseNews | None = None,
    ) -> None:
        """`now`: for leases and waits; if it is `Steady`, records and snapshots take its wall time. `news`: what
        conductors get with leases."""
        self._queue = queue
        self._settings = settings
        self._planning = Planning(queue, settings.task, settings.samples_per_passage, settings.vary)
        self._now = now
        self._wall = now.wall if isinstance(now, Steady) else now
        self._tally = Tally() if tally is None else tally
        self._news = LeaseNews() if news is None else news
        self._refusals = Refusals()
        self._documents = KnownDocuments()
        self._dead: set[str] = set()
        self._plan = Plan(settings.stop)
        self._offers = 0
        self._changed = asyncio.Event()
        self._aimed = asyncio.Event()
        self._commits = GroupCommit(ledger, now=now, count=self._count, wake=self._changed.set)
        self._stopped = False
        self._recovering = ""
        self._writer = 0
        for _, record in ledger.records():
            queue.replay(record)
            self._count(record)
            self._remember(record)
        self._hold = Hold(settings.preflight, self._tally.summary())
        self._queue.aim.closed, self._queue.aim.shared = self._plan.closed, self._plan.shared
        if not self._plan.shared:
            self._aim(self._plan.goal)

    async def start(self, started: RunStarted) -> None:
        """A run begins or resumes: its corpus is read from the start. A queue restarted within a run is not started."""
        self._remember(started)
        self._commits.add(started)
        self._queue.aim.closed = self._plan.closed
        self._close_if_reached()
        await self._end_unleased()
        await self._commits.durable()

    def standing(self) -> ShardStanding:
        """What this queue has of the run's accepted samples, and whether it can make more."""
        queue, goal = self._queue, self._plan.goal
        able = not self.finished() and (not queue.idle or self._offers > 0)
        has = {each: queue.outstanding_of(each) for each in goal or {}}
        makes = [each for each, orders in has.items() if able and (orders or not self._plan.over)]
        most = queue.aim.most if self._aimed.is_set() else None
        return ShardStanding(dict(queue.came.accepted), most, frozenset(makes), goal, queue.aim.over, has)

    async def aim(self, told: QueuePart) -> QueuePart:
        """One of several queues is told how many accepted samples it may have: those that it has are the least. Gives
        what holds. Until it is told, it leases and settles nothing."""
        came = self._queue.came.accepted
        holds = QueuePart({stratum: max(most, came[stratum]) for stratum, most in told.most.items()}, told.over)
        self._aim(holds.most, holds.over)
        return holds

    async def end_plan(self, why: PlanEnd) -> None:
        """No more orders are issued, and no attempt starts. What is not leased ends now as not needed."""
        self._end_plan(why)
        await self._end_unleased()
        await self._commits.durable()

    async def offer(self, passages: Sequence[Passage]) -> bool:
        """Plans passages; waits while the queue is full. A known one gets what it lacks. False: no more are wanted."""
        for passage in passages:
            if not (lacking := self._planning.lacking(passage.id)):
                continue
            await self._has_room()
            if self._plan.is_full(self._queue.issued, lacking):
                self._end_plan(PlanEnd.ORDERS)
            if self._closed_to_orders():
                await self._commits.durable()
                return False
            asked = await self._asked_before(passage.id)
            if (planned := self._planning.issue(passage, self._now(), asked)) is not None:
                self._remember(planned)
                self._keep(planned)
        await self._commits.durable()
        return not self._closed_to_orders()

    def _go_on(self, passage: Passage) -> None:
        """Issues further orders for a passage whose last order has just ended, while it gives. The records of the end
        and of the orders are of one transaction."""
        self._close_if_reached()
        lacking = self._planning.lacking(passage.id)
        if not lacking or self._queue.ending or self._plan.ended is not None:
            return
        if self._plan.is_full(self._queue.issued, lacking):
            self._end_plan(PlanEnd.ORDERS)
        elif (planned := self._planning.issue(passage, self._now(), follows=True)) is not None:
            self._keep(planned)

    def documents(self) -> dict[bytes, tuple[bytes, ...]]:
        """The versions of the documents whose passages were planned, as in `actors.queue.documents`."""
        return self._documents.all()

    def known(self, passages: Sequence[PassageId]) -> list[bool]:
        """For each passage, whether it was ever planned."""
        return [self._queue.passages.knows(passage_id) for passage_id in passages]

    async def refuse(self, document: DocumentRefused) -> None:
        """Records a document that could not be used: once for each reason, even if the corpus is read again."""
        if document in self._refusals:
            return
        await self.append(Refused(self._wall(), document))

    def refused(self) -> tuple[DocumentRefused, ...]:
        """The refusals that still hold."""
        return self._refusals.all()

    async def corpus_ended(
        self, documents: int, passages: int, skipped: Mapping[str, int] | None = None,
        read_again: Sequence[DocumentRefused] = (),
    ) -> None:  # fmt: skip
        """No more passages come. The run is over when every order has ended. `skipped`: files that were not read, by
        suffix; `read_again`: documents whose refusal is over."""
        await self.append(CorpusEnded(self._wall(), documents, passages, dict(skipped or {}), tuple(read_again)))

    async def lease(self, conductor: str, limit: int, wait_s: float) -> Sequence[Lease]:
        """Leases of up to `limit` orders; waits up to `wait_s` for the first. None for a conductor that was released.
        Orders that share a lease may exceed the limit."""
        until = self._now() + wait_s
        while not self._stopped and conductor not in self._dead:
            self._commits.check()
            self._close_if_reached()
            self._queue.wake(self._now())  # a lease that is over is no order in hand
            room = self._room(limit)
            waits = self._recovering or not room or not self._aimed.is_set()
            leases = [] if waits else self._queue.lease(self._now(), conductor, room)
            if leases:
                await self._commits.durable()
                return [] if conductor in self._dead else self._news.with_news(conductor, leases)
            await self._end_unleased()
            left_s = until - self._now()
            if left_s <= 0 or self.finished():
                break
            wake_at = self._queue.next_wake()
            sleep_s = left_s if wake_at is None else min(left_s, max(0.001, wake_at - self._now()))
            await self._change(timeout_s=sleep_s)
        return []

    async def settle(self, outcomes: Sequence[Outcome]) -> list[Settlement]:
        """The answer to each outcome, when its record is durable."""
        await self._aimed.wait()
        settlements: list[Settlement] = []
        for outcome in outcomes:
            held = self._queue.orders.by_id.get(outcome.order_id)
            settlement, record = self._queue.settle(outcome, self._now())
            settlements.append(settlement)
            if record is not None:
                self._keep(record)
            self._keep(*self._queue.followed())
            if held is not None and isinstance(record, SampleEnd) and self._planning.until is not None:
                self._go_on(held.passage)
        self._close_if_reached()
        await self._commits.durable()
        return settlements

    async def append(self, record: Record) -> None:
        """Makes a record durable that moves no order (a start, a shard)."""
        self._remember(record)
        self._commits.add(record)
        await self._commits.durable()

    async def begin_writing(self, writer: int) -> None:
        """From now on only this writer's shards are recorded; an earlier writer's are recorded by now or never will be.

        Writers are numbered upwards. A dead writer's last message may still be on its way when the next writer removes
        the shards that are not recorded.
        """
        self._writer = max(self._writer, writer)
        await self._commits.durable()

    async def record_shard(self, writer: int, shard: ShardWritten) -> None:
        """A shard is on disk under its final name. Raises GleanerError for any writer but the present one."""
        if writer != self._writer:
            raise GleanerError(f"shard {shard.name} is of writer {writer}, and writer {self._writer} has begun")
        await self.append(shard)

    def recover(self, token: str) -> None:
        """This queue was restarted within a run. It leases nothing before `resume(token)`: conductors still work on
        leases of its predecessor, and have not joined yet."""
        self._recovering = token

    def join(self, conductor: str, holdings: Sequence[Holding]) -> int:
        """Leases to a conductor the attempts that it works on; returns how many."""
        return self._queue.hold(conductor, holdings, self._now())

    def resume(self, token: str) -> None:
        """Every living conductor has joined the queue of this token: it leases again."""
        if token == self._recovering:
            self._recovering = ""
            self._changed.set()

    def release(self, conductor: str) -> int:
        """The leases of a dead conductor return at once; returns how many. Names are not used again.

        A lease call of the dead conductor may still wait here. It must get nothing, or its orders would be lost until
        their leases end.
        """
        self._dead.add(conductor)
        released = self._queue.release(conductor, self._now())
        self._changed.set()
        return released

    def stop_leasing(self) -> None:
        """From now on nothing is leased and no new passage is planned."""
        self._stopped = True
        self._changed.set()

    def spend_no_more(self) -> None:
        """The budget's cost is reached: no attempt starts any more, and what is not leased ends as `budget`."""
        self._queue.unaffordable = True
        self._changed.set()

    def finished(self) -> bool:
        """Whether nothing will be leased any more: every order has ended, and the corpus was read, the plan has ended
        or the budget is spent; or leasing was stopped."""
        return self._stopped or (self._queue.idle and (self._plan.over or self._queue.exhausted))

    def snapshot(self) -> RunSnapshot:
        """The run at this moment. Raises the ledger's error once the ledger has failed."""
        self._commits.check()
        depth, now = self._queue.depth(), self._now()
        summary = self._tally.summary()
        told = summary.counts.outstanding + outstanding_by(self._commits.uncounted())
        return RunSnapshot(
            at=self._wall(),
            summary=summary,
            ready=depth.ready,
            leased=depth.leased,
            waiting=depth.waiting,
            rollouts=depth.rollouts,
            oldest_s=0.0 if depth.oldest_since is None else max(0.0, now - depth.oldest_since),
            stale=self._queue.stale,
            recovering=self._recovering,
            unaccounted=told - depth.ready - depth.leased - depth.waiting,
            distributions=self._tally.distributions(),
            commits=self._commits.distribution(),
        )

    async def close(self) -> None:
        """Stops leasing, waits until the last records are written, and closes the ledger."""
        self.stop_leasing()
        await self._commits.close()

    def _room(self, limit: int) -> int:
        """How many orders may be leased now. Leasing stops if the first completions or verdicts are bad and the launch
        asked to stop for that."""
        if not self._hold.holds:
            return limit
        room = self._hold.room(limit, self._queue.depth().leased, self._tally.summary())
        if room is None:
            self.stop_leasing()
            return 0
        return room

    def _count(self, record: Record) -> None:
        self._tally.apply(record)
        self._news.count(record)

    def _remember(self, record: Record) -> None:
        self._refusals.apply(record)
        self._plan.apply(record)
        if isinstance(record, Planned):
            self._documents.add(record.passage)

    def _closed_to_orders(self) -> bool:
        return self._stopped or self._queue.exhausted or self._plan.ended is not None

    async def _asked_before(self, passage_id: PassageId) -> Sequence[AskedBefore]:
        """The accepted samples of a known passage that the queue has forgotten."""
        orders = () if self._queue.is_open(passage_id) else self._planning.known(passage_id)
        return await self._commits.read(lambda ledger: ledger.accepted(orders)) if orders else ()

    async def _has_room(self) -> None:
        """Waits while as many orders are outstanding as there may be, or as are wanted."""
        self._offers += 1
        try:
            while self._is_full() and not self._closed_to_orders():
                if self._commits.waiting:
                    await self._commits.durable()
                else:
                    await self._change(timeout_s=1.0)
        finally:
            self._offers -= 1

    def _is_full(self) -> bool:
        return not self._aimed.is_set() or self._planning.is_full(self._settings.capacity)

    def _aim(self, most: Mapping[str, int] | None, over: frozenset[str] = frozenset()) -> None:
        self._queue.aim.most, self._queue.aim.over = most, over
        self._aimed.set()
        self._changed.set()

    def _close_if_reached(self) -> None:
        """Ends the plan of a run's only queue once it has all the samples that it is to have, and before that the
        orders of a stratum that is complete. Several queues are told by `end_plan` when they have them together."""
        if not self._plan.shared and self._queue.aim.is_reached(self._queue.came):
            self._end_plan(PlanEnd.ACCEPTED)
        elif ended := self._queue.end_over(self._now()):
            self._keep(*ended)
            self._changed.set()

    def _end_plan(self, why: PlanEnd) -> None:
        if self._plan.ended is why or self._plan.closed:
            return
        self._remember(ended := PlanEnded(self._wall(), why))
        self._commits.add(ended)
        self._queue.aim.closed = self._plan.closed
        self._changed.set()

    async def _end_unleased(self) -> None:
        """Ends what is not leased, once no attempt starts any more."""
        if not self._queue.ending:
            return
        spent = COST_REACHED if self._queue.unaffordable else BUDGET_SPENT
        end = None if self._queue.aim.closed else spent
        self._keep(*self._queue.end_unleased(self._now(), end))
        self._keep(*self._queue.followed())
        await self._commits.durable()

    def _keep(self, *records: Record) -> None:
        """Adds records to the next commit. The queue's own clock never jumps; records get the wall time."""
        if self._wall is not self._now:
            records = tuple(replace(record, at=self._wall()) for record in records)
        self._commits.add(*records)

    async def _change(self, *, timeout_s: float) -> None:
        self._commits.check()
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), timeout_s)
        except TimeoutError:
            return
