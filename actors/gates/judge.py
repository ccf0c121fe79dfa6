"""What the gates say of a candidate. Law: a gate that cannot judge is an error in its own name, never a rejection;
gates that are asked at once do not wait for one another."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from actors.calls.counters import StageCounter
from actors.calls.pools import Pools
from actors.calls.retry import Try
from actors.calls.trials import judgement
from actors.protocols import Gate
from schemas.errors import HopError, ungrouped
from schemas.orders import Duplicate, Lease
from schemas.samples import Candidate, Cost
from schemas.stages import Stage
from schemas.verdicts import FORMAT, Errored, GateName, GateRequest, Passed, Rejected, Verdict


class Gating(Struct, frozen=True):
    """The gates of a run. `provenance` needs no model and speaks first; `scored` are models, asked at once."""

    provenance: Gate
    scored: Mapping[GateName, Gate]
    short_circuit: bool
    duplicate: Callable[[Duplicate], Rejected]
    bar: Callable[[Sequence[Verdict], int], tuple[Verdict, ...]] = lambda verdicts, attempt: tuple(verdicts)
    """What the verdicts on an order's attempt of that number come to: a later one may be held to more."""


class Judge:
    """Asks the gates of a run, one conductor's way."""

    def __init__(self, gates: Gating, pools: Pools, stages: StageCounter, now: Callable[[], float]) -> None:
        self._gates = gates
        self._pools = pools
        self._stages = stages
        self._now = now

    async def verdicts(self, lease: Lease, candidate: Candidate) -> tuple[Verdict, ...]:
        """Of an attempt: every gate's, or with `short_circuit` those up to the first that does not pass."""
        if candidate.draft is None:
            return (Rejected(gate=FORMAT, score=0.0, threshold=1.0),)
        gates = self._gates
        request = GateRequest(
            id=f"{lease.order.id}:{lease.attempt}", passage=lease.passage, draft=candidate.draft, attempt=lease.attempt
        )
        grounded = await gates.provenance.check(request)
        if not isinstance(grounded, Passed) and gates.short_circuit:
            return (grounded,)
        if gates.short_circuit:
            return (grounded, *await self._in_turn(request))
        with ungrouped():
            return (grounded, *await self._at_once(request))

    async def _at_once(self, request: GateRequest) -> Sequence[Verdict]:
        gates = self._gates
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(self._check(name, gate, request)) for name, gate in gates.scored.items()]
        return [task.result() for task in asked]

    async def _in_turn(self, request: GateRequest) -> Sequence[Verdict]:
        verdicts: list[Verdict] = []
        for name, gate in self._gates.scored.items():
            verdicts.append(await self._check(name, gate, request))
            if not isinstance(verdicts[-1], Passed):
                break
        return verdicts

    async def _check(self, name: GateName, gate: Gate, request: GateRequest) -> Verdict:
        started_at = self._now()
        wasted = Cost()  # on answers that were no verdicts

        async def tried(this: Try) -> Verdict:
            nonlocal wasted
            try:
                return await gate.check(judgement(request, this))
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
