"""A task of several calls: each is recorded, seeded and paid for, whatever becomes of the attempt."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from actors.calls.asker import Asker, Way
from actors.counts.tally import Tally
from actors.ledger.attempts import generation_cost
from actors.ledger.history import life_of
from actors.protocols import AskModel
from actors.tasks.one_call import OneCall
from schemas.errors import EngineError, ErrorKind
from schemas.ids import PoolName, derived_seed
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned
from schemas.orders import DeadLetter, EndReason, Lease
from schemas.samples import (
    Completion,
    Draft,
    FinishReason,
    GenerationRequest,
    Made,
    Message,
    Prompt,
    Sampling,
    answered,
)
from tests.doubles.asking import requests_of
from tests.doubles.conductors import Book, Model, conductor, lease


class AskThenAnswer(OneCall):
    """A question by one call, its answer by the next."""

    async def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
        question = await ask(Prompt((Message("user", lease.passage.text),), Sampling(temperature=1.0)))
        answer = await ask(Prompt((Message("user", question.text),), Sampling(temperature=0.0)))
        yield Made(lease.order.id, answered(question.text, answer.text))

    def messages(self, passage: str, draft: Draft) -> Sequence[Message]:
        return (Message("user", draft.question), Message("assistant", draft.answer))


class MakesNothing(AskThenAnswer):
    async def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
        for _ in ():
            yield Made(lease.order.id, answered("", ""))


def test_each_call_has_an_id_and_a_seed_of_its_own() -> None:
    """The first call is asked as a task of one call would ask it; a conductor that dies asks the same again."""
    first, second = requests_of(AskThenAnswer(), lease(), "When?", "1623", seed=7)
    order = lease().order.id
    assert (first.id, second.id) == (f"{order}:1", f"{order}:1:2")
    assert first.sampling.seed == derived_seed(7, order, 1)
    assert second.sampling.seed == derived_seed(7, order, 1, 2)
    assert [first, second] == requests_of(AskThenAnswer(), lease(), "When?", "1623", seed=7)


async def test_an_attempt_holds_every_call() -> None:
    """The record shows how the draft came about, and what all of it took."""
    book = Book(lease())
    await conductor(book, Model("When?", "1623"), task=AskThenAnswer()).run()
    attempt = book.outcomes[0].attempt
    assert attempt.candidate is not None
    assert attempt.candidate.draft == answered("When?", "1623")
    assert [call.text for call in attempt.earlier] == ["When?"]
    assert [call.cost.tokens for call in attempt.earlier] == [15]
    assert (attempt.candidate.cost.tokens, generation_cost(attempt).tokens) == (15, 30)
    assert _told(AcceptedEnd(1.0, lease().order.id, attempt)) == 30


def _told(end: AcceptedEnd | DeadLetteredEnd) -> int:
    """The tokens of the generator's role in everything that is shown of a run, held against what verify recomputes."""
    tally, lease_ = Tally(), lease()
    records = [Planned(0.0, lease_.passage, (lease_.order,)), end]
    for record in records:
        tally.apply(record)
    roles = tally.summary().roles
    told = sum(role.prompt_tokens + role.completion_tokens for role in roles if role.role == "generator")
    assert life_of(lease_.order.id, records).generator_cost.tokens == told
    return told


async def test_what_was_asked_before_a_failure_is_paid_for() -> None:
    """The second call fails for good: the attempt has no draft, and the first call's tokens were spent."""
    book = Book(lease())
    model = Model("When?", EngineError(ErrorKind.PERMANENT, "refused"))
    await conductor(book, model, task=AskThenAnswer()).run()
    outcome = book.outcomes[0]
    assert isinstance(outcome.decision, DeadLetter)
    assert outcome.decision.reason is EndReason.ENGINE_ERROR
    assert generation_cost(outcome.attempt).tokens == 15
    assert _told(DeadLetteredEnd(1.0, outcome.order_id, outcome.attempt, outcome.decision)) == 15


class AskBoth(AskThenAnswer):
    """Two calls side by side."""

    async def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
        prompt = Prompt((Message("user", lease.passage.text),), Sampling())
        async with asyncio.TaskGroup() as group:
            one, other = group.create_task(ask(prompt)), group.create_task(ask(prompt))
        yield Made(lease.order.id, answered(one.result().text, other.result().text))


async def test_calls_side_by_side_fail_as_one_call_does() -> None:
    """The generator refused, and not the user's code."""
    book = Book(lease())
    refused = EngineError(ErrorKind.PERMANENT, "refused")
    await conductor(book, Model(refused, refused), task=AskBoth()).run()
    decision = book.outcomes[0].decision
    assert isinstance(decision, DeadLetter)
    assert (decision.reason, decision.detail) == (EndReason.ENGINE_ERROR, "refused")


async def test_a_task_that_makes_nothing_ends_the_order_and_says_so() -> None:
    """A bug in a user's task is one order's end, not a lease that never comes back."""
    book = Book(lease())
    await conductor(book, Model(), task=MakesNothing()).run()
    decision = book.outcomes[0].decision
    assert isinstance(decision, DeadLetter)
    assert decision.reason is EndReason.INTERNAL_ERROR
    assert "made nothing" in decision.detail


async def test_a_call_aside_is_no_draft_and_no_other_pool_stands_in_for_it() -> None:
    """A check of a draft: paid for with the attempt, never its candidate. Its pool is away: it fails, and nobody who
    wrote the draft is asked instead, as an escalated call would be."""
    asked: list[PoolName] = []

    async def generate(pool: PoolName, request: GenerationRequest) -> Completion:
        asked.append(pool)
        return Completion(request.id, "text", FinishReason.STOP, 10, 5)

    async def away(pool: PoolName, request: GenerationRequest) -> Completion:
        raise EngineError(ErrorKind.RETRYABLE, f"{pool} is away")

    prompt = Prompt((Message("user", "Is it so?"),), Sampling())
    fresh, checker = PoolName("generator"), PoolName("checker")
    asker = Asker(lease(), Way(generate, fresh, fresh, 0, lambda: 0.0))
    await asker(prompt)
    await asker.aside(prompt, pool=checker)
    candidate = asker.candidate(Made(lease().order.id, answered("When?", "1623")))
    assert (candidate.pool, asked) == (fresh, [fresh, checker])
    assert [call.pool for call in asker.taken_aside()] == [checker] and asker.taken_aside() == []
    with pytest.raises(EngineError, match="checker is away"):
        await Asker(lease(), Way(generate, fresh, fresh, 0, lambda: 0.0, away)).aside(prompt, pool=checker)
    assert asked == [fresh, checker]


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize(("text", "beside"), [("<think>Hm.</think>So", ""), ("So", "Hm.")])
async def test_thoughts_are_kept_apart_or_dropped(keeps: bool, text: str, beside: str) -> None:
    """Whoever told them apart; the task reads what the model wrote, and no recorded text holds them."""

    async def generate(pool: PoolName, request: GenerationRequest) -> Completion:
        return Completion(request.id, text, FinishReason.STOP, 1, 1, reasoning=beside)

    pool = PoolName("generator")
    asker = Asker(lease(), Way(generate, pool, pool, 0, lambda: 0.0, keeps_reasoning=keeps))
    assert (await asker(Prompt((), Sampling()))).text == text
    candidate = asker.candidate(Made(lease().order.id, answered("Who?", "So")))
    assert (candidate.text, candidate.reasoning) == ("So", "Hm." if keeps else "")
