"""The queue and its ledger behind asyncio: many callers, one state machine, one writer.

Law: transitions happen in memory at once, and their records are committed in the same order (`commits`). No report and
no offer is answered before its record is durable. A lease is handed out only after the records it depends on are
durable. So a restarted queue knows every attempt that a conductor can be working on. Leases are in memory alone.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from actors.calls.clocks import Steady
from actors.counts.outstanding import outstanding_by
from actors.counts.refusals import Refusals
from actors.counts.tally import Tally
from actors.queue.commits import GroupCommit, Ledger
from actors.queue.documents import KnownDocuments
from actors.queue.ends import BUDGET_SPENT
from actors.queue.machine import RegenerationQueue
from actors.queue.preflight import Hold
from schemas.corpus import DocumentRefused, Passage
from schemas.errors import GleanerError
from schemas.firsts import Preflight
from schemas.ids import PassageId
from schemas.ledger import CorpusEnded, Planned, Record, Refused, RunStarted, ShardWritten
from schemas.orders import Holding, Lease, Order, Outcome, Settlement
from schemas.progress import RunSnapshot
from schemas.recovery import Experience

TOLD_EVERY, TOLD_SHARE = 16, 50
"""A conductor gets the experience again after 16 attempts, or after a fiftieth of those it knows if that is more. It is
some kilobytes each time, less and less often."""


class Fold(Protocol):
    """The results of a run's repairs, counted from records (`actors.recovery.experience`)."""

    @property
    def attempts(self) -> int: ...

    def apply(self, record: Record) -> None: ...

    def experience(self) -> Experience: ...


class ServiceSettings(Struct, frozen=True):
    """`capacity`: with this many outstanding orders, `offer` waits. `vary`: the variables of an order, by the number of
    orders that were issued before it."""

    task: str
    samples_per_passage: int
    capacity: int
    preflight: Preflight = Preflight.TELL
    vary: Callable[[int], dict[str, str]] = lambda number: {}


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
        fold: Fold | None = None,
    ) -> None:
        """`now`: for leases and waits; if it is `Steady`, records and snapshots take its wall time. `fold`: the
        experience that conductors get with leases; None if no policy learns."""
        self._queue = queue
        self._settings = settings
        self._now = now
        self._wall = now.wall if isinstance(now, Steady) else now
        self._tally = Tally() if tally is None else tally
        self._fold = fold
        self._told: dict[str, int] = {}
        self._refusals = Refusals()
        self._documents = KnownDocuments()
        self._dead: set[str] = set()
        self._changed = asyncio.Event()
        self._commits = GroupCommit(ledger, now=now, count=self._count, wake=self._changed.set)
        self._corpus_read = False
        self._stopped = False
        self._recovering = ""
        self._writer = 0
        for _, record in ledger.records():
            queue.replay(record)
            self._count(record)
            self._remember(record)
        self._hold = Hold(settings.preflight, self._tally.summary())

    async def start(self, started: RunStarted) -> None:
        """A run begins or resumes: its corpus is read from the start. A queue restarted within a run is not started."""
        await self.append(started)

    async def offer(self, passages: Sequence[Passage]) -> bool:
        """Plans passages, and waits while the queue is full. Known passages are skipped. False: no more are wanted."""
        for passage in passages:
            if self._queue.knows(passage.id):
                continue
            while self._queue.outstanding >= self._settings.capacity and not self._closed_to_orders():
                if self._commits.waiting:
                    await self._commits.durable()
                else:
                    await self._change(timeout_s=1.0)
            if self._closed_to_orders():
                return False
            planned = self._queue.plan(passage, self._orders_of(passage), self._now())
            if planned is not None:
                self._remember(planned)
                self._keep(planned)
        await self._commits.durable()
        return not self._closed_to_orders()

    def _orders_of(self, passage: Passage) -> list[Order]:
        task, slots, issued = self._settings.task, self._settings.samples_per_passage, self._queue.issued
        return [Order.fresh(passage.id, task, slot, self._settings.vary(issued + slot)) for slot in range(slots)]

    def documents(self) -> dict[bytes, tuple[bytes, ...]]:
        """The versions of the documents whose passages were planned, as in `actors.queue.documents`."""
        return self._documents.all()

    def known(self, passages: Sequence[PassageId]) -> list[bool]:
        """For each passage, whether it was ever planned."""
        return [self._queue.knows(passage_id) for passage_id in passages]

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
            room = self._room(limit)
            leases = [] if self._recovering or not room else self._queue.lease(self._now(), conductor, room)
            if leases:
                await self._commits.durable()
                return [] if conductor in self._dead else self._telling(conductor, leases)
            await self._end_for_budget()
            left_s = until - self._now()
            if left_s <= 0 or self.finished():
                break
            wake_at = self._queue.next_wake()
            sleep_s = left_s if wake_at is None else min(left_s, max(0.001, wake_at - self._now()))
            await self._change(timeout_s=sleep_s)
        return []

    async def settle(self, outcomes: Sequence[Outcome]) -> list[Settlement]:
        """The answer to each outcome, when its record is durable."""
        settlements: list[Settlement] = []
        for outcome in outcomes:
            settlement, record = self._queue.settle(outcome, self._now())
            settlements.append(settlement)
            if record is not None:
                self._keep(record)
            self._keep(*self._queue.followed())
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
        """From now on nothing is leased and no passage is planned."""
        self._stopped = True
        self._changed.set()

    def finished(self) -> bool:
        """Whether nothing will be leased any more: every order has ended, and the corpus was read or the budget is
        spent; or leasing was stopped."""
        return self._stopped or (self._queue.idle and (self._corpus_read or self._queue.exhausted))

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
        if self._fold is not None:
            self._fold.apply(record)

    def _telling(self, conductor: str, leases: list[Lease]) -> list[Lease]:
        """The leases; the first one with the experience, if that has grown enough since this conductor last got it."""
        if self._fold is None:
            return leases
        known, told = self._fold.attempts, self._told.get(conductor, 0)
        if known - told < max(TOLD_EVERY, told // TOLD_SHARE):
            return leases
        self._told[conductor] = known
        return [replace(leases[0], learnt=self._fold.experience()), *leases[1:]]

    def _remember(self, record: Record) -> None:
        self._refusals.apply(record)
        match record:
            case Planned():
                self._documents.add(record.passage)
            case RunStarted():
                self._corpus_read = False
            case CorpusEnded():
                self._corpus_read = True
            case _:
                pass

    def _closed_to_orders(self) -> bool:
        return self._stopped or self._queue.exhausted

    async def _end_for_budget(self) -> None:
        if not self._queue.exhausted:
            return
        self._keep(*self._queue.end_unleased(self._now(), BUDGET_SPENT))
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
