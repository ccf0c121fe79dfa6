"""One sample's life as one coroutine: generate, gate, then settle, or diagnose and requeue.

Law: a conductor holds no truth. What it knows is in the lease it was given or in the outcome it reports; kill it
and its leases return to the queue. Samples never wait for each other here.
"""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from actors.canary.mixing import Mixing
from actors.hops import RetryLimits, Sleep, Try, hop, insist
from actors.injection.injection import Injection, Spoiling
from actors.pool_health import HealthLimits, PoolHealth
from actors.protocols import Gate, Generator, Orders, Recovery, Task
from actors.stages import PoolCounter, StageCounter
from schemas.errors import EngineError, ErrorKind, HopError
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
from schemas.samples import Candidate, Completion, Cost, GenerationRequest, Malformed
from schemas.stages import CallFailures, ConductorStatus, Stage
from schemas.verdicts import Errored, GateName, GateRequest, Passed, Rejected, Verdict

log = logging.getLogger("gleaner.conductor")
T = TypeVar("T")

LINGER_S = 0.005
"""Between two lease calls: slots that free up meanwhile are filled by one call."""


class Gating(Struct, frozen=True):
    """The gates of a run. `provenance` needs no model and speaks first; `scored` are models, asked at once."""

    provenance: Gate
    scored: Mapping[GateName, Gate]
    short_circuit: bool
    duplicate: Callable[[Duplicate], Rejected]
    bar: Callable[[Sequence[Verdict], int], tuple[Verdict, ...]] = lambda verdicts, attempt: tuple(verdicts)
    """What the verdicts on an order's attempt of that number come to: a later one may be held to more."""


class ConductorSettings(Struct, frozen=True):
    """Bounds of one conductor: samples in flight, and the limits of each hop."""

    name: str
    concurrency: int
    limits: RetryLimits
    fresh_pool: PoolName
    health: HealthLimits = HealthLimits()


class Toolbox(Struct, frozen=True):
    """Who a conductor talks to."""

    orders: Orders
    task: Task
    pools: Mapping[PoolName, Generator]
    gates: Gating
    recovery: Recovery
    injection: Injection | None = None
    canaries: Mixing = Mixing()


class Conductor:
    """Carries up to `concurrency` samples at once until the queue says that the run is over."""

    def __init__(
        self, tools: Toolbox, settings: ConductorSettings, *, clock: Callable[[], float], sleep: Sleep, random: Random
    ) -> None:
        self._tools = tools
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._room = asyncio.Event()
        self._room.set()
        self._in_flight = 0
        self._in_hand: dict[int, Holding] = {}
        self._unreported = 0
        self._stages = StageCounter(clock)
        self._calls = PoolCounter()
        self._health = {
            name: PoolHealth(name, settings.health, clock=clock, sleep=sleep)
            for name in (*tools.pools, *(gate.value for gate in tools.gates.scored))
        }

    def status(self) -> ConductorStatus:
        """What is in flight, by stage."""
        return ConductorStatus(
            name=self._settings.name,
            in_flight=self._in_flight,
            unreported=self._unreported,
            stages=self._stages.flows(),
            paused=tuple(health.pause for health in self._health.values() if health.pause is not None),
            failures=tuple(
                CallFailures(name, kind, count)
                for name, health in self._health.items()
                for kind, count in health.failures.items()
            ),
            pools=self._calls.flows(),
        )

    async def run(self) -> None:
        """Lease and conduct until the queue has nothing more to give; every sample in flight is finished first."""
        async with asyncio.TaskGroup() as samples:
            while True:
                await self._room.wait()
                room = self._settings.concurrency - self._in_flight
                leases = await self._insist(lambda room=room: self._tools.orders.lease(self._settings.name, room))
                if leases is None:
                    return
                for lease in leases:
                    self._enter(lease)
                    samples.create_task(self._finish(lease))
                await self._sleep(LINGER_S)

    async def rejoin(self) -> None:
        """Tells a queue that was made again what is in hand here, so that it is given to nobody else."""
        holdings = tuple(self._in_hand.values())
        await self._insist(lambda: self._tools.orders.join(self._settings.name, holdings))

    def _enter(self, lease: Lease) -> None:
        if lease.learnt is not None:
            self._tools.recovery.learn(lease.learnt)
        self._in_flight += 1
        self._in_hand[id(lease)] = Holding(lease.order.id, lease.attempt)
        if self._in_flight >= self._settings.concurrency:
            self._room.clear()

    def _leave(self, lease: Lease) -> None:
        self._in_flight -= 1
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
        started_at = self._clock()
        injection = None if lease.canary is not None else self._tools.injection
        presumed = None if injection is None else injection.presumed(lease)
        attempt = Attempt(lease.attempt, lease.repair, candidate=None, started_at=started_at, injected=presumed)
        try:
            spoiling = None if injection is None else injection.of(lease)
            attempt = replace(attempt, injected=None if spoiling is None else spoiling.tag)
            attempt, decision = await self._attempt(lease, attempt, spoiling)
        except Exception as bug:  # one order's bug must not end the others'
            place = traceback.extract_tb(bug.__traceback__)[-1]
            detail = f"{type(bug).__name__}: {bug} ({place.filename.rsplit('/', 1)[-1]}:{place.lineno})"
            log.exception("an order failed inside", extra={"order": lease.order.id})
            decision = DeadLetter(reason=EndReason.INTERNAL_ERROR, detail=detail)
        await self._report(lease, replace(attempt, seconds=self._clock() - started_at), decision)

    async def _attempt(self, lease: Lease, attempt: Attempt, spoiling: Spoiling | None) -> tuple[Attempt, Decision]:
        if lease.canary is not None:
            return await self._probe(lease, attempt)
        try:
            candidate = await self._generate(lease, spoiling)
        except HopError as error:
            return attempt, DeadLetter(reason=EndReason.ENGINE_ERROR, detail=error.detail, error=error.kind)
        if spoiling is not None:
            attempt = replace(attempt, injected=await spoiling.tagged(candidate, self._ask))
        verdicts = self._tools.gates.bar(await self._judge(lease, candidate), lease.attempt)
        return self._decide(lease, replace(attempt, candidate=candidate, verdicts=verdicts))

    async def _probe(self, lease: Lease, attempt: Attempt) -> tuple[Attempt, Decision]:
        """A canary in place of an attempt: the gates see what they would see of one, and nothing follows from it."""
        ready = await self._tools.canaries.prepared(lease, self._ask)
        attempt = replace(attempt, candidate=ready.candidate, injected=ready.injected)
        if ready.why:
            return attempt, DeadLetter(reason=EndReason.REJECTED, detail=ready.why)
        return replace(attempt, verdicts=await self._judge(lease, ready.candidate)), Accept()

    async def _report(self, lease: Lease, attempt: Attempt, decision: Decision) -> None:
        canary = self._tools.canaries.beside(lease, attempt)
        outcome = Outcome(order_id=lease.order.id, attempt=attempt, decision=decision, canary=canary)
        with self._stages.during(Stage.SETTLE):
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
        diagnosis, choice = self._tools.recovery.decide(lease, attempt.candidate, attempt.verdicts)
        attempt = replace(attempt, diagnosis=diagnosis, choice=choice)
        if choice.repair is None:
            return attempt, DeadLetter(reason=EndReason.REJECTED, detail=choice.reason, gates=rejections)
        return attempt, Requeue(repair=choice.repair)

    async def _generate(self, lease: Lease, spoiling: Spoiling | None) -> Candidate:
        task = self._tools.task
        request = task.request(lease)
        if spoiling is not None:
            request = spoiling.request(request)
        pool = self._settings.fresh_pool
        if lease.repair is not None and lease.repair.pool is not None:
            pool = lease.repair.pool
        with self._stages.during(Stage.GENERATE):
            started_at = self._clock()
            completion = await self._ask(pool, request)
            seconds = self._clock() - started_at
        draft = task.read(lease, completion.text, completion.finish)
        candidate = Candidate(
            pool=pool,
            prompt=request.messages,
            sampling=request.sampling,
            text=completion.text,
            draft=None if isinstance(draft, Malformed) else draft,
            malformed=draft.detail if isinstance(draft, Malformed) else None,
            malformed_reason=draft.reason if isinstance(draft, Malformed) else None,
            finish=completion.finish,
            cost=Cost(
                prompt_tokens=completion.prompt_tokens,
                completion_tokens=completion.completion_tokens,
                seconds=seconds,
            ),
        )
        return candidate if spoiling is None else spoiling.candidate(candidate)

    async def _ask(self, pool: PoolName, request: GenerationRequest) -> Completion:
        generator = self._tools.pools.get(pool)
        if generator is None:
            raise EngineError(ErrorKind.PERMANENT, f"there is no pool '{pool}'")
        return await self._hop(pool, lambda this: first_completion(generator, generation(request, this)))

    async def _judge(self, lease: Lease, candidate: Candidate) -> tuple[Verdict, ...]:
        if candidate.draft is None:
            return (Rejected(gate=GateName.FORMAT, score=0.0, threshold=1.0),)
        gates = self._tools.gates
        request = GateRequest(
            id=f"{lease.order.id}:{lease.attempt}", passage=lease.passage, draft=candidate.draft, attempt=lease.attempt
        )
        grounded = await gates.provenance.check(request)
        if not isinstance(grounded, Passed) and gates.short_circuit:
            return (grounded,)
        if gates.short_circuit:
            return (grounded, *await self._judge_in_turn(request))
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(self._check(name, gate, request)) for name, gate in gates.scored.items()]
        return (grounded, *(task.result() for task in asked))

    async def _judge_in_turn(self, request: GateRequest) -> Sequence[Verdict]:
        verdicts: list[Verdict] = []
        for name, gate in self._tools.gates.scored.items():
            verdicts.append(await self._check(name, gate, request))
            if not isinstance(verdicts[-1], Passed):
                break
        return verdicts

    async def _check(self, name: GateName, gate: Gate, request: GateRequest) -> Verdict:
        started_at = self._clock()
        wasted = Cost()  # on answers that were no verdicts

        async def tried(this: Try) -> Verdict:
            nonlocal wasted
            try:
                return await gate.check(judgement(request, this))
            except HopError as error:
                wasted += Cost() if error.heard is None else error.heard.cost
                raise

        with self._stages.during(Stage(name.value)):
            try:
                verdict = await self._hop(name.value, tried)
            except HopError as error:
                asked, said = ((), "") if error.heard is None else (error.heard.asked, error.heard.said)
                verdict = Errored(gate=name, error=error.kind, detail=error.detail, asked=asked, said=said)
        return replace(verdict, cost=replace(verdict.cost + wasted, seconds=self._clock() - started_at))

    async def _hop(self, pool: str, call: Callable[[Try], Awaitable[T]]) -> T:
        with self._calls.during(pool):
            return await hop(call, self._settings.limits, self._health[pool], sleep=self._sleep, random=self._random)

    async def _insist(self, call: Callable[[], Awaitable[T]]) -> T:
        for_s = self._settings.health.outage_s
        return await insist(call, for_s=for_s, clock=self._clock, sleep=self._sleep, random=self._random)


def generation(request: GenerationRequest, this: Try) -> GenerationRequest:
    """The request as this try sends it; a probe is answered by one token."""
    if this.is_probe:
        return replace(request, id=f"{request.id}:probe", sampling=replace(request.sampling, max_tokens=1))
    return replace(request, lane=this.lane)


def judgement(request: GateRequest, this: Try) -> GateRequest:
    """The request as this try sends it."""
    if this.is_probe:
        return replace(request, id=f"{request.id}:probe")
    return replace(request, tries=this.number, lane=this.lane)


async def first_completion(generator: Generator, request: GenerationRequest) -> Completion:
    """The first completion to be done. Raises EngineError when the engine ends without one."""
    async for completion in generator.generate(request):
        return completion
    raise EngineError(ErrorKind.RETRYABLE, "the engine ended without a completion")
