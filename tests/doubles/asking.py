"""What a task asks a generator, without one."""

import asyncio

from msgspec import Struct

from actors.calls.asker import Asker, Way
from actors.protocols import Task
from schemas.ids import PoolName
from schemas.orders import Lease
from schemas.samples import Completion, Draft, FinishReason, GenerationRequest, Made, Malformed

POOL = PoolName("generator")


class Attempted(Struct, frozen=True):
    """An attempt's calls, with the pool of each, and what it made."""

    asked: list[GenerationRequest]
    pools: list[PoolName]
    made: list[Made]


def attempt_of(task: Task, lease: Lease, *answers: str, seed: int = 0) -> Attempted:
    """An attempt whose calls are answered so, and then with nothing."""
    attempt = Attempted([], [], [])

    async def generate(pool: PoolName, request: GenerationRequest) -> Completion:
        attempt.asked.append(request)
        attempt.pools.append(pool)
        text = answers[len(attempt.asked) - 1] if len(attempt.asked) <= len(answers) else ""
        return Completion(request.id, text, FinishReason.STOP, prompt_tokens=1, completion_tokens=1)

    async def make() -> None:
        asker = Asker(lease, Way(generate, POOL, POOL, seed, lambda: 0.0))
        attempt.made.extend([made async for made in task.attempt(lease, asker)])

    asyncio.run(make())
    return attempt


def requests_of(task: Task, lease: Lease, *answers: str, seed: int = 0) -> list[GenerationRequest]:
    """Every request of one attempt whose calls are answered so, and then with nothing."""
    return attempt_of(task, lease, *answers, seed=seed).asked


def made_of(task: Task, lease: Lease, *answers: str) -> Draft | Malformed:
    """What an attempt of one order makes whose calls are answered so."""
    (made,) = attempt_of(task, lease, *answers).made
    return made.draft


def request_of(task: Task, lease: Lease, *, seed: int = 0) -> GenerationRequest:
    """The only request of an attempt whose call is answered with a draft."""
    (request,) = requests_of(task, lease, "Question: Who?\nAnswer: Oda Lind", seed=seed)
    return request
