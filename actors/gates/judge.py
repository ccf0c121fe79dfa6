"""The verdicts of all gates on a candidate. Law: a gate that cannot judge gives an errored verdict, never a rejection.
Without `short_circuit` gates do not wait for each other, except those that read the scores of others."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from actors.calls.counters import StageCounter
from actors.calls.pools import Pools
from actors.calls.retry import Try
from actors.calls.trials import judgement
from actors.protocols import Ask, AskingGate, Embedder, Gate, GateOfGates, Task
from schemas.errors import HopError, ungrouped
from schemas.order_kinds import POLICIES
from schemas.orders import Duplicate, Lease
from schemas.samples import Candidate, Cost, Texts, texts_of
from schemas.shares import GateShares
from schemas.stages import Stage
from schemas.verdicts import FORMAT, Errored, GateName, GateRequest, Passed, Rejected, Verdict


class Gating(Struct, frozen=True):
    """The gates of a run. `provenance` needs no model and comes first; `scored`: the configured gates, by name."""

    provenance: Gate
    scored: Mapping[GateName, Gate]
    short_circuit: bool
    duplicate: Callable[[Duplicate], Rejected]
    bar: Callable[[Sequence[Verdict], int], tuple[Verdict, ...]] = lambda verdicts, attempt: tuple(verdicts)
    """Changes the verdicts on an attempt by its number: a later attempt may have a higher threshold."""
    after: frozenset[GateName] = frozenset()
    """The gates in `scored` that read the scores of others."""
    embedder: Embedder | None = None
    """Makes vectors of drafts that passed; near-duplicates are found by them, beside words."""
    shares: GateShares = GateShares()
    """The gates in `scored` that judge a share of the orders alone."""


class Judge:
    """Asks the gates of a run, for one conductor. `ask`: with it gates ask the run's pools."""

    def __init__(
        self, gates: Gating, pools: Pools, stages: StageCounter, now: Callable[[], float], *, task: Task, ask: Ask
    ) -> None:
        self._gates = gates
        self._pools = pools
        self._stages = stages
        self._now = now
        self._task = task
        self._over = {name: gate for name, gate in gates.scored.items() if isinstance(gate, GateOfGates)}
        self._checks = {name: _check_of(gate, ask) for name, gate in gates.scored.items() if name not in self._over}
        self._steps = frozenset[GateName]().union(*(gate.steps for gate in self._over.values()))

    def unjudged(self, lease: Lease, candidate: Candidate) -> tuple[GateName, ...]:
        """The gates that do not judge this draft, because its order is not in their share. Probes and rollouts are
        judged by all: they are made to be judged."""
        is_sample = candidate.draft is not None and POLICIES[lease.order.kind].sample
        return self._gates.shares.unjudged(lease.order.id) if is_sample else ()

    async def verdicts(self, lease: Lease, candidate: Candidate) -> tuple[Verdict, ...]:
        """The verdicts on an attempt: of every gate but the `unjudged`, or with `short_circuit` up to the first that
        does not pass."""
        if candidate.draft is None:
            return (Rejected(gate=FORMAT, score=0.0, threshold=1.0),)
        gates, whole = self._gates, texts_of(candidate.draft)
        request = GateRequest(
            id=f"{lease.order.id}:{lease.attempt}",
            passage=lease.passage,
            draft=candidate.draft,
            attempt=lease.attempt,
            claim=_unless(whole, self._task.claim(candidate.draft)),
            shown=_unless(whole, self._task.shown(candidate.draft)),
            bands=lease.bands,
        )
        grounded = await gates.provenance.check(request)
        if not isinstance(grounded, Passed) and gates.short_circuit:
            return (grounded,)
        left_out = {*self.unjudged(lease, candidate), *self._steps}
        names = [name for name in gates.scored if name not in left_out]
        if gates.short_circuit:
            return (grounded, *await self._in_turn(request, names))
        with ungrouped():
            return (grounded, *await self._at_once(request, names))

    async def _at_once(self, request: GateRequest, names: Sequence[GateName]) -> Sequence[Verdict]:
        if not self._gates.after:
            return tuple((await self._all(request, names)).values())
        first = await self._all(request, [name for name in names if name not in self._gates.after])
        later = await self._all(_told(request, first.values()), [name for name in names if name in self._gates.after])
        said = first | later
        return [said[name] for name in names]

    async def _all(self, request: GateRequest, names: Collection[GateName]) -> dict[GateName, Verdict]:
        async with asyncio.TaskGroup() as group:
            asked = {name: group.create_task(self._check(name, request)) for name in names}
        return {name: task.result() for name, task in asked.items()}

    async def _in_turn(self, request: GateRequest, names: Sequence[GateName]) -> Sequence[Verdict]:
        verdicts: list[Verdict] = []
        for name in names:
            verdicts.append(await self._check(name, _told(request, verdicts)))
            if not isinstance(verdicts[-1], Passed):
                break
        return verdicts

    async def _check(self, name: GateName, request: GateRequest) -> Verdict:
        if name in self._over:
            return await self._over[name].check_by(request, self._check)
        started_at = self._now()
        check = self._checks[name]
        wasted = Cost()  # of answers that were no verdicts

        async def tried(this: Try) -> Verdict:
            nonlocal wasted
            asked = judgement(request, this)
            try:
                return await check(asked)
            except HopError as error:
                if error.heard is not None and this.trial is None:
                    wasted += error.heard.cost
                raise

        with self._stages.during(Stage(name)):
            try:
                verdict = await self._pools.ask(name, tried, (request.passage.id, request.draft))
            except HopError as error:
                asked, said = ((), "") if error.heard is None else (error.heard.asked, error.heard.said)
                verdict = Errored(gate=name, error=error.kind, detail=error.detail, asked=asked, said=said)
        return replace(verdict, cost=replace(verdict.cost + wasted, seconds=self._now() - started_at))


def _told(request: GateRequest, verdicts: Collection[Verdict]) -> GateRequest:
    """The request with the scores so far."""
    scores = {said.gate: said.score for said in verdicts if not isinstance(said, Errored)}
    return replace(request, scores=scores) if scores else request


def _unless(whole: Texts, texts: Texts) -> Texts | None:
    """The texts, or None if they are those of the whole draft, so that no text is sent twice."""
    return None if texts == whole else texts


def _check_of(gate: Gate, ask: Ask) -> Callable[[GateRequest], Awaitable[Verdict]]:
    return partial(gate.check_asking, ask=ask) if isinstance(gate, AskingGate) else gate.check
