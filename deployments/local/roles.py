"""Tries each role of a run alone, in this process: loads it, asks it as the run would, times it, and closes it.

Law: the prompts are the task's and the gates' own, over the run's own passages; one role is loaded at a time. A role's
failure is written on its card, and the next role is tried all the same.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from actors.calls.asker import Asker, Way
from actors.calls.making import Making, NotMade
from actors.gates.embedding import text_of
from actors.protocols import AskingGate, Embedder, Engine, ScoreText, Task
from actors.text.vectors import cosine
from deployments.build.tasks import build_task
from deployments.config.rules import task_name
from deployments.engines.roles import EngineRole, role_of
from deployments.local.gates import gate_over, local_embedder, local_gate, started
from schemas.config import RunConfig
from schemas.config_deployed import Deployed
from schemas.config_deployed import Engine as EngineConfig
from schemas.config_engines import CustomEngine, HttpEngine, ModelSource, PoolEngine
from schemas.config_gates import Classifier, EmbedderModel, GateModel, kind_of, shared_pools
from schemas.corpus import Passage
from schemas.errors import ConfigError, EngineError, ErrorKind, HopError, UserError, described
from schemas.ids import PassageId, PoolName
from schemas.orders import Lease, Order
from schemas.role_cards import BatchRate, ModelFacts, RoleCard, SampleCall
from schemas.samples import (
    Classification,
    ClassificationRequest,
    Completion,
    Draft,
    GenerationRequest,
    Malformed,
    Message,
    Scoring,
    ScoringRequest,
    answered,
    texts_of,
)
from schemas.vectors import EMBEDDER, Embedded, EmbeddingRequest
from schemas.verdicts import Errored, GateName, GateRequest, Verdict

BATCH = 16
"""How many calls side by side the speed is measured with."""
LONGEST_SAID = 300
"""Characters of the answer that is used if no pool wrote a draft: the beginning of the passage."""
Clock = Callable[[], float]
Answer = TypeVar("Answer")


class Looked(Struct, frozen=True):
    """A role's card, and the drafts of a pool, which later gates judge."""

    card: RoleCard
    drafts: Mapping[PassageId, Draft] = {}


async def look_at(
    config: RunConfig, passages: Sequence[Passage], only: str | None, *, clock: Clock
) -> AsyncIterator[RoleCard]:
    """The card of every role, or of `only` one: pools first, then the gates that have a model, then the
    embedder. `clock`: in seconds.

    Raises ConfigError for a name that is no role of the run.
    """
    roles = _roles(config)
    if only is not None and only not in roles:
        there = ", ".join(roles)
        raise ConfigError(f"--role {only}: no pool, gate with a model or embedder has this name; there are {there}")
    drafts: dict[PassageId, Draft] = {}
    for name in roles if only is None else (only,):
        looked = await _looked(config, name, roles[name], _Given(passages, drafts), clock)
        drafts = {**looked.drafts, **drafts}
        yield looked.card


def _roles(config: RunConfig) -> dict[str, Deployed]:
    """Pools, then gates that ask a model, their own or a pool's, then the embedder."""
    gates = {name: gate for name, gate in config.gates.items() if isinstance(gate, GateModel)}
    embedder = config.judging.embedder
    return {**config.pools, **gates, **({} if embedder is None else {EMBEDDER: embedder})}


class _Given(Struct, frozen=True):
    """The passages and drafts that a role is asked about; the card shows the call for `shortest`."""

    passages: Sequence[Passage]
    drafts: Mapping[PassageId, Draft]

    @property
    def shortest(self) -> Passage:
        return min(self.passages, key=lambda passage: len(passage.text))


class _Overheard:
    """An engine that keeps its calls: prompt, reply and tokens."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.asked: tuple[Message, ...] = ()
        self.said = ""
        self.tokens: list[tuple[int, int]] = []

    async def generate(self, request: GenerationRequest) -> Completion:
        self.asked, self.said = request.messages, ""
        found = await self._engine.generate(request)
        self.said = found.text
        self.tokens.append((found.prompt_tokens, found.completion_tokens))
        return found

    async def classify(self, request: ClassificationRequest) -> Classification:
        shown = request.text if request.premise is None else f"{request.premise}\n{request.text}"
        self.asked, self.said = (Message("user", shown),), ""
        found = await self._engine.classify(request)
        self.said = ", ".join(f"{each:.3f}" for each in found.probabilities)
        self.tokens.append((found.prompt_tokens, 0))
        return found

    async def score(self, request: ScoringRequest) -> Scoring:
        if not isinstance(self._engine, ScoreText):
            raise EngineError(ErrorKind.PERMANENT, "the engine has no score(request), which form: likelihood judges by")
        self.asked, self.said = request.messages, ""
        found = await self._engine.score(request)
        self.said = f"log-probabilities of {len(found.tokens)} tokens"
        self.tokens.append((found.cost.tokens, 0))
        return found

    async def start(self) -> None:
        """Does nothing: the engine is loaded already."""

    async def check(self) -> None:
        await self._engine.check()

    async def close(self) -> None:
        """Does nothing: the code that loaded the engine closes it."""


async def _looked(config: RunConfig, name: str, role: Deployed, given: _Given, clock: Clock) -> Looked:
    shared = shared_pools(config.gates).get(GateName(name))
    computes = role.engine if shared is None else config.pools[shared].engine
    card = RoleCard(name, _what(name, role), _kind(computes), computes.model, _source(computes))
    looked = Looked(card)
    try:
        async with AsyncExitStack() as stack:
            began = clock()
            if isinstance(role, EmbedderModel):
                embedder = await local_embedder(stack, config)
                assert embedder is not None, "the role is there because it is configured"
                facts = ModelFacts(slots=getattr(embedder, "slots", None))
                looked = Looked(replace(card, load_s=clock() - began, facts=facts))
                asked = _EmbedderAsked(embedder, role.similarity, config.conductors.hop_timeout_s)
                return Looked(await _of_embedder(looked.card, asked, _compared(build_task(config), given), clock))
            gate = role if isinstance(role, GateModel) else None
            engine = await started(stack, computes, EngineRole.GENERATOR if gate is None else role_of(gate))
            facts: ModelFacts = getattr(engine, "facts", ModelFacts(slots=getattr(engine, "slots", None)))
            card = replace(card, load_s=clock() - began, facts=facts)
            looked = Looked(card)
            heard = _Overheard(engine)
            if gate is None:
                asked = _PoolAsked(config, PoolName(name), heard, clock)
                looked = await _of_pool(card, asked, given)
            else:
                check = await _check(stack, config, GateName(name), heard)
                asked = _GateAsked(check, build_task(config), given, config.conductors.hop_timeout_s)
                looked = Looked(await _of_gate(card, asked, heard, clock))
    except (UserError, HopError) as error:
        return Looked(replace(looked.card, error=" ".join(str(error).split())))
    except Exception as bug:  # noqa: BLE001 - an engine or a task of anybody's: its bug is one role's
        return Looked(replace(looked.card, error=described(bug)))
    return looked


async def _check(
    stack: AsyncExitStack, config: RunConfig, name: GateName, heard: _Overheard
) -> Callable[[GateRequest], Awaitable[Verdict]]:
    """The gate's check over the engine, which is the gate's own or a pool's."""
    if name not in shared_pools(config.gates):
        return (await gate_over(stack, config, name, heard)).check
    gate = await local_gate(stack, config, name)
    assert isinstance(gate, AskingGate), "a gate that a pool answers for asks it"
    return partial(gate.check_asking, ask=lambda pool, request: heard.generate(request))


class _PoolAsked:
    """A pool, asked as by attempts of fresh orders. If a task names another pool of the run, this one is asked all the
    same, but that call is not shown as its own. `asked`, `said`: its own last call, or
    another where the task makes none of it."""

    def __init__(self, config: RunConfig, pool: PoolName, heard: _Overheard, clock: Clock) -> None:
        self._config = config
        self._task: Task = build_task(config)
        self._pool = pool
        self._heard = heard
        self._clock = clock
        self.asked: tuple[Message, ...] = ()
        self.said = ""
        self._has_own = False

    @property
    def heard(self) -> _Overheard:
        return self._heard

    @property
    def clock(self) -> Clock:
        return self._clock

    async def draft(self, passage: Passage, slot: int) -> Draft | Malformed:
        """The draft that the task reads in the completion. Raises HopError, and whatever the task raises."""
        lease = Lease(Order.fresh(passage.id, task_name(self._config), slot), passage, 1, float("inf"))
        pools = [PoolName(name) for name in self._config.pools]
        way = Way(self._generate, self._pool, self._pool, self._config.seed, self._clock, pools=pools)
        asker = Asker(lease, way)
        making = Making(self._task, lease, asker)
        await making.run()
        try:
            candidate = (await making.of(lease.order.id)).candidate
        except NotMade as failed:
            raise failed.error from failed
        if candidate.draft is not None:
            return candidate.draft
        assert candidate.malformed_reason is not None, "a completion is a draft, or malformed for a reason"
        return Malformed(candidate.malformed_reason, candidate.malformed or "")

    async def _generate(self, pool: PoolName, request: GenerationRequest) -> Completion:
        found = await _within(self._config.conductors.hop_timeout_s, self._heard.generate(request))
        if pool == self._pool or not self._has_own:
            self.asked, self.said, self._has_own = request.messages, found.text, pool == self._pool
        return found


async def _of_pool(card: RoleCard, asked: _PoolAsked, given: _Given) -> Looked:
    first = await asked.draft(given.shortest, 0)
    card = replace(card, sample=SampleCall(asked.asked, asked.said, _read(first)))
    drafts: dict[PassageId, Draft] = {}

    async def one(number: int) -> None:
        passage = given.passages[number % len(given.passages)]
        made = await asked.draft(passage, 1 + number)
        if isinstance(made, Draft):
            drafts.setdefault(passage.id, made)

    batch = await _timed(one, asked.heard.tokens, asked.clock)
    if isinstance(first, Draft):
        drafts[given.shortest.id] = first
    return Looked(replace(card, batch=batch), drafts)


class _GateAsked(Struct, frozen=True):
    """A gate, asked as by conductors."""

    check: Callable[[GateRequest], Awaitable[Verdict]]
    task: Task
    given: _Given
    timeout_s: float

    async def verdict(self, passage: Passage, number: int) -> Verdict:
        """The verdict on a draft of the passage. Raises HopError."""
        request = _request(self.task, passage, self.given.drafts.get(passage.id), number)
        return await _within(self.timeout_s, self.check(request))


async def _of_gate(card: RoleCard, asked: _GateAsked, heard: _Overheard, clock: Clock) -> RoleCard:
    try:
        verdict = await asked.verdict(asked.given.shortest, 0)
    except HopError as error:
        if error.kind is not ErrorKind.NONSENSE:
            raise
        verdict = Errored(GateName(card.role), error.kind, error.detail)
    card = replace(card, sample=SampleCall(heard.asked, heard.said, _told(verdict)))

    async def one(number: int) -> None:
        await asked.verdict(asked.given.passages[number % len(asked.given.passages)], 1 + number)

    return replace(card, batch=await _timed(one, heard.tokens, clock))


class _EmbedderAsked(Struct, frozen=True):
    """The embedder, asked as by conductors. `similarity`: the lowest cosine of near-duplicates."""

    embedder: Embedder
    similarity: float
    timeout_s: float

    async def made(self, text: str, number: int) -> Embedded:
        """The text's vector. Raises HopError."""
        return await _within(self.timeout_s, self.embedder.embed(EmbeddingRequest(f"models:{number}", text)))


async def _of_embedder(card: RoleCard, asked: _EmbedderAsked, texts: Sequence[str], clock: Clock) -> RoleCard:
    """The card shows the first text, and how near the one after it comes."""
    one, other = [(await asked.made(text, 0)).vector for text in (texts[0], texts[1 % len(texts)])]
    near = cosine(one, other)
    assert near is not None, "one embedder made both"
    came_to = f"cosine {near:.3f} with another draft; near-duplicates from {asked.similarity:g}"
    said = f"a vector of {len(one.parts)} numbers"
    card = replace(card, sample=SampleCall((Message("user", texts[0]),), said, came_to))
    tokens: list[tuple[int, int]] = []

    async def call(number: int) -> None:
        made = await asked.made(texts[number % len(texts)], 1 + number)
        tokens.append((made.cost.prompt_tokens, 0))

    return replace(card, batch=await _timed(call, tokens, clock))


def _compared(task: Task, given: _Given) -> list[str]:
    """The texts that near-duplicates are found by, of the drafts that a pool wrote; without any, the beginnings of the
    passages."""
    keys = [task.key(draft) for draft in given.drafts.values()]
    compared = [text_of(key) for key in keys if key is not None]
    return compared or [" ".join(passage.text.split())[:LONGEST_SAID] for passage in given.passages]


def _request(task: Task, passage: Passage, draft: Draft | None, number: int) -> GateRequest:
    """A request about a draft that a pool of the run wrote, or else about the beginning of the passage."""
    name = f"models:{passage.id}:{number}"
    if draft is None:
        begins = " ".join(passage.text.split())[:LONGEST_SAID]
        return GateRequest(name, passage, answered("What does the passage say first?", begins))
    return GateRequest(name, passage, draft, claim=task.claim(draft), shown=task.shown(draft))


async def _within(seconds: float, call: Awaitable[Answer]) -> Answer:
    try:
        async with asyncio.timeout(seconds):
            return await call
    except TimeoutError as error:
        raise HopError(ErrorKind.RETRYABLE, f"no answer within {seconds:g} s") from error


async def _timed(one: Callable[[int], Awaitable[None]], tokens: list[tuple[int, int]], clock: Clock) -> BatchRate:
    """`tokens`: where each call leaves those of its prompt and its completion."""
    tokens.clear()
    began = clock()
    ends = await asyncio.gather(*map(one, range(BATCH)), return_exceptions=True)
    seconds = clock() - began
    for end in ends:
        if isinstance(end, BaseException) and not isinstance(end, HopError):
            raise end
    failed = sum(isinstance(end, BaseException) for end in ends)
    return BatchRate(BATCH, failed, seconds, sum(p for p, _ in tokens), sum(c for _, c in tokens))


def _read(made: Draft | Malformed) -> str:
    if isinstance(made, Malformed):
        return f"malformed: {made.detail}"
    return "; ".join(f"{name}: {text}" for name, text in texts_of(made))


def _told(verdict: Verdict) -> str:
    if isinstance(verdict, Errored):
        return f"errored: {verdict.detail}"
    word = str(type(verdict).__struct_config__.tag)
    note = f" ({verdict.evidence.note})" if verdict.evidence.note else ""
    return f"{word}: {verdict.score:.3f}, the threshold is {verdict.threshold:g}{note}"


def _what(name: str, role: Deployed) -> str:
    if isinstance(role, EmbedderModel):
        return "embedder"
    if not isinstance(role, GateModel):
        return "pool"
    label = f", positive_label {role.positive_label}" if isinstance(role, Classifier) else ""
    shared = f", answered by the pool {role.engine.pool}" if isinstance(role.engine, PoolEngine) else ""
    return f"gate, {kind_of(name, role)} by {role.__struct_config__.tag}{label}{shared}"


def _kind(engine: EngineConfig) -> str:
    return str(engine.__struct_config__.tag)


def _source(engine: EngineConfig) -> str:
    match engine:
        case HttpEngine():
            return engine.base_url
        case CustomEngine():
            return f"code of yours, {engine.factory}"
    if Path(engine.model).is_absolute():
        return "a folder"
    source = ModelSource.of(engine.model)
    return "the Hugging Face hub" if source.revision is None else f"the Hugging Face hub, at {source.revision}"
