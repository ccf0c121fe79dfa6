"""Calls from a task to a model. Law: every call of an attempt is recorded and seeded here. So the same attempt, made
again, has the same seeds, and the cost of a call is known even if the attempt fails."""

import logging
from collections.abc import Awaitable, Callable, Collection
from difflib import get_close_matches

from msgspec import Struct
from msgspec.structs import replace

from actors.text.completions import thoughts_apart
from schemas.errors import NoPoolError, PoolAwayError
from schemas.ids import PoolName, derived_seed
from schemas.orders import Lease
from schemas.samples import (
    Candidate,
    Completion,
    Cost,
    GenerationRequest,
    Made,
    Malformed,
    ModelCall,
    Prompt,
    Sampling,
)

log = logging.getLogger("gleaner.conductor")

Generate = Callable[[PoolName, GenerationRequest], Awaitable[Completion]]
"""One completion of a pool, retried within limits. Raises HopError, and PoolAwayError."""


class Way(Struct, frozen=True):
    """Where an attempt's calls go: to `pool`, or `instead` if that one is given up; a call that names a pool goes there
    and nowhere else. `seed`: the run's. `aside`: for calls whose completions become no draft; None: as `generate`.
    `keeps_reasoning`: a model's thoughts before its answer are recorded. `pools`: those that a call may name; None: any
    name."""

    generate: Generate
    pool: PoolName
    instead: PoolName
    seed: int
    clock: Callable[[], float]
    aside: Generate | None = None
    keeps_reasoning: bool = False
    pools: Collection[PoolName] | None = None


class Asker:
    """`actors.protocols.AskModel` of one attempt."""

    def __init__(self, lease: Lease, way: Way) -> None:
        self._lease = lease
        self._way = way
        self._asked = 0
        self.calls: list[ModelCall] = []
        """The calls that were answered, in the order of their answers, without asides."""
        self._asides: list[ModelCall] = []

    async def __call__(self, prompt: Prompt, *, pool: PoolName | None = None) -> Completion:
        """The completion of a prompt. Raises HopError, PoolAwayError when the named pool is given up, or `instead` too,
        and NoPoolError for a name that is no pool's."""
        request = self._request(prompt)
        wanted = self._wanted(pool)
        started_at = self._way.clock()
        try:
            completion = await self._way.generate(wanted, request)
        except PoolAwayError as away:
            if pool is not None or wanted == self._way.instead:
                raise
            log.warning("not escalated", extra={"order": self._lease.order.id, "why": str(away)})
            wanted, started_at = self._way.instead, self._way.clock()
            completion = await self._way.generate(wanted, request)
        self.calls.append(self._call(wanted, request, completion, started_at))
        return completion

    async def aside(self, prompt: Prompt, *, pool: PoolName | None = None) -> Completion:
        """A completion that becomes no draft, from that pool and no other. Raises HopError and NoPoolError."""
        request = self._request(prompt)
        wanted = self._wanted(pool)
        started_at = self._way.clock()
        completion = await (self._way.aside or self._way.generate)(wanted, request)
        self._asides.append(self._call(wanted, request, completion, started_at))
        return completion

    def taken_aside(self) -> list[ModelCall]:
        """The aside calls since the last time this was asked."""
        taken, self._asides = self._asides, []
        return taken

    def candidate(self, made: Made) -> Candidate:
        """The last call's completion, with the draft that the task read from it."""
        draft = made.draft
        given = ModelCall(self._way.pool, (), made.given or Sampling(), "", Cost())
        last = self.calls[-1] if self.calls else given
        return Candidate(
            pool=last.pool,
            prompt=last.prompt,
            sampling=last.sampling,
            text=last.text,
            draft=None if isinstance(draft, Malformed) else draft,
            malformed=draft.detail if isinstance(draft, Malformed) else None,
            malformed_reason=draft.reason if isinstance(draft, Malformed) else None,
            finish=last.finish,
            cost=last.cost,
            reasoning=last.reasoning,
        )

    def _wanted(self, named: PoolName | None) -> PoolName:
        known = self._way.pools
        if named is None or known is None or named in known:
            return self._way.pool if named is None else named
        near = get_close_matches(named, known, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else f"; the pools are {', '.join(known)}"
        raise NoPoolError(f"task: it asks the pool '{named}', and there is none{hint}")

    def _request(self, prompt: Prompt) -> GenerationRequest:
        """The request. Its id and seed follow from the order, the attempt and the call's number."""
        self._asked += 1
        lease, number = self._lease, () if self._asked == 1 else (self._asked,)
        sampling = replace(prompt.sampling, seed=derived_seed(self._way.seed, lease.order.id, lease.attempt, *number))
        return GenerationRequest(
            id=":".join(map(str, (lease.order.id, lease.attempt, *number))),
            passage_id=lease.passage.id,
            messages=prompt.messages,
            sampling=sampling,
            stop=prompt.stop,
            json_schema=prompt.json_schema,
        )

    def _call(self, pool: PoolName, request: GenerationRequest, completion: Completion, started_at: float) -> ModelCall:
        cost = replace(completion.cost, seconds=self._way.clock() - started_at)
        thoughts, text = thoughts_apart(completion.text)
        kept = "\n".join(filter(None, (completion.reasoning, thoughts))) if self._way.keeps_reasoning else ""
        sampling, finish = request.sampling, completion.finish
        return ModelCall(pool, request.messages, sampling, text, cost, finish=finish, reasoning=kept)
