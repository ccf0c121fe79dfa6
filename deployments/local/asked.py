"""What a run's pools, gates and embedder would be asked about a passage. Nobody is asked: prompts are written by the
task's and the gates' own code, for leases as the queue hands them out.

Law: a draft that nobody wrote stands in as one short word a field, and for the most as many tokens as a completion may
have, at each place where a prompt shows it. What cannot be known without a model is left out and named in `notes`.
"""

import asyncio
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from msgspec import Struct

from actors.gates.build import build_gate
from actors.gates.embedding import text_of
from actors.gates.execution import second_query
from actors.gates.pairs import MOST_SENTENCES
from actors.protocols import Task
from actors.recovery.modes import RunRepairs, registered
from actors.recovery.policies import TaskRecovery
from actors.recovery.repairs import OURS, REPAIRS, directed
from actors.tasks.prompted import PromptedTask
from deployments.build.recovery import run_gates, task_recovery
from deployments.build.tasks import build_task
from deployments.build.wiring import plain_queue
from deployments.local.census import OrderedPassage
from deployments.local.overheard import Load, OverhearingEngine, places, source_of
from deployments.local.token_counts import PromptCounter, prompt_counter
from schemas.config import FRESH_POOL, RunConfig
from schemas.config_cascade import cascades
from schemas.config_gates import Classifier, CustomGate, GateModel, QueryExecution, Retrieved, gate_models, shared_pools
from schemas.config_tasks import Code, CustomTask, GroundedAnswer, Prompted
from schemas.corpus import Passage
from schemas.errors import ConfigError, EngineError, ErrorKind, HopError, described, ungrouped
from schemas.forecast import Amounts, TokenCount
from schemas.ids import PoolName
from schemas.orders import Lease
from schemas.recovery import KNOWN_REPAIRS, Diagnosis, Modes, Repair, Repairs
from schemas.repairs import RejectedDraft
from schemas.samples import Completion, Draft, Prompt, Texts, answered, texts_of
from schemas.vectors import EMBEDDER
from schemas.verdicts import GateName, GateRequest

Told = TypeVar("Told")


Loads = Mapping[str, Load]
"""By role."""


class _Call(Struct, frozen=True):
    """A call of an attempt. `reply`: the shortest that is read; `shows`: tokens that its prompt may show of earlier
    completions, at each place; `again`: how often it may be made once more."""

    role: str
    prompt: Prompt
    reply: str
    shows: int = 0
    again: int = 0


class PromptWriter:
    """Writes the prompts of a configuration. Raises ConfigError and ModelError as a run would at its start."""

    def __init__(self, config: RunConfig) -> None:
        self._config = config
        self._task: Task = build_task(config)
        self._queue = plain_queue(config)
        self._recovery: TaskRecovery = task_recovery(config, self._task)
        self._repairs: RunRepairs = registered(REPAIRS, run_gates(config), config.recovery).knowing(
            self._recovery.known, self._recovery.forms
        )
        self._draft = _stand_in(config)
        self._judges = {
            GateName(name): gate for name, gate in config.gates.items() if isinstance(gate, GateModel | QueryExecution)
        }
        self._spared = {cascade.judge for cascade in cascades(config.gates).values()}
        self._counters = dict(_counters(config))

    @property
    def counted(self) -> tuple[TokenCount, ...]:
        """How the tokens of each role are counted."""
        return tuple(TokenCount(role, counter.by) for role, counter in self._counters.items())

    async def first(self, given: OrderedPassage, shown: Sequence[Passage]) -> Loads:
        """What the first attempts of all orders of a passage ask. `shown`: passages that a search may find."""
        self._queue.plan(given.passage, given.orders, 0.0)
        loads: dict[str, Load] = {}
        for lease in self._queue.lease(0.0, "plan", len(given.orders)):
            for role, load in [*await self._written(lease), *await self._judged(lease, shown)]:
                loads[role] = loads.get(role, Load()) + load
        return loads

    async def again(self, given: OrderedPassage, shown: Sequence[Passage]) -> Loads:
        """What one repaired attempt of one order asks at most: of the repairs that the run has, that with the longest
        prompts. A stronger pool is there besides."""
        each: list[Loads] = []
        stronger: dict[str, Load] = {}
        for repair in self._directed(given.passage):
            lease = Lease(given.orders[0], given.passage, 2, 0.0, repair)
            written = dict(await self._written(lease))
            if repair.kind == Repairs.ESCALATE:
                stronger = written
            else:
                each.append(written)
        longest = max(each, key=lambda loads: sum(load.prompt.most for load in loads.values()), default={})
        judged = dict(await self._judged(Lease(given.orders[0], given.passage, 2, 0.0), shown))
        return {**stronger, **longest, **judged}

    def _directed(self, passage: Passage) -> Iterator[Repair]:
        policy, makers = self._config.recovery.policy, {**OURS, **self._recovery.makers}
        draft = None if isinstance(self._config.task, CustomTask) else self._draft  # whose fields nobody knows here
        rejected = RejectedDraft(passage.text, draft, 1, 1.0, Diagnosis(Modes.UNKNOWN, 1.0))
        stronger = [Repairs.ESCALATE] if self._config.recovery.escalate_to is not None else []
        named = dict.fromkeys((*KNOWN_REPAIRS, *self._recovery.makers, *stronger))
        naive = policy == "naive_resample"
        kinds = [Repairs.RESAMPLE] if naive else [kind for kind in named if self._repairs.is_known(kind)]
        for kind in kinds:
            if kind == Repairs.RESTART_FROM_PREFIX or (kind == Repairs.ESCALATE and not stronger):
                continue
            yield directed(kind, rejected, self._config.recovery, makers)[0]

    async def _written(self, lease: Lease) -> list[tuple[str, Load]]:
        loads: dict[str, Load] = {}
        for call in await self._calls(lease):
            counter = self._counters[call.role]
            prompt = counter.chat(call.prompt.messages)
            shown = places(self._draft, "".join(message.content for message in call.prompt.messages))
            longest, limit = prompt.most + shown * call.shows, call.prompt.sampling.max_tokens
            more = call.again * (longest + limit)  # a call that is made again may show what it was told
            load = Load(
                Amounts(1, 1 + call.again),
                Amounts(prompt.least, longest + more),
                Amounts(min(limit, max(1.0, counter.text(call.reply).least)), limit * (1 + call.again)),
            )
            loads[call.role] = loads.get(call.role, Load()) + load
        return list(loads.items())

    async def _calls(self, lease: Lease) -> list[_Call]:
        config, repair = self._config, lease.repair
        own = FRESH_POOL if repair is None or repair.pool is None else repair.pool
        draft_tokens = _draft_tokens(config)
        if isinstance(self._task, PromptedTask):
            shows, calls = 0 if repair is None else draft_tokens, []
            for call, prompt in self._task.asked(lease, self._draft.fields):
                again = len(call.json_fields)
                calls.append(_Call(call.pool or own, prompt, call.written(self._draft.fields), shows, again))
                shows += prompt.sampling.max_tokens
            return calls
        prompts = await _first_prompts(self._task, lease, config)
        reply = "" if isinstance(config.task, CustomTask) else self._task.written(self._draft)
        restarts = isinstance(config.task, GroundedAnswer)
        return [
            _Call(
                pool or own,
                prompt,
                "\n".join([reply] * len(lease.orders)),
                0 if repair is None else draft_tokens,
                int(restarts and not lease.beside and prompt.stop != config.task.sampling.stop),
            )
            for pool, prompt in prompts
        ]

    async def _judged(self, lease: Lease, shown: Sequence[Passage]) -> list[tuple[str, Load]]:
        claim, rated, key = _texts(self._task, self._draft)
        loads: list[tuple[str, Load]] = []
        draft_tokens, orders = _draft_tokens(self._config), len(lease.orders)
        for name, gate in self._judges.items():
            heard = OverhearingEngine(self._counters[name], self._draft, draft_tokens)
            requests = [
                GateRequest(order.id, lease.passage, self._draft, claim=claim, shown=rated) for order in lease.orders
            ]
            if isinstance(gate, QueryExecution):  # of a draft whose query has a result
                asked = [heard.generate(second_query(name, gate, request)) for request in requests]
            else:
                judge = build_gate(name, gate, heard, source_of(gate.provenance, shown))
                asked = [judge.check(request) for request in requests]
            await asyncio.gather(*map(_unanswered, asked))
            sentences = MOST_SENTENCES if isinstance(gate, Classifier) and gate.reads == "sentences" else 1
            prompt = Amounts(heard.load.prompt.least, heard.load.prompt.most * sentences)
            load = Load(Amounts(orders, orders), prompt, heard.load.completion)
            loads.append((name, load.or_nothing if name in self._spared else load))
        if self._config.judging.embedder is not None and key is not None:
            text = self._counters[EMBEDDER].text(text_of(key))
            load = Load(Amounts(1, 1), Amounts(text.least, text.most + draft_tokens))
            loads += [(EMBEDDER, load)] * orders
        return loads


def notes_of(config: RunConfig) -> Iterator[str]:
    """What of a run these figures leave out."""
    if isinstance(config.task, CustomTask):
        yield "task: code of yours may ask more once it is answered; its first calls alone are counted"
        yield "task: gates are counted as if a draft were a question and its answer"
    for name, gate in config.gates.items():
        if isinstance(gate, CustomGate):
            yield f"gates.{name}: what code of yours asks the pools is not counted"
        if isinstance(gate, GateModel) and isinstance(gate.provenance, Retrieved):
            yield f"gates.{name}: searches nothing here; prompts show {gate.provenance.k} passages drawn at random"
    for name, cascade in cascades(config.gates).items():
        yield f"gates.{name}: which drafts '{cascade.judge}' is spared is known when probes have calibrated the band"
    if config.probes.rate:
        yield f"probes.rate: {config.probes.rate:g} probes for each order are not counted"
    if config.credit is not None:
        yield "credit: rollouts of rejected solutions are not counted"
    yield "calls that are made again after an error are not counted"


def _stand_in(config: RunConfig) -> Draft:
    """One short word a field, which no prompt has otherwise."""
    if isinstance(config.task, Prompted):
        return Draft({each.name: f"zq{place}x" for place, each in enumerate(config.task.all_fields)})
    if isinstance(config.task, Code) and not config.corpus.has_answers:
        return Draft({"question": "zq0x", "answer": "zq1x", "tests": "zq2x"})
    return answered("zq0x", "zq1x")


def _texts(task: Task, draft: Draft) -> Sequence[Texts | None]:
    """What gates and the embedder read of the draft; a task of the user's may not know its fields."""
    try:
        return task.claim(draft), task.shown(draft), task.key(draft)
    except Exception:  # noqa: BLE001 - code of anybody's, given what it did not write
        return None, None, texts_of(draft)


def _draft_tokens(config: RunConfig) -> int:
    """The most tokens of a draft: of all its calls' completions together, without thoughts."""
    if isinstance(config.task, Prompted):
        return sum((call.sampling or config.task.sampling).max_tokens for call in config.task.calls)
    return config.task.sampling.max_tokens


def _counters(config: RunConfig) -> Iterator[tuple[str, PromptCounter]]:
    pools = {name: prompt_counter(config, pool.engine) for name, pool in config.pools.items()}
    yield from pools.items()
    shared = shared_pools(config.gates)
    yield from ((name, pools[pool]) for name, pool in shared.items())
    for name, gate in gate_models(config.gates).items():
        yield name, prompt_counter(config, gate.engine)
    if config.judging.embedder is not None:
        yield EMBEDDER, prompt_counter(config, config.judging.embedder.engine)


class _Deaf:
    """`actors.protocols.AskModel` that keeps what it is asked and answers nothing."""

    def __init__(self) -> None:
        self.asked: list[tuple[PoolName | None, Prompt]] = []

    async def __call__(self, prompt: Prompt, *, pool: PoolName | None = None) -> Completion:
        self.asked.append((pool, prompt))
        raise EngineError(ErrorKind.PERMANENT, "nobody is asked")


async def _first_prompts(task: Task, lease: Lease, config: RunConfig) -> list[tuple[PoolName | None, Prompt]]:
    """What an attempt asks before it is answered. Raises ConfigError for a task of the user's that fails."""
    deaf = _Deaf()
    try:
        with suppress(HopError), ungrouped():
            async for _ in task.attempt(lease, deaf):
                pass
    except Exception as bug:
        where = config.task.task if isinstance(config.task, CustomTask) else "task"
        raise ConfigError(f"task.task: {where}: its attempt raised {described(bug)}") from bug
    return deaf.asked


async def _unanswered(check: Awaitable[Told]) -> None:
    with suppress(HopError):  # what it is answered is no verdict, and need be none
        await check
