"""A run in this process that sends probes: scripted models, the real conductor, queue service, ledger and tally."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from random import Random
from typing import Any

from actors.calls.retry import RetryLimits
from actors.conductor import Conductor, ConductorSettings, Gating, Toolbox
from actors.gates.diversity import duplicate_verdict, likeness
from actors.gates.provenance import ProvenanceGate
from actors.ledger.sqlite import MemoryLedger
from actors.probes.maker import ProbeMaker, Spoiling
from actors.probes.plan import FlawDraw, ProbePlan
from actors.protocols import AskModel
from actors.queue.commits import Ledger
from actors.queue.machine import QueueLimits, RegenerationQueue
from actors.queue.probes import ProbeTerms
from actors.queue.service import QueueService, ServiceSettings
from actors.recovery.policies import build_recovery
from actors.tasks.grounded_answer import GroundedAnswerTask
from deployments.local.loop import InProcessOrders
from schemas.config import Corpus, GroundedAnswer, Recovery
from schemas.corpus import Passage
from schemas.errors import ErrorKind, JudgeError
from schemas.flaws import FlawKind, Worth
from schemas.ids import PoolName, derived_seed
from schemas.ledger import Record
from schemas.orders import Lease, OrderKind
from schemas.samples import Completion, Cost, Draft, FinishReason, GenerationRequest, rewritten, texts_of
from schemas.verdicts import FAITHFULNESS, REWARD, GateName, GateRequest, Passed, Rejected, Verdict
from tests.doubles.passages import HERON, passage_of

GENERATOR = PoolName("generator")
RIGHT, WRONG = "Oda Lind", "Vela Marr"
JUDGES = {FAITHFULNESS: "judge@1", REWARD: "reward@1"}
TOKENS_OF_A_VERDICT = 7
BY_NAME = {FlawKind.PARAMETRIC: 1.0, FlawKind.CONTRADICTS_SOURCE: 1.0}


def passages(number: int) -> list[Passage]:
    """That many, of which every one states who the founder is."""
    return [passage_of(f"{HERON} It has {count} households.") for count in range(number)]


class Writer:
    """A generator whose answers are right, or wrong for one request of `wrong_each`; its questions differ."""

    def __init__(self, wrong_each: int = 0) -> None:
        self.requests: list[GenerationRequest] = []
        self._wrong_each = wrong_each

    async def generate(self, request: GenerationRequest) -> Completion:
        self.requests.append(request)
        wrong = self._wrong_each and derived_seed(request.id) % self._wrong_each == 0
        text = f"Question: Who founded entry {request.id}?\nAnswer: {WRONG if wrong else RIGHT}"
        return Completion(request.id, text, FinishReason.STOP, prompt_tokens=10, completion_tokens=5)


class NameGate:
    """Rejects the wrong name, fails on what `fails_on` holds, and keeps what it was asked."""

    def __init__(self, gate: GateName, *, wrong: str = WRONG, fails_on: str = "") -> None:
        self._gate, self._wrong, self._fails_on = gate, wrong, fails_on
        self.seen: list[GateRequest] = []

    async def check(self, request: GateRequest) -> Verdict:
        self.seen.append(request)
        if self._fails_on and self._fails_on in request.draft.answer:
            raise JudgeError(ErrorKind.PERMANENT, "the judge cannot read this")
        kind, score = (Rejected, 0.1) if self._wrong in request.draft.answer else (Passed, 0.9)
        return kind(gate=self._gate, score=score, threshold=0.5, cost=Cost(prompt_tokens=TOKENS_OF_A_VERDICT))


class WrongName:
    """Spoils by writing the wrong name, and knows it when it sees it."""

    def kinds(self, passage: Passage) -> Collection[FlawKind]:
        return frozenset(FlawKind)

    async def spoil(self, kind: FlawKind, lease: Lease, draft: Draft, ask: AskModel) -> Draft | None:
        return rewritten(draft, answer=WRONG)

    async def worth(self, kind: FlawKind, lease: Lease, draft: Draft, ask: AskModel) -> Worth:
        return Worth.BAD if draft.answer == WRONG else Worth.GOOD


def wrong_name(corpus: Corpus, seed: int) -> WrongName:
    """Factory for a configuration's `injector: {factory: "tests.doubles.probed:wrong_name"}`."""
    return WrongName()


def plan(rate: float, *, good: float = 0.5) -> ProbePlan:
    """Probes made of the run's own first attempts."""
    return ProbePlan(rate=rate, good=good, seed=3)


class ProbedRun:
    """One life of a run: `conduct` takes it to its end, or to the death of its ledger."""

    def __init__(
        self,
        probes: ProbePlan,
        *,
        ledger: Ledger | None = None,
        spoils: Spoiling | None = None,
        tokens: int | None = None,
        wrong_each: int = 0,
    ) -> None:
        self.writer = Writer(wrong_each)
        self.gates = {
            FAITHFULNESS: NameGate(FAITHFULNESS),
            REWARD: NameGate(REWARD, wrong="nobody is called this"),
        }
        self.ledger = MemoryLedger() if ledger is None else ledger
        limits = QueueLimits(max_attempts=3, lease_s=60, fresh_share=0.25, tokens=tokens)
        terms = ProbeTerms("grounded_answer", probes.beside, judges=JUDGES)
        self.queue = RegenerationQueue(limits, likeness(texts_of), probes=terms)
        settings = ServiceSettings("grounded_answer", 2, 1000)
        self.service = QueueService(self.queue, self.ledger, settings, now=lambda: 100.0)
        gates = Gating(ProvenanceGate(), self.gates, short_circuit=False, duplicate=duplicate_verdict)
        task = GroundedAnswerTask(GroundedAnswer(prompts="embedded"))
        self.tools = Toolbox(
            orders=InProcessOrders(self.service),
            task=task,
            pools={GENERATOR: self.writer},
            gates=gates,
            recovery=build_recovery(Recovery(max_attempts=3)),
            makers={OrderKind.PROBE: ProbeMaker(task, spoils)},
        )

    async def conduct(self, of: Sequence[Passage]) -> None:
        settings = ConductorSettings("c", concurrency=8, limits=RetryLimits(), fresh_pool=GENERATOR)
        conductor = Conductor(self.tools, settings, clock=lambda: 100.0, sleep=_no_wait, random=Random(0))
        await self.service.offer(of)
        await self.service.corpus_ended(len(of), len(of))
        await conductor.run()
        await self.service.close()
        self.queue.check()


def spoiling(probes: ProbePlan, flaws: Mapping[FlawKind, float] = BY_NAME, **others: Any) -> ProbedRun:
    """A run whose injector writes the wrong name."""
    return ProbedRun(probes, spoils=Spoiling(WrongName(), FlawDraw(flaws, 3)), **others)


def kept(run: ProbedRun) -> list[Record]:
    """What a run's ledger in memory holds."""
    assert isinstance(run.ledger, MemoryLedger)
    return run.ledger.kept


class MortalLedger(MemoryLedger):
    """Dies at the transaction after so many; what it kept is what a disk would hold."""

    def __init__(self, kept: Sequence[Record], *, transactions: int) -> None:
        super().__init__()
        self.kept = list(kept)
        self._left = transactions

    def append(self, records: Sequence[Record]) -> int:
        if not self._left:
            raise OSError("the machine is gone")
        self._left -= 1
        return super().append(records)


async def _no_wait(seconds: float) -> None:
    await asyncio.sleep(0)
