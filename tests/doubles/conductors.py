"""A conductor among scripted models and gates, with an order book that keeps what it is told."""

import asyncio
from collections.abc import Callable, Sequence
from random import Random

from actors.calls.retry import RetryLimits
from actors.conductor import Conductor, ConductorSettings, Gating, Toolbox
from actors.protocols import Task
from actors.tasks.one_call import OneCall
from schemas.corpus import Passage, Provenance
from schemas.errors import HopError
from schemas.ids import DocumentId, OrderId, PoolName
from schemas.orders import (
    Accept,
    Duplicate,
    Holding,
    Lease,
    Order,
    Outcome,
    Recorded,
    Settlement,
)
from schemas.recovery import Choice, Diagnosis, Experience, Modes, Repair, Repairs
from schemas.samples import (
    Candidate,
    Completion,
    Draft,
    FinishReason,
    GenerationRequest,
    Malformed,
    MalformedReason,
    Message,
    Prompt,
    Sampling,
    answered,
)
from schemas.verdicts import (
    DIVERSITY,
    FAITHFULNESS,
    PROVENANCE,
    REWARD,
    GateName,
    GateRequest,
    Passed,
    Rejected,
    Verdict,
)

PASSAGE = Passage.of("Velmora was founded in 1623.", Provenance("memory://a", DocumentId("a"), "0" * 64, 0, 28, "test"))
GENERATOR = PoolName("generator")
SETTINGS = ConductorSettings("c", concurrency=8, limits=RetryLimits(retries=2, timeout_s=5), fresh_pool=GENERATOR)


def lease(slot: int = 0, *, attempt: int = 1, repair: Repair | None = None) -> Lease:
    order = Order.fresh(PASSAGE.id, "grounded_answer", slot)
    return Lease(order=order, passage=PASSAGE, attempt=attempt, expires_at=1e9, repair=repair)


class Book:
    """Leases out what it was given, once; keeps every outcome."""

    def __init__(self, *leases: Lease) -> None:
        self.waiting = list(leases)
        self.outcomes: list[Outcome] = []
        self.duplicates: dict[OrderId, Duplicate] = {}
        self.asked: list[int] = []
        self.joined: Sequence[Holding] = ()

    async def lease(self, conductor: str, limit: int) -> Sequence[Lease] | None:
        self.asked.append(limit)
        given, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return given or None

    async def settle(self, outcome: Outcome) -> Settlement:
        duplicate = self.duplicates.pop(outcome.order_id, None)
        if duplicate is not None and isinstance(outcome.decision, Accept):
            return duplicate
        self.outcomes.append(outcome)
        return Recorded(outcome.order_id)

    async def join(self, conductor: str, holdings: Sequence[Holding]) -> None:
        self.joined = holdings


class Model:
    """A generator that answers, or fails, as told."""

    def __init__(self, *answers: str | HopError) -> None:
        self.answers = list(answers)
        self.requests: list[GenerationRequest] = []

    async def generate(self, request: GenerationRequest) -> Completion:
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else "Q: when? A: 1623"
        if isinstance(answer, HopError):
            raise answer
        return Completion(request.id, answer, FinishReason.STOP, prompt_tokens=10, completion_tokens=5)


class Says:
    """A gate that says what it is told, or raises it."""

    def __init__(self, verdict: Verdict | BaseException) -> None:
        self.verdict = verdict
        self.requests: list[GateRequest] = []

    async def check(self, request: GateRequest) -> Verdict:
        self.requests.append(request)
        if isinstance(self.verdict, BaseException):
            raise self.verdict
        return self.verdict


class AskAndRead(OneCall):
    def prompt(self, lease: Lease) -> Prompt:
        return Prompt(messages=(Message("user", lease.passage.text),), sampling=Sampling())

    def read(self, lease: Lease, text: str, finish: FinishReason) -> Draft | Malformed:
        if "A:" not in text:
            return Malformed(MalformedReason.NO_ANSWER, "no answer")
        question, _, answer = text.partition("A:")
        return answered(question=question, answer=answer)

    def messages(self, passage: str, draft: Draft) -> Sequence[Message]:
        return (Message("user", draft.question), Message("assistant", draft.answer))


class TryAgain:
    """Repairs once, then stops."""

    def decide(self, lease: Lease, candidate: Candidate, verdicts: Sequence[Verdict]) -> tuple[Diagnosis, Choice]:
        repair = Repair(Repairs.STRICT_GROUNDING, temperature=0.3) if lease.attempt == 1 else None
        return Diagnosis(Modes.UNKNOWN, 0.5), Choice("test", repair, reason="attempts used up")

    def learn(self, experience: Experience) -> None:
        """Nothing to learn."""


def passed(gate: GateName) -> Passed:
    return Passed(gate=gate, score=0.9, threshold=0.5)


def rejected(gate: GateName) -> Rejected:
    return Rejected(gate=gate, score=0.1, threshold=0.5)


def conductor(
    book: Book,
    model: Model,
    faithfulness: Says | None = None,
    *,
    short_circuit: bool = False,
    task: Task | None = None,
    settings: ConductorSettings = SETTINGS,
) -> Conductor:
    scored = {
        FAITHFULNESS: faithfulness or Says(passed(FAITHFULNESS)),
        REWARD: Says(passed(REWARD)),
    }
    gates = Gating(
        provenance=Says(passed(PROVENANCE)),
        scored=scored,
        short_circuit=short_circuit,
        duplicate=lambda found: Rejected(gate=DIVERSITY, score=1 - found.similarity, threshold=0.1),
    )
    return conductor_of(book, model, gates, task or AskAndRead(), settings)


def conductor_of(
    book: Book, model: Model, gates: Gating, task: Task | None = None, settings: ConductorSettings = SETTINGS
) -> Conductor:
    """A conductor with these gates."""
    tools = Toolbox(orders=book, task=task or AskAndRead(), pools={GENERATOR: model}, gates=gates, recovery=TryAgain())
    clock = Clock()
    return Conductor(tools, settings, clock=clock, sleep=clock.sleep, random=Random(0))


class Clock:
    """A sleep takes no time, and moves this clock."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - the condition is the test's, no event marks it
            await asyncio.sleep(0.001)
