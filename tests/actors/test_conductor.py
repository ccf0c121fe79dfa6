"""One sample's life, path by path, with scripted models and an order book that keeps what it is told."""

import asyncio
from collections.abc import AsyncIterator

from msgspec.structs import replace

from actors.protocols import AskModel
from schemas.errors import EngineError, ErrorKind, JudgeError
from schemas.ids import OrderId, PoolName
from schemas.orders import (
    Accept,
    DeadLetter,
    Duplicate,
    EndReason,
    Lease,
    Requeue,
)
from schemas.recovery import Diagnosis, Modes, Repair, Repairs
from schemas.samples import (
    Completion,
    Cost,
    FinishReason,
    GenerationRequest,
    Heard,
    Made,
    MalformedReason,
    Message,
    Prompt,
)
from schemas.verdicts import DIVERSITY, FAITHFULNESS, FORMAT, PROVENANCE, REWARD, Errored, Rejected
from tests.doubles.conductors import SETTINGS, AskAndRead, Book, Model, Says, conductor, lease, passed, rejected, until


async def test_a_good_sample_is_accepted_with_its_whole_attempt() -> None:
    """Generated, gated by all, settled: the outcome holds text, tokens and every verdict."""
    book = Book(lease())
    await conductor(book, Model()).run()
    (outcome,) = book.outcomes
    assert outcome.decision == Accept()
    assert outcome.attempt.candidate is not None
    assert outcome.attempt.candidate.cost.tokens == 15
    gates = [verdict.gate for verdict in outcome.attempt.verdicts]
    assert gates == [PROVENANCE, FAITHFULNESS, REWARD]


async def test_a_rejected_sample_is_diagnosed_and_requeued_with_its_repair() -> None:
    """The judge says no: diagnosis first, then the repair, both in the outcome."""
    book = Book(lease())
    await conductor(book, Model(), Says(rejected(FAITHFULNESS))).run()
    (outcome,) = book.outcomes
    assert outcome.decision == Requeue(repair=Repair(Repairs.STRICT_GROUNDING, temperature=0.3))
    assert outcome.attempt.diagnosis == Diagnosis(Modes.UNKNOWN, 0.5)


async def test_a_sample_that_the_policy_gives_up_is_dead_lettered_with_its_gates() -> None:
    """The second attempt is rejected too and the policy stops."""
    book = Book(lease(attempt=2))
    await conductor(book, Model(), Says(rejected(FAITHFULNESS))).run()
    (outcome,) = book.outcomes
    assert outcome.decision == DeadLetter(EndReason.REJECTED, "attempts used up", gates=(FAITHFULNESS,))


async def test_text_that_does_not_parse_is_a_rejection_by_format_and_costs_no_gate() -> None:
    """The generator chats instead of answering: no judge is asked about nothing."""
    judge = Says(passed(FAITHFULNESS))
    book = Book(lease())
    await conductor(book, Model("well, hello"), judge).run()
    (outcome,) = book.outcomes
    assert isinstance(outcome.decision, Requeue)
    assert [verdict.gate for verdict in outcome.attempt.verdicts] == [FORMAT]
    assert judge.requests == []
    said = outcome.attempt.candidate
    assert said is not None
    assert (said.malformed, said.malformed_reason) == ("no answer", MalformedReason.NO_ANSWER)


async def test_an_errored_verdict_shows_what_was_heard_and_costs_what_all_tries_took() -> None:
    """Three answers that are no verdicts: the last is kept with its prompt, and the tokens of all are in the bill."""
    heard = Heard((Message("user", "Judge it."),), "It is fine.", Cost(40, 7))
    judge = Says(JudgeError(ErrorKind.NONSENSE, "prose, no verdict", heard=heard))
    book = Book(lease())
    await conductor(book, Model(), judge).run()
    (outcome,) = book.outcomes
    (errored,) = [verdict for verdict in outcome.attempt.verdicts if isinstance(verdict, Errored)]
    assert (errored.asked, errored.said) == (heard.asked, "It is fine.")
    assert (errored.cost.prompt_tokens, errored.cost.completion_tokens) == (120, 21)


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
        async def generate(self, request: GenerationRequest) -> Completion:
            if request.id == f"{lease(0).order.id}:1":
                self.requests.append(request)
                raise EngineError(ErrorKind.RETRYABLE, "502")
            return await super().generate(request)

    book, model = Book(lease(0), lease(1)), FirstNever()
    await conductor(book, model).run()
    decisions = {outcome.order_id: outcome.decision for outcome in book.outcomes}
    assert decisions[lease(0).order.id] == DeadLetter(EndReason.ENGINE_ERROR, "502", error=ErrorKind.RETRYABLE)
    assert [request.id for request in model.requests].count(f"{lease(0).order.id}:1") == 3


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
    assert outcome.attempt.verdicts[-1] == Rejected(gate=DIVERSITY, score=0.0, threshold=0.1)


async def test_a_short_circuit_saves_the_second_gate() -> None:
    """`short_circuit: true`: what faithfulness rejects is not scored by the reward model."""
    book = Book(lease())
    await conductor(book, Model(), Says(rejected(FAITHFULNESS)), short_circuit=True).run()
    gates = [verdict.gate for verdict in book.outcomes[0].attempt.verdicts]
    assert gates == [PROVENANCE, FAITHFULNESS]


async def test_our_own_bug_ends_one_order_and_says_where() -> None:
    """A task raises on one passage: that order is dead-lettered with the place, the other is accepted."""

    class Buggy(AskAndRead):
        def prompt(self, lease: Lease) -> Prompt:
            if lease.order.slot == 0:
                raise KeyError("missing")
            return super().prompt(lease)

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
    book = Book(lease(attempt=2, repair=Repair(Repairs.ESCALATE, temperature=0.3, pool=strong)))
    await conductor(book, Model()).run()
    (outcome,) = book.outcomes
    assert outcome.decision == DeadLetter(
        EndReason.ENGINE_ERROR, "there is no pool 'strong'", error=ErrorKind.PERMANENT
    )


async def test_no_more_samples_than_asked_are_in_flight() -> None:
    """Twenty orders, four at once: the book is never asked for more than there is room."""
    most, now = 0, 0

    class Counting(Model):
        async def generate(self, request: GenerationRequest) -> Completion:
            nonlocal most, now
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.001)
            now -= 1
            return Completion(request.id, "Q A: 1", FinishReason.STOP, 1, 1)

    book = Book(*(lease(slot) for slot in range(20)))
    await conductor(book, Counting(), settings=replace(SETTINGS, concurrency=4)).run()
    assert len(book.outcomes) == 20
    assert most == 4
    assert all(1 <= limit <= 4 for limit in book.asked)


async def test_a_slow_sample_holds_nobody_up() -> None:
    """One generation hangs for long: every other sample of the run is settled meanwhile."""
    slow = asyncio.Event()

    class OneSlow(Model):
        async def generate(self, request: GenerationRequest) -> Completion:
            if request.id == f"{lease(0).order.id}:1":
                await slow.wait()
            return Completion(request.id, "Q A: 1", FinishReason.STOP, 1, 1)

    book = Book(*(lease(slot) for slot in range(12)))
    running = asyncio.ensure_future(conductor(book, OneSlow(), settings=replace(SETTINGS, concurrency=4)).run())
    await until(lambda: len(book.outcomes) == 11)
    assert not running.done()
    slow.set()
    await running
    assert len(book.outcomes) == 12


class Threes(AskAndRead):
    """Three samples of one completion, a line each."""

    together = 3

    async def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
        completion = await ask(self.prompt(lease))
        for order, line in zip(lease.orders, completion.text.splitlines(), strict=True):
            yield Made(order.id, self.read(lease, line, completion.finish))


async def test_one_completion_serves_every_order_of_a_lease() -> None:
    """Each is judged, settled and repaired on its own; the call is asked and paid once, under the first one's id."""
    whole = replace(lease(0), beside=(lease(1).order, lease(2).order))
    book, model = Book(whole), Model("Q: a? A: 1\nchat\nQ: b? A: 2")
    judge = Says(passed(FAITHFULNESS))
    await conductor(book, model, judge, task=Threes()).run()
    decisions = {outcome.order_id: outcome.decision for outcome in book.outcomes}
    assert [type(decisions[order.id]) for order in whole.orders] == [Accept, Requeue, Accept]
    assert [request.id for request in model.requests] == [f"{whole.order.id}:1"]
    assert {request.id for request in judge.requests} == {f"{whole.order.id}:1", f"{lease(2).order.id}:1"}
    costs = [outcome.attempt.candidate.cost.tokens for outcome in book.outcomes if outcome.attempt.candidate]
    assert sorted(costs) == [0, 0, 15]


async def test_a_failed_call_ends_every_order_that_waits_for_it() -> None:
    """And each order of the lease is in hand, for a queue that asks."""
    whole = replace(lease(0), beside=(lease(1).order, lease(2).order))
    book, model = Book(whole, lease(9)), Model(EngineError(ErrorKind.PERMANENT, "no"))
    book.duplicates = {}
    await conductor(book, model, task=Threes()).run()
    assert len(book.outcomes) == 4
    ended = {outcome.order_id: outcome.decision for outcome in book.outcomes}
    assert all(isinstance(ended[order.id], DeadLetter) for order in whole.orders)
