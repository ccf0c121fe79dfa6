"""One attempt of a task that is checked: no model is asked, every call is answered with the same text.

Law: what a task does beyond what it may is told as `Broken`, with what it did; it is waited for no longer than
`LONGEST_S`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence

from msgspec import Struct

from actors.calls.asker import Asker, Way
from actors.protocols import Task
from actors.tasks.odd_texts import TEXT, passage_of
from schemas.conformance import Broken
from schemas.corpus import Passage
from schemas.errors import EngineError, ErrorKind, HopError, NoPoolError, described, ungrouped
from schemas.ids import PoolName
from schemas.orders import Lease, Order
from schemas.recovery import Repair
from schemas.samples import Completion, Draft, FinishReason, GenerationRequest, Made, Malformed

LONGEST_S = 30.0
"""For one attempt."""
MOST_CALLS = 100
"""Of one attempt: the stand-in answers no more."""
POOL = PoolName("generator")
PLAIN = passage_of(TEXT)
Call = tuple[PoolName, GenerationRequest]


class TaskSubject(Struct, frozen=True):
    """The task that is checked, and a completion that it should read as a draft; "" for one of `REPLIES`. `pools`: of
    the run that it is checked for; None: without a run, any name will do."""

    task: Task
    reply: str = ""
    pools: Collection[PoolName] | None = None


class Attempted(Struct, frozen=True):
    """What one attempt made, and the calls that it asked for, in their order."""

    made: Draft | Malformed
    calls: tuple[Call, ...]


def leased(passage: Passage = PLAIN, repair: Repair | None = None, orders: int = 1) -> Lease:
    """A lease of so many orders of the passage."""
    first, *beside = (Order.fresh(passage.id, "check", slot) for slot in range(orders))
    attempt = 1 if repair is None else 2
    return Lease(first, passage, attempt, expires_at=0.0, repair=repair, beside=tuple(beside))


async def attempted(
    subject: TaskSubject, lease: Lease, text: str, finish: FinishReason = FinishReason.STOP
) -> Attempted:
    """One attempt of one order whose calls are all answered so. Raises Broken where it does not make exactly one thing
    of it."""
    (draft,), calls = await attempted_all(subject, lease, text, finish)
    return Attempted(draft, calls)


async def attempted_all(
    subject: TaskSubject, lease: Lease, text: str, finish: FinishReason = FinishReason.STOP
) -> tuple[list[Draft | Malformed], tuple[Call, ...]]:
    """What is made of each order of the lease."""
    calls: list[Call] = []

    async def generate(pool: PoolName, request: GenerationRequest) -> Completion:
        calls.append((pool, request))
        if len(calls) > MOST_CALLS:
            raise EngineError(ErrorKind.PERMANENT, f"it asked more than {MOST_CALLS} times in one attempt")
        await asyncio.sleep(0)
        return Completion(request.id, text, finish, prompt_tokens=1, completion_tokens=1)

    made = await _all_made(subject, lease, generate)
    given = {each.order_id: each.draft for each in made if isinstance(each, Made)}
    if len(made) != len(lease.orders) or given.keys() != {order.id for order in lease.orders}:
        told = ", ".join(type(each).__name__ for each in made) or "nothing"
        raise Broken(f"an attempt gave {told}; it must give one Made for each order of the lease, with its id")
    drafts = [given[order.id] for order in lease.orders]
    for draft in drafts:
        if not isinstance(draft, Draft | Malformed):
            raise Broken(f"what it made is {type(draft).__name__}; it must be a Draft or Malformed")
        if isinstance(draft, Draft) and not _are_named_texts(draft.fields):
            raise Broken(f"the fields of a draft must be texts by their names: {draft.fields!r:.80}")
    return drafts, tuple(calls)


async def _all_made(
    subject: TaskSubject, lease: Lease, generate: Callable[[PoolName, GenerationRequest], Awaitable[Completion]]
) -> Sequence[object]:
    asker = Asker(lease, Way(generate, POOL, POOL, 0, lambda: 0.0, pools=subject.pools))
    try:
        async with asyncio.timeout(LONGEST_S):
            with ungrouped():
                return [made async for made in subject.task.attempt(lease, asker)]
    except TimeoutError:
        raise Broken(f"an attempt did not end within {LONGEST_S:g} s") from None
    except HopError as error:
        raise Broken(error.detail) from error
    except NoPoolError as unknown:
        raise Broken(str(unknown)) from unknown
    except Exception as bug:
        raise Broken(f"it raised {described(bug)}") from bug


def are_texts(given: object) -> bool:
    """Whether it is named texts."""
    return isinstance(given, tuple) and all(
        isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(text, str) for text in pair) for pair in given
    )


def _are_named_texts(fields: object) -> bool:
    return isinstance(fields, dict) and are_texts(tuple(fields.items()))
