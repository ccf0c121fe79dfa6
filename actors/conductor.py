"""One attempt as one coroutine: generate, gate, then settle, or diagnose and requeue.

Laws: a conductor owns no state of a run. All that it knows is in its leases and in the outcomes that it reports: when
it dies, its leases return to the queue. Samples of different leases never wait for each other here. When a pool that
every order needs is given up, the conductor ends and no order does. A pool that only repairs need is done without.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from actors.calls.asker import Asker
from actors.calls.clocks import Clocks
from actors.calls.counters import StageCounter
from actors.calls.generators import Generators
from actors.calls.health import HealthLimits
from actors.calls.in_hand import InHand
from actors.calls.making import Making, NotMade, Written
from actors.calls.pools import Pools
from actors.calls.retry import CalledPool, RetryLimits, Sleep, insist
from actors.gates.embedding import DraftEmbedder
from actors.gates.judge import Gating, Judge
from actors.protocols import Generator, Maker, Orders, RecoveryPolicy, Task
from actors.recovery.fallback import Fallback
from schemas.errors import HopError, NoPoolError, PoolAwayError, described, ungrouped
from schemas.ids import PoolName
from schemas.order_kinds import POLICIES
from schemas.orders import (
    Accept,
    Attempt,
    DeadLetter,
    Decision,
    Duplicate,
    EndReason,
    Lease,
    OrderKind,
    Outcome,
    Requeue,
)
from schemas.samples import Candidate
from schemas.stages import GENERATE, SETTLE, ConductorStatus
from schemas.vectors import EMBEDDER
from schemas.verdicts import Errored, Rejected

log = logging.getLogger("gleaner.conductor")
T = TypeVar("T")

LINGER_S = 0.005
"""Pause between two lease calls: one call then fills all slots that became free in it."""


class ConductorSettings(Struct, frozen=True):
    """Bounds of one conductor: `concurrency` samples in flight, and the limits of each call. `seed`: the run's.
    `keeps_reasoning`: the thoughts of models before their answers are recorded."""

    name: str
    concurrency: int
    limits: RetryLimits
    fresh_pool: PoolName
    health: HealthLimits = HealthLimits()
    seed: int = 0
    keeps_reasoning: bool = False


class Toolbox(Struct, frozen=True):
    """The queue, task, models, gates and policy that a conductor works with."""

    orders: Orders
    task: Task
    pools: Mapping[PoolName, Generator]
    gates: Gating
    recovery: RecoveryPolicy
    unescalated: RecoveryPolicy | None = None
    """The policy in place of `recovery` while the pool that it escalates to is away; None if it never escalates."""
    makers: Mapping[OrderKind, Maker] = {}
    """For some kinds of orders: the maker of their attempts, in place of the task."""
    needed_pools: frozenset[PoolName] = frozenset()
    """The pools that calls of the task or of gates name: every order needs them, as it needs that of fresh orders."""


class Conductor:
    """Carries up to `concurrency` samples at once until the queue says that the run is over."""

    def __init__(
        self,
        tools: Toolbox,
        settings: ConductorSettings,
        *,
        clock: Callable[[], float],
        sleep: Sleep,
        random: Random,
        monotonic: Callable[[], float] | None = None,
    ) -> None:
        """`clock`: wall time, for records; `monotonic`: for durations and waits (None: `clock` never jumps). Both in
        seconds."""
        self._tools = tools
        self._settings = settings
        self._wall = clock
        self._now = clock if monotonic is None else monotonic
        self._sleep = sleep
        self._random = random
        self._in_hand = InHand(settings.concurrency)
        self._makings: dict[int, Making] = {}
        self._unreported = 0
        self._stages = StageCounter(self._now)
        embedder = tools.gates.embedder
        needed_pools = tools.needed_pools | {settings.fresh_pool}
        needed = (*needed_pools, *tools.gates.scored, *(() if embedder is None else (EMBEDDER,)))
        self._pools = Pools(
            needed,
            (name for name in tools.pools if name not in needed_pools),
            lambda name, health: CalledPool(
                name,
                settings.limits,
                health,
                clocks=Clocks(self._wall, self._now),
                sleep=sleep,
                random=random,
            ),
            settings.health,
        )
        self._recovery = tools.recovery
        if tools.unescalated is not None:
            self._recovery = Fallback(tools.recovery, tools.unescalated, self._pools.is_given_up)
        self._generators = Generators(tools.pools, self._pools, settings.fresh_pool, needed_pools)
        self._judge = Judge(
            tools.gates, self._pools, self._stages, self._now, task=tools.task, ask=self._generators.aside
        )
        self._embedder = None
        if embedder is not None:
            self._embedder = DraftEmbedder(embedder, self._pools, self._stages, self._now, key=tools.task.key)

    def status(self) -> ConductorStatus:
        """Samples in flight by stage, paused pools, and calls and failures by pool."""
        return ConductorStatus(
            name=self._settings.name,
            in_flight=len(self._in_hand),
            unreported=self._unreported,
            stages=self._stages.flows(),
            paused=self._pools.pauses(),
            failures=self._pools.failures(),
            pools=self._pools.flows(),
        )

    def carry(self, most: int) -> None:
        """Changes how many samples are carried at once, from now on."""
        self._in_hand.carry(most)

    async def run(self) -> None:
        """Leases and conducts until the run is over; returns when every sample in flight is finished.

        Raises HopError when the queue is lost, PoolAwayError when a pool that every order needs is given up, and
        NoPoolError when the task asks a pool that there is not. Orders in flight then are leased again to other
        conductors.
        """
        with ungrouped():
            await self._run()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as samples:
            while True:
                room = await self._in_hand.room()
                leases = await self._insist(lambda room=room: self._tools.orders.lease(self._settings.name, room))
                if leases is None:
                    return
                for lease in leases:
                    self._enter(lease, samples)
                await self._sleep(LINGER_S)

    async def rejoin(self) -> None:
        """Tells a restarted queue which attempts are under way here, so that it leases them to no other conductor."""
        holdings = self._in_hand.holdings
        await self._insist(lambda: self._tools.orders.join(self._settings.name, holdings))

    def _enter(self, lease: Lease, samples: asyncio.TaskGroup) -> None:
        if lease.learnt is not None:
            self._recovery.learn(lease.learnt)
        singles = lease.apart()
        if lease.beside:
            making = self._making(lease)
            samples.create_task(making.run())
            self._makings.update((id(single), making) for single in singles)
        for single in singles:
            self._in_hand.take(single)
            samples.create_task(self._finish(single))

    async def _finish(self, lease: Lease) -> None:
        try:
            await self.conduct(lease)
        except HopError:
            log.warning(
                "outcome not recorded", extra={"order": lease.order.id, "attempt": lease.attempt}, exc_info=True
            )
            self._unreported += 1
        finally:
            self._makings.pop(id(lease), None)
            self._in_hand.leave(lease)

    async def conduct(self, lease: Lease) -> None:
        """One attempt of one order, from lease to a recorded outcome."""
        began = self._now()
        attempt = Attempt(lease.attempt, lease.repair, candidate=None, started_at=self._wall())
        try:
            outcome = await self._outcome(lease, attempt)
        except (PoolAwayError, NoPoolError):
            raise
        except Exception as bug:  # one order's bug must not end the others'
            log.exception("an order failed inside", extra={"order": lease.order.id})
            end = DeadLetter(reason=EndReason.INTERNAL_ERROR, detail=described(bug))
            outcome = Outcome(lease.order.id, attempt, end)
        attempt = replace(outcome.attempt, seconds=self._now() - began)
        await self._report(lease, replace(outcome, attempt=attempt))

    async def _outcome(self, lease: Lease, attempt: Attempt) -> Outcome:
        """Makes a draft, asks the gates, and decides: accept, requeue or dead letter."""
        try:
            with self._stages.during(GENERATE):
                written = await self._written(lease)
        except NotMade as failed:
            attempt = replace(attempt, earlier=failed.calls)
            return Outcome(lease.order.id, attempt, self._unmade(lease, failed.error))
        candidate, probed = written.candidate, written.probed
        attempt = replace(attempt, candidate=candidate, earlier=written.earlier)
        if probed is not None and probed.unfit:
            return Outcome(lease.order.id, attempt, DeadLetter(EndReason.REJECTED, probed.unfit), probed)
        verdicts = self._tools.gates.bar(await self._judge.verdicts(lease, candidate), lease.attempt)
        attempt = replace(attempt, verdicts=verdicts, unjudged=self._judge.unjudged(lease, candidate))
        attempt, decision = self._decide(lease, candidate, attempt)
        if isinstance(decision, Accept) and POLICIES[lease.order.kind].sample:
            attempt, decision = await self._embedded(lease, candidate, attempt)
        return Outcome(lease.order.id, attempt, decision, probed)

    async def _embedded(self, lease: Lease, candidate: Candidate, attempt: Attempt) -> tuple[Attempt, Decision]:
        """Gives an accepted draft its vector, by which near-duplicates are found. An error ends the order, as a gate's
        does."""
        if self._embedder is None or candidate.draft is None:
            return attempt, Accept()
        made = await self._embedder.of(lease, candidate.draft)
        if isinstance(made, Errored):
            return self._decide(lease, candidate, replace(attempt, verdicts=(*attempt.verdicts, made)))
        return replace(attempt, embedded=made), Accept()

    async def _written(self, lease: Lease) -> Written:
        making = self._makings.get(id(lease))
        if making is None:
            making = self._making(lease)
            await making.run()
        return await making.of(lease.order.id)

    def _making(self, lease: Lease) -> Making:
        """The attempt, made by the maker of the order's kind or else by the task."""
        maker = self._tools.makers.get(lease.order.kind, self._tools.task)
        way = self._generators.way(lease, seed=self._settings.seed, clock=self._now)
        return Making(maker, lease, Asker(lease, replace(way, keeps_reasoning=self._settings.keeps_reasoning)))

    def _unmade(self, lease: Lease, error: Exception) -> DeadLetter:
        """The end of an order without a draft. Raises PoolAwayError and NoPoolError: then the order does not end
        here."""
        if isinstance(error, PoolAwayError | NoPoolError):
            raise error
        if isinstance(error, HopError):
            return DeadLetter(reason=EndReason.ENGINE_ERROR, detail=error.detail, error=error.kind)
        log.error("an order failed inside", extra={"order": lease.order.id}, exc_info=error)
        return DeadLetter(reason=EndReason.INTERNAL_ERROR, detail=described(error))

    def _decide(self, lease: Lease, candidate: Candidate, attempt: Attempt) -> tuple[Attempt, Decision]:
        errors = [verdict for verdict in attempt.verdicts if isinstance(verdict, Errored)]
        rejections = tuple(verdict.gate for verdict in attempt.verdicts if isinstance(verdict, Rejected))
        if errors:
            first = errors[0]
            end = DeadLetter(
                reason=EndReason.GATE_ERROR, detail=first.detail, gates=(first.gate, *rejections), error=first.error
            )
            return attempt, end
        if not rejections:
            return attempt, Accept()
        if POLICIES[lease.order.kind].repairs is None:
            return attempt, DeadLetter(reason=EndReason.REJECTED, gates=rejections)
        diagnosis, choice = self._recovery.decide(lease, candidate, attempt.verdicts)
        attempt = replace(attempt, diagnosis=diagnosis, choice=choice)
        if choice.repair is None:
            return attempt, DeadLetter(reason=EndReason.REJECTED, detail=choice.reason, gates=rejections)
        return attempt, Requeue(repair=choice.repair)

    async def _report(self, lease: Lease, outcome: Outcome) -> None:
        """Returns when the outcome is durable. A near-duplicate is decided again, with the rejection added."""
        with self._stages.during(SETTLE):
            settlement = await self._insist(lambda: self._tools.orders.settle(outcome))
        if isinstance(settlement, Duplicate):
            attempt, candidate = outcome.attempt, outcome.attempt.candidate
            assert candidate is not None, "what was accepted has a draft"
            attempt = replace(attempt, verdicts=(*attempt.verdicts, self._tools.gates.duplicate(settlement)))
            attempt, decision = self._decide(lease, candidate, attempt)
            await self._report(lease, replace(outcome, attempt=attempt, decision=decision))

    async def _insist(self, call: Callable[[], Awaitable[T]]) -> T:
        for_s = self._settings.health.outage_s
        return await insist(call, for_s=for_s, clock=self._now, sleep=self._sleep, random=self._random)
