"""The arms of a set of problems, each a run of the product's own loop over the same orders with the same draws.

Law: what was executed once in a part is not executed again, since an outcome follows from the two texts and the limits
(`deployments/sandbox`). Attempts stand in waves, all second ones before the third, so that no figure depends on how
fast the machine was.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from actors.conductor import Toolbox
from actors.gates.code import CodeGate, CodeRun
from actors.gates.execution import ExecutionGate
from actors.ledger.attempts import draft_of, tokens
from actors.protocols import Generator, Orders
from deployments.build.gates import inside_gate
from deployments.build.wiring import toolbox
from schemas.config import FRESH_POOL, Conductors, Corpus, Pool, Recovery, RunConfig, SamplingDefaults
from schemas.config_engines import CustomEngine
from schemas.config_gates import CodeTests, QueryExecution
from schemas.config_tasks import Code, Sql
from schemas.corpus import Passage, Provenance
from schemas.ids import DocumentId, OrderId, PoolName, content_id
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Rejoined
from schemas.orders import Attempt
from schemas.queries import QueryOutcome
from schemas.recovery import FailureMode, RepairKind
from schemas.verdicts import GateName
from studies.executed.arms import recoveries
from studies.executed.truth import is_right_function, is_right_query
from studies.frame.loop import records_of

SLOTS, SPARE = 4, 4
"""Planned orders of a passage, and more for who spends the budget on fresh ones."""
ATTEMPTS = 4
SECOND, GATE = "second", GateName("executed")
TASKS = {"code": Code, "sql": Sql}
GATES = {"code": CodeTests(timeout_s=0.5), "sql": QueryExecution(pool=SECOND, timeout_s=0.5)}
UNUSED = CustomEngine("studies.executed.writer:Writer")
"""Engines are given to the loop as they are."""


class Tried(Struct, frozen=True):
    """One attempt. `passage` and `slot` say of which order; `right`: None where nobody knows, or for what was not
    accepted."""

    passage: int
    slot: int
    attempt: int
    tokens: int
    accepted: bool
    mode: FailureMode | None = None
    repair: RepairKind | None = None
    right: bool | None = None


class Once:
    """`CodeRunner` and `QueryRunner` that execute the same two texts once."""

    def __init__(self, runner: Any) -> None:
        self._runner = runner
        self._ran: dict[tuple[str, str], asyncio.Future[Any]] = {}

    async def check(self, program: str, tests: str) -> CodeRun:
        return await self._once((program, tests), self._runner.check)

    async def execute(self, script: str, query: str) -> QueryOutcome:
        return await self._once((script, query), self._runner.execute)

    async def start(self) -> object:
        return await self._runner.start()

    async def close(self) -> None:
        await self._runner.close()

    async def _once(self, texts: tuple[str, str], execute: Callable[[str, str], Awaitable[Any]]) -> Any:
        if texts not in self._ran:
            self._ran[texts] = asyncio.ensure_future(execute(*texts))
        try:
            return await asyncio.shield(self._ran[texts])
        except Exception:
            self._ran.pop(texts, None)  # a machine that was busy may be so no more
            raise

    @property
    def executed(self) -> int:
        """Pairs of texts."""
        return len(self._ran)


class Bench:
    """A gate with its sandbox, for every arm of a set. `kind`: `code` or `sql`."""

    def __init__(self, kind: str, texts: Sequence[str], seed: int) -> None:
        self.kind, self._seed = kind, seed
        self._passages = [passage_of(text, number) for number, text in enumerate(texts)]
        gate = inside_gate(GATE, GATES[kind])
        assert isinstance(gate, CodeGate | ExecutionGate)
        self.runner = Once(gate.runner)
        gate.runner = self.runner
        self.gate = gate

    async def aclose(self) -> None:
        """Ends the sandbox."""
        await self.runner.close()

    async def arms(
        self, writer: Generator, sampling: SamplingDefaults, *, attempts: int = ATTEMPTS
    ) -> dict[str, list[Tried]]:
        """Every attempt of each arm, with this writer in both pools. `attempts`: of an order, at most."""
        return {
            name: await self._arm(self._config(replace(recovery, max_attempts=attempts), sampling), writer)
            for name, recovery in recoveries(self.kind).items()
        }

    async def _arm(self, config: RunConfig, writer: Generator) -> list[Tried]:
        records = await records_of(config, self._passages, partial(self._tools, config, writer))
        numbers = {passage.id: number for number, passage in enumerate(self._passages)}
        places: dict[OrderId, tuple[int, int]] = {}
        found: list[Tried] = []
        for record in records:
            if isinstance(record, Planned):
                places |= {order.id: (numbers[order.passage_id], order.slot) for order in record.orders}
            elif isinstance(record, Rejoined | AcceptedEnd | DeadLetteredEnd) and record.attempt is not None:
                accepted = isinstance(record, AcceptedEnd)
                found.append(await self._tried(record.attempt, *places[record.order_id], accepted=accepted))
        return sorted(found, key=lambda one: (one.attempt, one.slot, one.passage))

    async def _tried(self, attempt: Attempt, passage: int, slot: int, *, accepted: bool) -> Tried:
        draft, right = draft_of(attempt), None
        if accepted and draft is not None:
            text = self._passages[passage].text
            of_query = partial(is_right_query, text)
            right = await (is_right_function if self.kind == "code" else of_query)(draft, self.runner)
        mode = None if attempt.diagnosis is None else attempt.diagnosis.mode
        repair = None if attempt.repair is None else attempt.repair.kind
        return Tried(passage, slot, attempt.number, tokens(attempt), accepted, mode, repair, right)

    def _config(self, recovery: Recovery, sampling: SamplingDefaults) -> RunConfig:
        slots = SLOTS + (SPARE if recovery.policy == "discard" else 0)
        pools = (FRESH_POOL,) if self.kind == "code" else (FRESH_POOL, SECOND)
        return RunConfig(
            corpus=Corpus(paths=("drawn",)),
            task=TASKS[self.kind](samples_per_passage=slots, sampling=sampling),
            pools={name: Pool(UNUSED) for name in pools},
            gates={GATE: GATES[self.kind]},
            recovery=recovery,
            conductors=Conductors(concurrency=16),
            name="executed-study",
            seed=self._seed,
        )

    def _tools(self, config: RunConfig, writer: Generator, orders: Orders) -> Toolbox:
        return toolbox(config, orders, {PoolName(name): writer for name in config.pools}, {GATE: self.gate})


def passage_of(text: str, number: int) -> Passage:
    """A text as the whole of a document."""
    name = f"{number}"
    return Passage.of(
        text, Provenance(f"drawn://{name}", DocumentId(name), content_id(text) * 2, 0, len(text), "whole/1")
    )
