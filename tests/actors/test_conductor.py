"""One sample's life, path by path, with scripted models and an order book that keeps what it is told."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from random import Random

import pytest
from msgspec.structs import replace

from actors.conductor import Conductor, ConductorSettings, Gating, Toolbox
from actors.hops import RetryLimits
from actors.pool_health import HealthLimits
from schemas.corpus import Passage, Provenance
from schemas.errors import EngineError, ErrorKind, HopError, JudgeError
from schemas.ids import DocumentId, OrderId, PoolName
from schemas.orders import (
    Accept,
    DeadLetter,
    Duplicate,
    EndReason,
    Holding,
    Lease,
    Order,
    Outcome,
    Recorded,
    Requeue,
    Settlement,
)
from schemas.recovery import Choice, Diagnosis, Experience, FailureMode, Repair, RepairKind
from schemas.samples import Candidate, Completion, Draft, FinishReason, GenerationRequest, Message, Sampling
from schemas.verdicts import Errored, GateName, GateRequest, Passed, Rejected, Verdict

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

    async def generate(self, request: GenerationRequest) -> AsyncIterator[Completion]:
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else "Q: when? A: 1623"
        if isinstance(answer, HopError):
            raise answer
        yield Completion(request.id, 0, answer, FinishReason.STOP, prompt_tokens=10, completion_tokens=5)


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


class AskAndRead:
    def request(self, lease: Lease) -> GenerationRequest:
        return GenerationRequest(
            id=lease.order.id, messages=(Message("user", lease.passage.text),), sampling=Sampling()
        )

    def read(self, lease: Lease, text: str, finish: FinishReason) -> Draft | str:
        if "A:" not in text:
            return "no answer"
        question, _, answer = text.partition("A:")
        return Draft(question=question, answer=answer)


class TryAgain:
    """Repairs once, then stops."""

    def decide(self, lease: Lease, candidate: Candidate, verdicts: Sequence[Verdict]) -> tuple[Diagnosis, Choice]:
        repair = Repair(RepairKind.STRICT_GROUNDING, temperature=0.3) if lease.attempt == 1 else None
        return Diagnosis(FailureMode.UNKNOWN, 0.5), Choice("test", repair, reason="attempts used up")

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
    task: AskAndRead | None = None,
    settings: ConductorSettings = SETTINGS,
) -> Conductor:
    scored = {
        GateName.FAITHFULNESS: faithfulness or Says(passed(GateName.FAITHFULNESS)),
        GateName.REWARD: Says(passed(GateName.REWARD)),
    }
    gates = Gating(
        provenance=Says(passed(GateName.PROVENANCE)),
        scored=scored,
        short_circuit=short_circuit,
        duplicate=lambda found: Rejected(gate=GateName.DIVERSITY, score=1 - found.similarity, threshold=0.1),
    )
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


async def test_a_good_sample_is_accepted_with_its_whole_attempt() -> None:
    """Generated, gated by all, settled: the outcome holds text, tokens and every verdict."""
    book = Book(lease())
    await conductor(book, Model()).run()
    (outcome,) = book.outcomes
    assert outcome.decision == Accept()
    assert outcome.attempt.candidate is not None
    assert outcome.attempt.candidate.cost.tokens == 15
    gates = [verdict.gate for verdict in outcome.attempt.verdicts]
    assert gates == [GateName.PROVENANCE, GateName.FAITHFULNESS, GateName.REWARD]


async def test_a_rejected_sample_is_diagnosed_and_requeued_with_its_repair() -> None:
    """The judge says no: diagnosis first, then the repair, both in the outcome."""
    book = Book(lease())
    await conductor(book, Model(), Says(rejected(GateName.FAITHFULNESS))).run()
    (outcome,) = book.outcomes
    assert outcome.decision == Requeue(repair=Repair(RepairKind.STRICT_GROUNDING, temperature=0.3))
    assert outcome.attempt.diagnosis == Diagnosis(FailureMode.UNKNOWN, 0.5)


async def test_a_sample_that_the_policy_gives_up_is_dead_lettered_with_its_gates() -> None:
    """The second attempt is rejected too and the policy stops."""
    book = Book(lease(attempt=2))
    await conductor(book, Model(), Says(rejected(GateName.FAITHFULNESS))).run()
    (outcome,) = book.outcomes
    assert outcome.decision == DeadLetter(EndReason.REJECTED, "attempts used up", gates=(GateName.FAITHFULNESS,))


async def test_text_that_does_not_parse_is_a_rejection_by_format_and_costs_no_gate() -> None:
    """The generator chats instead of answering: no judge is asked about nothing."""
    judge = Says(passed(GateName.FAITHFULNESS))
    book = Book(lease())
    await conductor(book, Model("well, hello"), judge).run()
    (outcome,) = book.outcomes
    assert isinstance(outcome.decision, Requeue)
    assert [verdict.gate for verdict in outcome.attempt.verdicts] == [GateName.FORMAT]
    assert judge.requests == []


async def test_a_judge_that_fails_neither_passes_nor_rejects() -> None:
    """Its error is retried within bounds, then the order ends as gate_error: nothing passes that was not judged."""
    judge = Says(JudgeError(ErrorKind.NONSENSE, "prose, no verdict"))
    book = Book(lease())
    await conductor(book, Model(), judge).run()
    (outcome,) = book.outcomes
    assert isinstance(outcome.decision, DeadLetter)
    assert outcome.decision.reason is EndReason.GATE_ERROR
    assert any(isinstance(verdict, Errored) for verdict in outcome.attempt.verdicts)
    assert outcome.attempt.diagnosis is None
    assert len(judge.requests) == 3


async def test_a_request_that_fails_for_good_ends_its_order_as_engine_error() -> None:
    """Every try of one order fails while another is answered: three calls, then a dead letter in the engine's words."""

    class FirstNever(Model):
        async def generate(self, request: GenerationRequest) -> AsyncIterator[Completion]:
            if request.id == lease(0).order.id:
                self.requests.append(request)
                raise EngineError(ErrorKind.RETRYABLE, "502")
            async for completion in super().generate(request):
                yield completion

    book, model = Book(lease(0), lease(1)), FirstNever()
    await conductor(book, model).run()
    decisions = {outcome.order_id: outcome.decision for outcome in book.outcomes}
    assert decisions[lease(0).order.id] == DeadLetter(EndReason.ENGINE_ERROR, "502", error=ErrorKind.RETRYABLE)
    assert [request.id for request in model.requests].count(lease(0).order.id) == 3


async def test_a_passing_engine_fault_is_invisible_in_the_outcome() -> None:
    """One 502, then an answer: accepted at the first attempt."""
    book = Book(lease())
    await conductor(book, Model(EngineError(ErrorKind.RETRYABLE, "502"))).run()
    assert [outcome.decision for outcome in book.outcomes] == [Accept()]


async def test_a_near_duplicate_is_rejected_by_diversity_and_repaired() -> None:
    """The queue knows an accepted sample that asks the same: the attempt is reported again as a rejection."""
    book = Book(lease())
    order = book.waiting[0].order.id
    book.duplicates[order] = Duplicate(order, of=OrderId("other"), question="when?", similarity=1.0, threshold=0.9)
    await conductor(book, Model()).run()
    (outcome,) = book.outcomes
    assert isinstance(outcome.decision, Requeue)
    assert outcome.attempt.verdicts[-1] == Rejected(gate=GateName.DIVERSITY, score=0.0, threshold=0.1)


async def test_a_short_circuit_saves_the_second_gate() -> None:
    """`short_circuit: true`: what faithfulness rejects is not scored by the reward model."""
    book = Book(lease())
    await conductor(book, Model(), Says(rejected(GateName.FAITHFULNESS)), short_circuit=True).run()
    gates = [verdict.gate for verdict in book.outcomes[0].attempt.verdicts]
    assert gates == [GateName.PROVENANCE, GateName.FAITHFULNESS]


async def test_our_own_bug_ends_one_order_and_says_where() -> None:
    """A task raises on one passage: that order is dead-lettered with the place, the other is accepted."""

    class Buggy(AskAndRead):
        def request(self, lease: Lease) -> GenerationRequest:
            if lease.order.slot == 0:
                raise KeyError("missing")
            return super().request(lease)

    book = Book(lease(0), lease(1))
    await conductor(book, Model(), task=Buggy()).run()
    ends = {outcome.order_id: outcome.decision for outcome in book.outcomes}
    buggy = ends[lease(0).order.id]
    assert isinstance(buggy, DeadLetter)
    assert buggy.reason is EndReason.INTERNAL_ERROR
    assert "test_conductor.py" in buggy.detail
    assert ends[lease(1).order.id] == Accept()


async def test_a_repair_for_another_pool_goes_there() -> None:
    """Escalation names a stronger pool; one that does not exist is an engine error, not a crash."""
    strong = PoolName("strong")
    book = Book(lease(attempt=2, repair=Repair(RepairKind.ESCALATE, temperature=0.3, pool=strong)))
    await conductor(book, Model()).run()
    (outcome,) = book.outcomes
    assert outcome.decision == DeadLetter(
        EndReason.ENGINE_ERROR, "there is no pool 'strong'", error=ErrorKind.PERMANENT
    )


async def test_no_more_samples_than_asked_are_in_flight() -> None:
    """Twenty orders, four at once: the book is never asked for more than there is room."""
    most, now = 0, 0

    class Counting(Model):
        async def generate(self, request: GenerationRequest) -> AsyncIterator[Completion]:
            nonlocal most, now
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.001)
            now -= 1
            yield Completion(request.id, 0, "Q A: 1", FinishReason.STOP, 1, 1)

    book = Book(*(lease(slot) for slot in range(20)))
    await conductor(book, Counting(), settings=replace(SETTINGS, concurrency=4)).run()
    assert len(book.outcomes) == 20
    assert most == 4
    assert all(1 <= limit <= 4 for limit in book.asked)


async def test_a_slow_sample_holds_nobody_up() -> None:
    """One generation hangs for long: every other sample of the run is settled meanwhile."""
    slow = asyncio.Event()

    class OneSlow(Model):
        async def generate(self, request: GenerationRequest) -> AsyncIterator[Completion]:
            if request.id == lease(0).order.id:
                await slow.wait()
            yield Completion(request.id, 0, "Q A: 1", FinishReason.STOP, 1, 1)

    book = Book(*(lease(slot) for slot in range(12)))
    running = asyncio.ensure_future(conductor(book, OneSlow(), settings=replace(SETTINGS, concurrency=4)).run())
    await _until(lambda: len(book.outcomes) == 11)
    assert not running.done()
    slow.set()
    await running
    assert len(book.outcomes) == 12


async def test_a_queue_that_is_made_again_is_waited_for() -> None:
    """Its process dies under a lease call and under a report: both are asked again, and no sample is made again."""

    class Dying(Book):
        def __init__(self, *leases: Lease) -> None:
            super().__init__(*leases)
            self.deaths = [HopError(ErrorKind.CRASHED, "the actor died") for _ in range(4)]

        async def lease(self, conductor: str, limit: int) -> Sequence[Lease] | None:
            if len(self.deaths) > 2:
                raise self.deaths.pop()
            return await super().lease(conductor, limit)

        async def settle(self, outcome: Outcome) -> Settlement:
            if self.deaths:
                raise self.deaths.pop()
            return await super().settle(outcome)

    book, model = Dying(lease(0)), Model()
    await conductor(book, model).run()
    assert len(book.outcomes) == 1
    assert not book.deaths


async def test_a_conductor_says_what_it_holds() -> None:
    """A queue that was made again asks: the sample that is being made is told, the one that is done is not."""
    asked, go_on = asyncio.Event(), asyncio.Event()

    class SecondIsSlow(Model):
        async def generate(self, request: GenerationRequest) -> AsyncIterator[Completion]:
            if request.id == lease(1).order.id:
                asked.set()
                await go_on.wait()
            async for completion in super().generate(request):
                yield completion

    book = Book(lease(0), lease(1))
    conducting = conductor(book, SecondIsSlow())
    running = asyncio.ensure_future(conducting.run())
    await asked.wait()
    await _until(lambda: len(book.outcomes) == 1)
    await conducting.rejoin()
    assert list(book.joined) == [Holding(lease(1).order.id, 1)]
    go_on.set()
    await running


async def test_an_order_is_held_anew_before_its_last_settlement_arrives() -> None:
    """One commit tells the settlement and the next lease of an order, in either sequence: what is left is the first
    attempt, and the second stays in hand."""
    told, done, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()

    class LeaseFirst(Book):
        async def lease(self, conductor: str, limit: int) -> Sequence[Lease] | None:
            leases = await super().lease(conductor, limit)
            return leases if leases or done.is_set() else await self._next()

        async def _next(self) -> Sequence[Lease]:
            await _until(lambda: len(self.outcomes) == 1)
            done.set()
            return [lease(0, attempt=2)]

        async def settle(self, outcome: Outcome) -> Settlement:
            settlement = await super().settle(outcome)
            if outcome.attempt.number == 1:
                await told.wait()
            return settlement

    class SecondIsSlow(Model):
        async def generate(self, request: GenerationRequest) -> AsyncIterator[Completion]:
            if self.requests:
                told.set()
                await go_on.wait()
            async for completion in super().generate(request):
                yield completion

    book = LeaseFirst(lease(0))
    conducting = conductor(book, SecondIsSlow())
    running = asyncio.ensure_future(conducting.run())
    await _until(lambda: told.is_set() and conducting.status().in_flight == 1)
    await conducting.rejoin()
    assert list(book.joined) == [Holding(lease(0).order.id, 2)]
    go_on.set()
    await running


async def test_a_lost_queue_ends_the_conductor_with_its_error() -> None:
    """The queue does not come back within the longest outage: the conductor says so to whoever watches it."""

    class Gone(Book):
        async def lease(self, conductor: str, limit: int) -> Sequence[Lease] | None:
            raise HopError(ErrorKind.CRASHED, "the actor died")

    with pytest.raises(ExceptionGroup) as raised:
        await conductor(Gone(), Model(), settings=replace(SETTINGS, health=HealthLimits(outage_s=0))).run()
    assert raised.group_contains(HopError, match="the actor died")


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - the condition is the test's, no event marks it
            await asyncio.sleep(0.001)
