"""What a task asks a generator, without one."""

import asyncio

from actors.calls.asker import Asker, Way
from actors.protocols import Task
from schemas.ids import PoolName
from schemas.orders import Lease
from schemas.samples import Completion, FinishReason, GenerationRequest

POOL = PoolName("generator")


def requests_of(task: Task, lease: Lease, *answers: str, seed: int = 0) -> list[GenerationRequest]:
    """Every request of one attempt whose calls are answered so, and then with nothing."""
    asked: list[GenerationRequest] = []

    async def generate(pool: PoolName, request: GenerationRequest) -> Completion:
        asked.append(request)
        text = answers[len(asked) - 1] if len(asked) <= len(answers) else ""
        return Completion(request.id, text, FinishReason.STOP, prompt_tokens=1, completion_tokens=1)

    async def attempt() -> None:
        async for _ in task.attempt(lease, Asker(lease, Way(generate, POOL, POOL, seed, lambda: 0.0))):
            pass

    asyncio.run(attempt())
    return asked


def request_of(task: Task, lease: Lease, *, seed: int = 0) -> GenerationRequest:
    """The only request of an attempt whose call is answered with a draft."""
    (request,) = requests_of(task, lease, "Question: Who?\nAnswer: Oda Lind", seed=seed)
    return request
