"""How a task reaches a model. Law: every call of an attempt is recorded and seeded here: whoever makes the attempt
again asks the same, and what a call took is known whatever becomes of the attempt."""

import logging
from collections.abc import Awaitable, Callable

from msgspec import Struct
from msgspec.structs import replace

from actors.text.completions import thoughts_apart
from schemas.errors import PoolAwayError
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
"""One completion of a pool, retried within bounds. Raises HopError, and PoolAwayError."""


class Way(Struct, frozen=True):
    """How an attempt's calls go: by default to `pool`; in its place to `instead` where it is given up. `seed`: the
    run's. `aside`: how calls go that no draft is of; None: as the others. `keeps_reasoning`: what a model thinks before
    it answers is recorded."""

    generate: Generate
    pool: PoolName
    instead: PoolName
    seed: int
    clock: Callable[[], float]
    aside: Generate | None = None
    keeps_reasoning: bool = False


class Asker:
    """`actors.protocols.AskModel` of one attempt."""

    def __init__(self, lease: Lease, way: Way) -> None:
        self._lease = lease
        self._way = way
        self._asked = 0
        self.calls: list[ModelCall] = []
        """Those that were answered, in the order of their answers."""
        self._asides: list[ModelCall] = []

    async def __call__(self, prompt: Prompt, *, pool: PoolName | None = None) -> Completion:
        """The completion of a prompt. Raises HopError, and PoolAwayError when no order can do without the pool."""
        request = self._request(prompt)
        wanted = self._way.pool if pool is None else pool
        started_at = self._way.clock()
        try:
            completion = await self._way.generate(wanted, request)
        except PoolAwayError as away:
            if wanted == self._way.instead:
                raise
            log.warning("not escalated", extra={"order": self._lease.order.id, "why": str(away)})
            wanted, started_at = self._way.instead, self._way.clock()
            completion = await self._way.generate(wanted, request)
        self.calls.append(self._call(wanted, request, completion, started_at))
        return completion

    async def aside(self, prompt: Prompt, *, pool: PoolName | None = None) -> Completion:
        """The completion of a prompt that no draft is of, from that pool or none. Raises HopError."""
        request = self._request(prompt)
        wanted = self._way.pool if pool is None else pool
        started_at = self._way.clock()
        completion = await (self._way.aside or self._way.generate)(wanted, request)
        self._asides.append(self._call(wanted, request, completion, started_at))
        return completion

    def taken_aside(self) -> list[ModelCall]:
        """The calls that no draft is of, each once."""
        taken, self._asides = self._asides, []
        return taken

    def candidate(self, made: Made) -> Candidate:
        """What the last call returned, as the task read it."""
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

    def _request(self, prompt: Prompt) -> GenerationRequest:
        """Its id and seed follow from order, attempt and the call's number."""
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
