"""One sample's life as one coroutine: generate, gate, then settle, or diagnose and requeue.

Laws: a conductor holds no truth. What it knows is in the lease it was given or in the outcome it reports; kill it
and its leases return to the queue. Samples never wait for each other here. A pool that no order can do without and
that is given up ends the conductor, and no order; one that repairs escalate to is done without.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from actors.calls.asker import Asker, Way
from actors.calls.clocks import Clocks
from actors.calls.counters import StageCounter
from actors.calls.health import HealthLimits
from actors.calls.making import Making, NotMade, Written
from actors.calls.pools import Pools
from actors.calls.retry import CalledPool, RetryLimits, Sleep, insist
from actors.calls.trials import generation
from actors.gates.judge import Gating, Judge
from actors.probes.injection import InjectionDraw, Spoiling
from actors.probes.mixing import Mixing
from actors.protocols import Generator, Orders, RecoveryPolicy, Task
from schemas.errors import EngineError, ErrorKind, HopError, PoolAwayError, described, ungrouped
from schemas.ids import PoolName
from schemas.orders import (
    Accept,
    Attempt,
    DeadLetter,
    Decision,
    Duplicate,
    EndReason,
    Holding,
    Lease,
    OrderKind,
    Outcome,
    Requeue,
)
from schemas.recovery import Choice, Diagnosis
from schemas.samples import Candidate, Completion, GenerationRequest
from schemas.stages import GENERATE, SETTLE, ConductorStatus
from schemas.verdicts import Errored, Rejected, Verdict

log = logging.getLogger("gleaner.conductor")
T = TypeVar("T")

LINGER_S = 0.005
"""Between two lease calls: slots that free up meanwhile are filled by one call."""


class ConductorSettings(Struct, frozen=True):
    """Bounds of one conductor: samples in flight, and the limits of each hop. `seed`: the run's."""

    name: str
    concurrency: int
    limits: RetryLimits
    fresh_pool: PoolName
    health: HealthLimits = HealthLimits()
    seed: int = 0


class Toolbox(Struct, frozen=True):
    """Who a conductor talks to."""

    orders: Orders
    task: Task
    pools: Mapping[PoolName, Generator]
    gates: Gating
    recovery: RecoveryPolicy
    unescalated: RecoveryPolicy | None = None
    """What decides in place of `recovery` while the pool that it escalates to is away; None where it never does."""
    injection: InjectionDraw | None = None
    canaries: Mixing = Mixing()


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
        """`clock`: the wall's, for what is recorded; `monotonic` for durations and waits (None: `clock` never jumps).

        All in seconds.
        """
        self._tools = tools
        self._settings = settings
        self._wall = clock
        self._now = clock if monotonic is None else monotonic
        self._sleep = sleep
        self._random = random
        self._room = asyncio.Event()
        self._room.set()
        self._in_flight = 0
        self._in_hand: dict[int, Holding] = {}
        self._makings: dict[int, Making] = {}
        self._unreported = 0
        self._stages = StageCounter(self._now)
        needed = (settings.fresh_pool, *(gate for gate in tools.gates.scored))
        self._pools = Pools(
            needed,
            (name for name in tools.pools if name != settings.fresh_pool),
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
        self._judge = Judge(tools.gates, self._pools, self._stages, self._now, task=tools.task, ask=self._ask_beside)

    def status(self) -> ConductorStatus:
        """What is in flight, by stage."""
        return ConductorStatus(
            name=self._settings.name,
            in_flight=self._in_flight,
            unreported=self._unreported,
            stages=self._stages.flows(),
            paused=self._pools.pauses(),
            failures=self._pools.failures(),
            pools=self._pools.flows(),
        )

    async def run(self) -> None:
        """Lease and conduct until the queue has nothing more to give; every sample in flight is finished first.

        Raises HopError when the queue is lost, and PoolAwayError when a pool is given up: what is in flight then is
        left to whoever leases it next.
        """
        with ungrouped():
            await self._run()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as samples:
            while True:
                await self._room.wait()
                room = self._settings.concurrency - self._in_flight
                leases = await self._insist(lambda room=room: self._tools.orders.lease(self._settings.name, room))
                if leases is None:
                    return
                for lease in leases:
                    self._enter(lease, samples)
                await self._sleep(LINGER_S)

    async def rejoin(self) -> None:
        """Tells a queue that was made again what is in hand here, so that it is given to nobody else."""
        holdings = tuple(self._in_hand.values())
        await self._insist(lambda: self._tools.orders.join(self._settings.name, holdings))

    def _enter(self, lease: Lease, samples: asyncio.TaskGroup) -> None:
        if lease.learnt is not None:
            self._tools.recovery.learn(lease.learnt)
            if self._tools.unescalated is not None:
                self._tools.unescalated.learn(lease.learnt)
        singles = lease.apart()
        if lease.beside:
            making = Making(self._tools.task, lease, Asker(lease, self._way(lease, None)))
            samples.create_task(making.run())
            self._makings.update((id(single), making) for single in singles)
        for single in singles:
            self._take(single)
            samples.create_task(self._finish(single))

    def _take(self, lease: Lease) -> None:
        self._in_flight += 1
        self._in_hand[id(lease)] = Holding(lease.order.id, lease.attempt)
        if self._in_flight >= self._settings.concurrency:
            self._room.clear()

    def _leave(self, lease: Lease) -> None:
        self._in_flight -= 1
        self._makings.pop(id(lease), None)
        del self._in_hand[
            id(lease)
        ]  # the order may be in hand again: its next lease can overtake this one's settlement
        self._room.set()

    async def _finish(self, lease: Lease) -> None:
        try:
            await self.conduct(lease)
        except HopError:
            log.warning(
                "outcome not recorded", extra={"order": lease.order.id, "attempt": lease.attempt}, exc_info=True
            )
            self._unreported += 1
        finally:
            self._leave(lease)

    async def conduct(self, lease: Lease) -> None:
        """One attempt of one order, from lease to a recorded outcome."""
        started_at, began = self._wall(), self._now()
        injection = None if lease.canary is not None else self._tools.injection
        presumed = None if injection is None else injection.presumed(lease)
        attempt = Attempt(lease.attempt, lease.repair, candidate=None, started_at=started_at, injected=presumed)
        try:
            spoiling = None if injection is None else injection.of(lease)
            attempt = replace(attempt, injected=None if spoiling is None else spoiling.tag)
            attempt, decision = await self._attempt(lease, attempt, spoiling)
        except PoolAwayError:
            raise
        except Exception as bug:  # one order's bug must not end the others'
            log.exception("an order failed inside", extra={"order": lease.order.id})
            decision = DeadLetter(reason=EndReason.INTERNAL_ERROR, detail=described(bug))
        await self._report(lease, replace(attempt, seconds=self._now() - began), decision)

    async def _attempt(self, lease: Lease, attempt: Attempt, spoiling: Spoiling | None) -> tuple[Attempt, Decision]:
        if lease.canary is not None:
            return await self._probe(lease, attempt)
        try:
            attempt = await self._generate(lease, attempt, spoiling)
        except NotMade as failed:
            return replace(attempt, earlier=failed.calls), self._unmade(lease, failed.error)
        candidate = attempt.candidate
        assert candidate is not None
        if spoiling is not None:
            attempt = replace(attempt, injected=await spoiling.tagged(candidate, self._ask_beside))
        verdicts = self._tools.gates.bar(await self._judge.verdicts(lease, candidate), lease.attempt)
        return self._decide(lease, replace(attempt, verdicts=verdicts))

    async def _probe(self, lease: Lease, attempt: Attempt) -> tuple[Attempt, Decision]:
        """A canary in place of an attempt: the gates see what they would see of one, and nothing follows from it."""
        ready = await self._tools.canaries.prepared(lease, self._ask_beside)
        attempt = replace(attempt, candidate=ready.candidate, injected=ready.injected)
        if ready.why:
            return attempt, DeadLetter(reason=EndReason.REJECTED, detail=ready.why)
        return replace(attempt, verdicts=await self._judge.verdicts(lease, ready.candidate)), Accept()

    async def _report(self, lease: Lease, attempt: Attempt, decision: Decision) -> None:
        canary = self._tools.canaries.beside(lease, attempt)
        outcome = Outcome(order_id=lease.order.id, attempt=attempt, decision=decision, canary=canary)
        with self._stages.during(SETTLE):
            settlement = await self._insist(lambda: self._tools.orders.settle(outcome))
        if isinstance(settlement, Duplicate):
            verdicts = (*attempt.verdicts, self._tools.gates.duplicate(settlement))
            attempt, decision = self._decide(lease, replace(attempt, verdicts=verdicts))
            await self._report(lease, attempt, decision)

    def _decide(self, lease: Lease, attempt: Attempt) -> tuple[Attempt, Decision]:
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
        if lease.order.kind is OrderKind.ROLLOUT:  # its answer is what was asked for: nothing to repair
            return attempt, DeadLetter(reason=EndReason.REJECTED, gates=rejections)
        assert attempt.candidate is not None
        diagnosis, choice = self._choose(lease, attempt.candidate, attempt.verdicts)
        attempt = replace(attempt, diagnosis=diagnosis, choice=choice)
        if choice.repair is None:
            return attempt, DeadLetter(reason=EndReason.REJECTED, detail=choice.reason, gates=rejections)
        return attempt, Requeue(repair=choice.repair)

    def _choose(self, lease: Lease, candidate: Candidate, verdicts: Sequence[Verdict]) -> tuple[Diagnosis, Choice]:
        """What recovery says; where that is a pool that is away, what it says without one."""
        diagnosis, choice = self._tools.recovery.decide(lease, candidate, verdicts)
        pool = None if choice.repair is None else choice.repair.pool
        if pool is None or self._tools.unescalated is None or not self._pools.is_given_up(pool):
            return diagnosis, choice
        diagnosis, choice = self._tools.unescalated.decide(lease, candidate, verdicts)
        return diagnosis, replace(choice, reason=f"{choice.reason}; not escalated: {pool} is away")

    async def _generate(self, lease: Lease, attempt: Attempt, spoiling: Spoiling | None) -> Attempt:
        """The attempt with its candidate. Raises NotMade."""
        with self._stages.during(GENERATE):
            written = await self._written(lease, spoiling)
        candidate = written.candidate
        if spoiling is not None:
            candidate = spoiling.candidate(candidate)
        return replace(attempt, candidate=candidate, earlier=written.earlier)

    async def _written(self, lease: Lease, spoiling: Spoiling | None) -> Written:
        making = self._makings.get(id(lease))
        if making is None:
            making = Making(self._tools.task, lease, Asker(lease, self._way(lease, spoiling)))
            await making.run()
        return await making.of(lease.order.id)

    def _unmade(self, lease: Lease, error: Exception) -> DeadLetter:
        """How an order ends that nothing was made of. Raises PoolAwayError: then it does not end here."""
        if isinstance(error, PoolAwayError):
            raise error
        if isinstance(error, HopError):
            return DeadLetter(reason=EndReason.ENGINE_ERROR, detail=error.detail, error=error.kind)
        log.error("an order failed inside", extra={"order": lease.order.id}, exc_info=error)
        return DeadLetter(reason=EndReason.INTERNAL_ERROR, detail=described(error))

    def _way(self, lease: Lease, spoiling: Spoiling | None) -> Way:
        fresh = self._settings.fresh_pool
        pool = fresh if lease.repair is None or lease.repair.pool is None else lease.repair.pool
        way = Way(self._ask, pool, fresh, self._settings.seed, self._now)
        return way if spoiling is None else replace(way, altered=spoiling.request)

    def _ask(self, pool: PoolName, request: GenerationRequest) -> Awaitable[Completion]:
        generator = self._tools.pools.get(pool)
        if generator is None:
            raise EngineError(ErrorKind.PERMANENT, f"there is no pool '{pool}'")
        call = lambda this: generator.generate(generation(request, this))  # noqa: E731
        return self._pools.ask(pool, call, request.messages)

    async def _ask_beside(self, pool: PoolName, request: GenerationRequest) -> Completion:
        """For what no order waits for: a pool that orders can do without is an error here when it is given up."""
        try:
            return await self._ask(pool, request)
        except PoolAwayError as away:
            if pool == self._settings.fresh_pool:
                raise
            raise EngineError(ErrorKind.RETRYABLE, str(away)) from away

    async def _insist(self, call: Callable[[], Awaitable[T]]) -> T:
        for_s = self._settings.health.outage_s
        return await insist(call, for_s=for_s, clock=self._now, sleep=self._sleep, random=self._random)
